#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual page has every command of discoverctl, and every option that its help names.
# Usage: manual.sh DISCOVERCTL MANUAL
set -eu
manual=$(sed 's/\\-/-/g' "$2")
missing=0
commands=$("$1" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
[ -n "$commands" ]
for command in $commands; do
    echo "$manual" | grep -Eq "^\.SS \"?$command( |\"|\$)" || { echo "no section: $command"; missing=1; }
    for option in $("$1" "$command" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
        echo "$manual" | grep -q -e "$option" || { echo "not in the manual: $command $option"; missing=1; }
    done
done
exit $missing

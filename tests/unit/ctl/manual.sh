#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual page is what the program says of itself, and the program all that the page says: each command with how it is called,
# below it each of its options with the same words, and no command and no option that is not there.
# Usage: manual.sh DISCOVERCTL MANUAL
set -eu
manual=$(sed 's/\\-/-/g; s/\\(dq/"/g' "$2")
wrong=0
missing() { echo "$1: $2"; wrong=1; }
commands=$("$1" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
[ -n "$commands" ]
known=" --socket --host --nats --json --help --version "
for command in $commands; do
    help=$("$1" "$command" --help)
    section=$(printf '%s\n' "$manual" | awk -v c="$command" '/^\.S[SH]/ { on = $2 == c || $2 == "\"" c || $2 == "\"" c "\"" } on')
    uses=$(printf '%s\n' "$help" | sed -n 's/^\(Usage:\|      \) discoverctl //p')
    printf '%s\n' "$uses" | while IFS= read -r use; do
        printf '%s\n' "$section" | grep -qxF ".SS \"$use\"" || echo "$use"
    done | grep . && missing "$command" "is called otherwise in the manual"
    for option in $(printf '%s\n' "$help" | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
        known="$known$option "
        printf '%s\n' "$manual" | grep -qE -e "^\.BI? $option( |\$)" || missing "$command" "$option is not in the manual"
        text=$(printf '%s\n' "$help" | sed -n "s/^  $option\( [^ ]*\)\{0,1\} *//p" | cut -c2-)
        printf '%s\n' "$manual" | cut -c2- | grep -qxF -e "$text" || missing "$command" "$option is called something else in the manual"
    done
done
for command in $(printf '%s\n' "$manual" | awk '/^\.SH/ { on = $2 == "COMMANDS" } on && /^\.SS/ { gsub(/"/, ""); print $2 }'); do
    printf '%s\n' "$commands" | grep -qx "$command" || missing "$command" "there is no such command"
done
for option in $(printf '%s\n' "$manual" | grep -o -e '--[a-z][a-z-]*' | sort -u); do
    case $known in *" $option "*) ;; *) missing "$option" "there is no such option" ;; esac
done
exit $wrong

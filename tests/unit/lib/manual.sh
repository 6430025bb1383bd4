#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual page has every function that the library exports, and no other; the header's results, too.
# Usage: manual.sh MAP HEADER MANUAL
set -eu
export LC_ALL=C
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

sed -n 's/^ *\(discover_[a-z0-9_]*\);$/\1/p' "$1" | sort >"$folder/exported"
# A prototype is in bold and italics, .BI "int discover_start(struct discover *" d ); and has its bracket.
grep -o 'discover_[a-z0-9_]*(' "$3" | tr -d '(' | sort -u >"$folder/described"
[ -s "$folder/exported" ]
diff "$folder/exported" "$folder/described"

for result in $(sed -n 's/^ *\(DISCOVER_E_[A-Z]*\) = .*/\1/p' "$2") DISCOVER_FRESH DISCOVER_STALE DISCOVER_DEGRADED; do
    grep -q "$result" "$3" || { echo "$result is not in the manual"; exit 1; }
done

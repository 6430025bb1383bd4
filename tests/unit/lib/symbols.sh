#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shared library exports what the public headers declare, no more and no less, and needs nothing of ours.
# Usage: symbols.sh LIBRARY HEADER...
set -eu
export LC_ALL=C
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

library=$1
shift
nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$folder/exported"
cat "$@" | tr '\n' ' ' | sed 's/DISCOVER_API/\n&/g' | sed -n 's/^DISCOVER_API[^;(]*(*[^;(]*[ *]\(discover_[a-z0-9_]*\)(.*/\1/p' |
    sort >"$folder/declared"
[ -s "$folder/declared" ]
diff "$folder/declared" "$folder/exported"

readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$folder/needed"
if grep -v -e '^libc\.so' -e '^libprotobuf-c\.so' -e '^libcares\.so' -e '^lib[a-z]*san\.so' -e '^ld-linux' "$folder/needed"; then
    echo "the library needs more than libc, libprotobuf-c and libcares" >&2
    exit 1
fi

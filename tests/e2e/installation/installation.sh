#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What README tells an operator to type is typed, to the letter, in a bare Debian 12 that has booted, from a fresh clone; it
# ends with a look-up that works. Usage: installation.sh SOURCES BUILD. Exit 77: not possible here.
set -euo pipefail
sources=$1
build=$2
here=$(dirname "$0")

root=$("$sources/tests/support/debian-root" bookworm "$build") || { echo "-- skipped: no bare Debian"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/clone"
git -C "$sources" ls-files -z | tar -C "$sources" --null -T - -cf - | tar -C "$folder/clone" -xf -
sed -n '/^### Installation$/,/^#\{2,3\} /s/^    //p' "$sources/README.md" >"$folder/commands"
[ -s "$folder/commands" ] || { echo "README has no section Installation with commands"; exit 1; }
cp "$here/prepare_machine" "$folder/prepare"
cp "$here/type_commands" "$folder/run"
"$sources/tests/support/booted-debian" "$root" "$folder"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs built with the last release run with this library: no function is gone, none takes or gives anything else, no
# structure has moved. Usage: abi.sh LIBRARY HEADERS DUMP. Exit 77: not possible here. With each release, the dump is made anew:
#   abidw --headers-dir libdiscover/include --no-corpus-path --no-comp-dir-path --no-show-locs --drop-private-types \
#       --drop-undefined-syms build/lib/libdiscover.so --out-file libdiscover/libdiscover.abi && xz -9 libdiscover/libdiscover.abi
set -eu
command -v abidiff >/dev/null || { echo "-- skipped: there is no abidiff (abigail-tools)"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
xz -dc "$3" >"$folder/last.abi"
abidiff --no-added-syms --drop-private-types --headers-dir2 "$2" "$folder/last.abi" "$1"

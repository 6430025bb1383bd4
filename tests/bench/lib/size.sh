#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The size of the stripped library. Usage: size.sh LIBRARY
set -eu
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$1"
bytes=$(wc -c <"$stripped")
[ "$bytes" -lt 150000 ] && ok=true || ok=false
echo "{\"name\":\"size of the stripped library\",\"value\":$bytes,\"unit\":\"B\",\"p99\":null,\"floor\":null," \
    "\"ratio\":null,\"target\":150000,\"ok\":$ok}"

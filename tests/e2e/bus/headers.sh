#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The bus compiles, without a warning, against the nats.c headers of newer Debians. Exit 77 (skipped) when they cannot be had.
set -euo pipefail
source=$1
build=$2
cc=$3
skipped=0

for debian in trixie sid; do
    if ! folder=$("$source/tests/support/fetch-package" "$debian" libnats-dev "$build/packages"); then
        echo "-- skipped: libnats-dev of $debian cannot be had"
        skipped=77
        continue
    fi
    include=$folder/usr/include
    # As the compiler sees it: these headers, not those of this machine.
    version=$(printf '#include <nats/nats.h>\nNATS_VERSION_STRING\n' | "$cc" -E -P -isystem "$include" - | tail -n 1)
    grep -q "NATS_VERSION_STRING *$version" "$include/nats/version.h"
    for file in "$source"/daemon/bus/*.c; do
        "$cc" -fsyntax-only -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror -D_GNU_SOURCE -isystem "$include" \
            -I "$source" -I "$source/libdiscover/include" -isystem "$build/proto/gen" "$file"
    done
    echo "daemon/bus compiles against nats.c $version of $debian"
done
exit "$skipped"

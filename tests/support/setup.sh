# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts at the top have in common: install packages, configure, build. Sourced from bash with errexit.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "not root, and there is no sudo: cannot run $*"
    fi
}

# packages build|all: the names of tests/packages.txt, up to the first empty line or all.
packages() {
    awk -v part="$1" 'part == "build" && /^$/ { exit } /^[^#]/ { print $1 }' "$top/tests/packages.txt"
}

# install_packages build|all: by apt, and only if something is missing.
install_packages() {
    local missing=() name
    for name in $(packages "$1"); do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Installing with apt: ${missing[*]}"
    as_root apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" \
        </dev/null >/dev/null
}

# build FOLDER CMAKE-ARGUMENT...: quiet unless it fails. Of $targets, or all.
build() {
    local dir=$1 log
    # shellcheck disable=SC2206 # words
    local only=(${targets:+--target $targets})
    shift
    log=$(mktemp)
    [ -f "$dir/CMakeCache.txt" ] || set -- -G Ninja "$@"
    if ! { cmake -S "$top" -B "$dir" "$@" && cmake --build "$dir" -j "$(nproc)" "${only[@]}"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        fail "building in $dir failed"
    fi
    # Not those of a sanitizer's own library.
    grep -i 'warning' "$log" | grep -v 'libtsan' >&2 || true
    rm -f "$log"
}

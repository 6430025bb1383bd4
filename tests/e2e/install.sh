#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is installed is whole: programs run from there, and outside projects build with pkg-config and with CMake.
# Usage: install.sh SOURCES BUILD CC
set -eu
sources=$1
build=$2
cc=$3
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

fail() {
    echo "$*"
    exit 1
}

cmake --install "$build" --prefix "$root/usr" >"$root/log" 2>&1 || { cat "$root/log"; exit 1; }
for file in bin/discoverd bin/discoverctl include/discover/discover.h include/discover/async.h include/discover/instance_checks.h include/discover/lists.h include/discover/daemon_status.h include/discover/export.h include/discover/sizes.h include/discover/traces.h include/discover/types.h lib/systemd/system/discoverd.service \
    lib/systemd/system/discoverd-leave.service \
    lib/sysusers.d/discoverd.conf share/man/man8/discoverd.8 share/man/man7/discoverd-operations.7 share/man/man5/discoverd.conf.5 \
    share/man/man1/discoverctl.1 share/man/man3/libdiscover.3 share/doc/discoverd/examples/resolved.conf \
    share/doc/discoverd/examples/haproxy/haproxy.cfg share/doc/discoverd/examples/unbound/discoverd.conf; do
    [ -f "$root/usr/$file" ] || fail "not installed: $file"
done
for file in discoverd discoverd-dns discoverd-http; do
    [ -f "$root/usr/lib/systemd/system/$file.socket" ] || fail "not installed: $file.socket"
done
[ -f "$root/usr/lib/tmpfiles.d/discoverd.conf" ] || fail "not installed: tmpfiles.d/discoverd.conf"
"$root/usr/bin/discoverd" --version

# The library's folder depends on the distribution's layout.
pc=$(find "$root/usr" -name libdiscover.pc)
lib=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="${pc%/*}" LD_LIBRARY_PATH="$lib"

# shellcheck disable=SC2046
$cc "$sources/examples/lookup.c" -o "$root/by-pkg-config" \
    $(pkg-config --define-variable=prefix="$root/usr" --cflags --libs libdiscover)
"$root/by-pkg-config" shop/payment | grep -q shop/payment || fail "the program built with pkg-config does not run"

# C++ as well: the header's functions are C's, its types usable as they are.
cat >"$root/lookup.cc" <<TXT
#include <discover/discover.h>
#include <cstdio>
#include <vector>
static int show(void *, const discover_instance *i) { std::puts(i->host); return 0; }
int main()
{
    discover *d;
    std::vector<discover_endpoint> endpoints(4);
    std::size_t n;
    if (discover_new(&d) < 0 || discover_start(d) < 0)
        return 1;
    int result = discover_resolve(d, "shop/payment", endpoints.data(), endpoints.size(), &n);
    std::puts(discover_strerror(result));
    result = discover_each_instance(d, "shop/payment", show, nullptr);
    discover_free(d);
    return result == DISCOVER_E_UNSYNCED ? 0 : 1;
}
TXT
# shellcheck disable=SC2046
c++ -Wall -Wextra -Werror "$root/lookup.cc" -o "$root/in-c++" \
    $(pkg-config --define-variable=prefix="$root/usr" --cflags --libs libdiscover)
"$root/in-c++" | grep -q . || fail "the program in C++ does not run"

# What a program needs at run time beside libc: nothing of ours but the library itself.
needed=$(ldd "$lib/libdiscover.so" | sed 's/^[[:space:]]*//; s/ .*//' |
    grep -v -e '^linux-vdso' -e '^libc\.so' -e 'ld-linux' -e '^libprotobuf-c\.so' -e '^libcares\.so') || true
[ -z "$needed" ] || fail "the library needs more than libc, libprotobuf-c and libcares: $needed"

mkdir "$root/project"
cat >"$root/project/CMakeLists.txt" <<TXT
cmake_minimum_required(VERSION 3.21)
project(outside LANGUAGES C)
find_package(discover REQUIRED)
add_executable(by-cmake $sources/examples/lookup.c)
target_link_libraries(by-cmake PRIVATE discover::discover)
add_executable(static-by-cmake $sources/examples/lookup.c)
target_link_libraries(static-by-cmake PRIVATE discover::discover_static)
TXT
{
    cmake -G Ninja -S "$root/project" -B "$root/project/build" -DCMAKE_PREFIX_PATH="$root/usr" -DCMAKE_C_COMPILER="$cc"
    cmake --build "$root/project/build"
} >"$root/log" 2>&1 || { cat "$root/log"; exit 1; }
for program in by-cmake static-by-cmake; do
    "$root/project/build/$program" shop/payment | grep -q shop/payment || fail "the program $program does not run"
done
! ldd "$root/project/build/static-by-cmake" | grep -q libdiscover || fail "the static program needs the shared library"

# The library alone: without the daemon's libraries, and in components.
{
    cmake -G Ninja -S "$sources" -B "$root/alone" -DDISCOVER_DAEMON=OFF -DDISCOVER_EXAMPLES=OFF -DCMAKE_C_COMPILER="$cc"
    cmake --build "$root/alone"
    cmake --install "$root/alone" --prefix "$root/library" --component library
    cmake --install "$root/alone" --prefix "$root/development" --component development
} >"$root/log" 2>&1 || { cat "$root/log"; exit 1; }
! grep -q -i -e 'libnats' -e 'libevent' "$root/alone/CMakeCache.txt" || fail "the library alone looks for the daemon's libraries"
[ -z "$(find "$root/library" -type f ! -name 'libdiscover.so.*')" ] || fail "the library's component has more than the library"
[ -n "$(find "$root/development" -name discover.h)" ] || fail "the header is not in the component for development"
[ ! -e "$root/alone/bin/discoverd" ] || fail "the daemon was built"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Debian packages are made, are what Debian wants, and are installed, upgraded under look-ups, removed and purged in a
# bare Debian 12 that has booted. Usage: packages.sh SOURCES BUILD LOOKUPS. Exit 77: not possible here.
set -euo pipefail
sources=$1
build=$2
lookups=$3

skip() {
    echo "-- skipped: packages: $*"
    exit 77
}
command -v dpkg-deb >/dev/null && command -v dpkg-shlibdeps >/dev/null || skip "these are not Debian's tools"
root=$("$sources/tests/support/debian-root" bookworm "$build") || skip "no bare Debian"

# make RELEASE FOLDER
make_packages() {
    (cd "$build" && nice -n 19 cpack -G DEB -D CPACK_DEBIAN_PACKAGE_RELEASE="$1" -B "$2") >"$folder/log" 2>&1 || {
        tail -n 20 "$folder/log"
        exit 1
    }
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
here=$(dirname "$0")
make_packages 1 "$folder/first"
make_packages 2 "$folder/next"
for each in first next; do
    for package in discoverd libdiscover0 libdiscover-dev discoverd-dbgsym libdiscover0-dbgsym; do
        set -- "$folder/$each/$package"_*deb
        [ -f "$1" ] || { echo "no package $package"; exit 1; }
        mv "$1" "$folder/$each-$package.deb"
    done
    rm -rf "${folder:?}/$each"
done

# Debian's flags make it larger: what is installed is to be as small as what is measured in the build.
dpkg-deb -x "$folder/first-libdiscover0.deb" "$folder/installed"
size=$(sh "$sources/tests/bench/lib/size.sh" "$folder"/installed/usr/lib/*/libdiscover.so.0.*)
rm -rf "$folder/installed"
case $size in
*'"ok":true'*) ;;
*) echo "the packaged library is too large: $size"; exit 1 ;;
esac

if command -v lintian >/dev/null; then
    nice -n 19 lintian --allow-root --fail-on error --quiet --suppress-tags bad-package-name "$folder"/first-*.deb ||
        { echo "lintian finds errors"; exit 1; }
else
    echo "-- skipped: there is no lintian"
fi

cp "$here/prepare_debian" "$folder/prepare"
cp "$here/use_packages" "$folder/run"
cp "$lookups" "$folder/steady_lookups"
"$sources/tests/support/booted-debian" "$root" "$folder"

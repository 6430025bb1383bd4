#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# systemd takes the unit, its drop-in and its user without a word. Usage: systemd.sh SOURCES DISCOVERD
set -eu
sources=$1
discoverd=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# A root of its own, so that nothing of this machine is read or written.
mkdir -p "$root/units/discoverd.service.d" "$root/etc" "$root/usr/lib/sysusers.d"
for unit in discoverd discoverd-leave; do
    sed "s|@DISCOVER_DAEMON_PATH@|$discoverd|; s|@DISCOVER_CTL_PATH@|${discoverd%/*}/discoverctl|" \
        "$sources/systemd/$unit.service.in" >"$root/units/$unit.service"
done
cp "$sources/systemd/port53.conf" "$root/units/discoverd.service.d/"
[ "$(systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p')" -lt 254 ] ||
    cp "$sources/systemd/restart.conf" "$root/units/discoverd.service.d/"
cp "$sources/systemd/discoverd.sysusers.conf" "$root/usr/lib/sysusers.d/discoverd.conf"

said=$(systemd-analyze verify --man=no --recursive-errors=no "$root"/units/discoverd*.service 2>&1) || {
    echo "systemd-analyze verify: $said"
    exit 1
}
[ -z "$said" ] || { echo "systemd-analyze verify warns: $said"; exit 1; }

for unit in discoverd discoverd-leave; do
    level=$(systemd-analyze security --offline=yes --threshold=30 "$root/units/$unit.service" 2>&1) || {
        printf '%s\n' "$level" | tail -n 2
        exit 1
    }
    printf '%s\n' "$level" | tail -n 1
done

systemd-sysusers --root="$root"
grep -q '^discoverd:' "$root/etc/passwd" || { echo "no user discoverd"; exit 1; }
grep -q '^discover:' "$root/etc/group" || { echo "no group discover"; exit 1; }

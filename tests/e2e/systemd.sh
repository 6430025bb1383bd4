#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# systemd takes the units, their drop-ins, user and folders without a word, and finds them closed enough. Usage: systemd.sh SOURCES DISCOVERD
set -eu
sources=$1
discoverd=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# A root of its own, so that nothing of this machine is read or written.
mkdir -p "$root/units/discoverd.service.d" "$root/etc" "$root/usr/lib/sysusers.d" "$root/usr/lib/tmpfiles.d"
for unit in discoverd discoverd-leave; do
    sed "s|@DISCOVER_DAEMON_PATH@|$discoverd|; s|@DISCOVER_CTL_PATH@|${discoverd%/*}/discoverctl|" \
        "$sources/systemd/$unit.service.in" >"$root/units/$unit.service"
done
# At most 1.5; what is open has its reason in the unit.
for unit in discoverd discoverd-leave; do
    level=$(systemd-analyze security --offline=yes --threshold=15 "$root/units/$unit.service" 2>&1) || {
        printf '%s\n' "$level" | tail -n 2
        exit 1
    }
    printf '%s\n' "$level" | tail -n 1
done

cp "$sources"/systemd/*.socket "$sources"/systemd/*.target "$root/units/"
cp "$sources/systemd/port53.conf" "$root/units/discoverd.service.d/"
cp "$sources/systemd/discoverd.sysusers.conf" "$root/usr/lib/sysusers.d/discoverd.conf"

said=$(systemd-analyze verify --man=no --recursive-errors=no "$root"/units/discoverd*.service "$root"/units/discoverd*.socket 2>&1) || {
    echo "systemd-analyze verify: $said"
    exit 1
}
[ -z "$said" ] || { echo "systemd-analyze verify warns: $said"; exit 1; }
# restart.conf is installed from systemd 254 on alone, which takes it without a word; an older one passes over these three keys.
cp "$sources/systemd/restart.conf" "$root/units/discoverd.service.d/"
newer="RestartMaxDelaySec RestartMode RestartSteps "
[ "$(systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p')" -lt 254 ] || newer=
said=$(systemd-analyze verify --man=no --recursive-errors=no "$root/units/discoverd.service" 2>&1 |
    sed "s/.*Unknown key '\([A-Za-z]*\)' in section \[Service\], ignoring\.$/\1/" | sort | tr '\n' ' ')
[ "$said" = "$newer" ] || { echo "systemd-analyze verify of restart.conf: $said"; exit 1; }

systemd-sysusers --root="$root"
grep -q '^discoverd:' "$root/etc/passwd" || { echo "no user discoverd"; exit 1; }
grep -q '^discover:' "$root/etc/group" || { echo "no group discover"; exit 1; }

cp "$sources/systemd/discoverd.tmpfiles.conf" "$root/usr/lib/tmpfiles.d/discoverd.conf"
said=$(systemd-tmpfiles --root="$root" --create 2>&1) || { echo "systemd-tmpfiles: $said"; exit 1; }
for folder in run/discoverd var/lib/discoverd etc/discoverd/services.d; do
    [ -d "$root/$folder" ] || { echo "no folder /$folder"; exit 1; }
done
[ "$(stat -c %a "$root/var/lib/discoverd")" = 750 ] || { echo "others may read the state"; exit 1; }

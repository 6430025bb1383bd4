#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Under a real systemd, with the units of sockets as they are shipped: a restart leaves the sockets as they are, and nobody is
# refused, nor when it crashes; stopped is stopped, whoever connects; a start brings them back. Usage: sockets.sh
# SOURCES BIN. Exit 77: not possible here.
set -eu
sources=$1
bin=$2

own_network=yes
# shellcheck source=tests/support/own_systemd.sh
. "$(dirname "$0")/../support/own_systemd.sh"
if [ ! -x "$bin/discoverd" ] || [ ! -d "$sources/systemd" ]; then
    skip "the programs lie below a folder that this hides"
fi
ip link set lo up
export XDG_RUNTIME_DIR=/run/user/0 SYSTEMD_UNIT_PATH=/run/units:/usr/lib/systemd/user
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR" /run/units/discoverd.service.wants /run/discoverd /tmp/state
cat >/tmp/discoverd.conf <<TXT
host = "web-1";
nats = { servers = ["nats://127.0.0.1:14222"]; };
state_dir = "/tmp/state";
services_dir = "";
services = ( { name = "shop/payment"; port = 1; address = ["10.0.0.1"]; } );
TXT
# What a user's own systemd cannot do: other users, and the sandbox.
beyond='^(User|Group|.*Directory|.*DirectoryMode|RuntimeDirectoryPreserve|.*Capabilit.*|Lock.*|Memory.*|No.*|Private.*|Protect.*'
beyond="$beyond|Restrict.*|Remove.*|System.*|Limit.*|UMask)="
sed "s|@DISCOVER_DAEMON_PATH@ -c .*|$bin/discoverd -c /tmp/discoverd.conf|" "$sources/systemd/discoverd.service.in" |
    grep -vE "$beyond" | sed '/^ExecStart=/a StandardError=append:/tmp/log' >/run/units/discoverd.service
for unit in discoverd discoverd-dns discoverd-http; do
    cp "$sources/systemd/$unit.socket" /run/units/
    ln -s "/run/units/$unit.socket" /run/units/discoverd.service.wants/ # as systemctl enable does
done
cp "$sources/systemd/discoverd-sockets.target" /run/units/
if [ "$(systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p')" -ge 254 ]; then
    mkdir /run/units/discoverd.service.d && cp "$sources/systemd/restart.conf" /run/units/discoverd.service.d/
fi

fail() {
    echo "$*"
    cat /tmp/log /tmp/systemd.log
    exit 1
}
# until_ok WHAT COMMAND...
until_ok() {
    local what=$1 end=$((SECONDS + 10))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "not in time: $what"
        sleep 0.02
    done
}
answers() { dig +time=5 +tries=1 +short @127.0.0.1 -p 8053 "$@" payment.shop.discover.internal | grep -q 10.0.0.1; }
all_answer() {
    answers +notcp || { echo "not by UDP"; return 1; }
    answers +tcp || { echo "not by TCP"; return 1; }
    curl -sf -m 5 http://127.0.0.1:8054/healthz >/dev/null || { echo "not by HTTP"; return 1; }
    "$bin/discoverctl" resolve shop/payment >/dev/null || { echo "not by discoverctl"; return 1; }
}
all_are() { for unit in discoverd discoverd-dns discoverd-http; do [ "$(systemctl --user is-active $unit.socket)" = "$1" ] || return 1; done; }

/lib/systemd/systemd --user >/tmp/systemd.log 2>&1 &
systemd=$!
until_ok "systemd answers" test -S "$XDG_RUNTIME_DIR/systemd/private"
systemctl --user start discoverd
until_ok "it is given its sockets" grep -q 'passed: 2 for DNS, one for HTTP, .*one for programs' /tmp/log
all_answer || fail "no answers"
until_ok "systemctl says how it is" sh -c "systemctl --user status discoverd | grep -q 'Status: .*NATS'"

# Each is asked while it restarts.
listening() { ss -lntuHe | grep -E ':805[34] ' | grep -o 'ino:[0-9]*' | sort; }
before=$(listening)
for _ in 1 2 3; do
    systemctl --user restart --no-block discoverd
    all_answer || fail "no answers during a restart"
done
[ "$before" = "$(listening)" ] || fail "other sockets than before"

# A crash: it comes back by itself, and who asks meanwhile waits.
for _ in 1 2 3; do
    until_ok "it runs" systemctl --user is-active discoverd
    kill -9 "$(systemctl --user show -P MainPID discoverd)"
    all_answer || fail "no answers during a crash"
done
[ "$before" = "$(listening)" ] || fail "other sockets than before the crash"
[ "$(systemctl --user show -P StartLimitIntervalUSec discoverd)" = 0 ] || fail "systemd would give up after some"
if [ -d /run/units/discoverd.service.d ]; then
    [ "$(systemctl --user show -P RestartUSecNext discoverd)" != 100ms ] || fail "systemd does not slow down (restart.conf)"
fi

# Stopped is stopped, whoever knocks meanwhile, and started again is whole.
knock() { while :; do printf x >/dev/udp/127.0.0.1/8053; done 2>/dev/null; }
knock &
knocking=$!
systemctl --user stop discoverd
until_ok "the sockets are stopped, too" all_are inactive
if "$bin/discoverctl" resolve shop/payment >/dev/null 2>&1; then fail "somebody answers"; fi
[ "$(systemctl --user is-active discoverd)" = inactive ] || fail "it was started by who asked"
kill $knocking
systemctl --user start discoverd
all_are active || fail "a start does not bring the sockets back"
all_answer || fail "no answers after a start"
knock &
"$bin/discoverctl" leave >/dev/null || true
until_ok "the sockets are stopped when it has left" all_are inactive
[ "$(systemctl --user is-active discoverd)" = inactive ] || fail "it was started by who asked, after it had left"

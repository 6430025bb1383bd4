#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Under a real systemd: a restart of the daemon keeps its host registered, the shutdown of the machine does not. Usage:
# shutdown.sh SOURCES BIN. Exit 77: not possible here.
set -eu
sources=$1
bin=$2

# shellcheck source=tests/support/own_systemd.sh
. "$(dirname "$0")/../support/own_systemd.sh"
if [ ! -x "$bin/discoverd" ] || [ ! -d "$sources/systemd" ]; then
    skip "the programs lie below a folder that this hides"
fi
export XDG_RUNTIME_DIR=/run/user/0 SYSTEMD_UNIT_PATH=/run/units:/usr/lib/systemd/user
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR" /run/units /tmp/state

cat >/tmp/discoverd.conf <<TXT
host = "web-1";
nats = { servers = ["nats://127.0.0.1:14222"]; };
dns = { listen = []; };
http = { listen = ""; };
api = { socket = "/tmp/socket"; };
state_dir = "/tmp/state";
services_dir = "";
services = ( { name = "shop/payment"; port = 1; address = ["10.0.0.1"]; } );
TXT
printf '[Service]\nExecStart=%s -a 127.0.0.1 -p 14222 -js -sd /tmp/nats\n' "$(PATH=$PATH:/usr/sbin command -v nats-server)" \
    >/run/units/nats-server.service
# What a user's own systemd cannot do: other users, and the sandbox.
beyond='^(User|Group|.*Directory|.*DirectoryMode|RuntimeDirectoryPreserve|.*Capabilit.*|Lock.*|Memory.*|No.*|Private.*|Protect.*'
beyond="$beyond|Restrict.*|Remove.*|System.*|Limit.*|UMask|Watchdog.*)="
for unit in discoverd discoverd-leave; do
    sed "s|@DISCOVER_DAEMON_PATH@ -c .*|$bin/discoverd -c /tmp/discoverd.conf|; s|@DISCOVER_CTL_PATH@|$bin/discoverctl -s /tmp/socket|" \
        "$sources/systemd/$unit.service.in" | grep -vE "$beyond" >/run/units/$unit.service
done
echo 'StandardError=append:/tmp/log' >/tmp/line
sed -i '/^ExecStart=/r /tmp/line' /run/units/discoverd.service

/lib/systemd/systemd --user >/tmp/systemd.log 2>&1 &

# until_ok WHAT COMMAND...
until_ok() {
    local what=$1 end=$((SECONDS + 15))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "not in time: $what"; cat /tmp/log /tmp/systemd.log; exit 1; }
        sleep 0.05
    done
}
until_ok "systemd answers" test -S "$XDG_RUNTIME_DIR/systemd/private"
systemctl --user start nats-server discoverd
until_ok "registered" "$bin/discoverctl" -s /tmp/socket resolve shop/payment
systemctl --user is-active discoverd-leave >/dev/null || { echo "discoverd-leave is not active"; exit 1; }
until_ok "connected" grep -q synchronised /tmp/log
systemctl --user restart discoverd
connected_again() { [ "$(grep -c synchronised /tmp/log)" = 2 ]; }
until_ok "connected again" connected_again
if ! grep -q 'stay registered' /tmp/log || grep -q leaving /tmp/log; then
    echo "a restart is no leaving"
    cat /tmp/log
    exit 1
fi
systemctl --user exit
until_ok "left at the shutdown" grep -q leaving /tmp/log
until_ok "ended" sh -c "! test -e /tmp/socket"
if grep -q 'hears the good-bye\|in time' /tmp/log; then
    echo "nobody heard the good-bye"
    cat /tmp/log
    exit 1
fi

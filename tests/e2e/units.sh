#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Units of a real systemd are services: by `unit` in the configuration, and by a section [X-Discover] of their own. Usage:
# units.sh BIN. Exit 77: not possible here.
set -eu
bin=$1

own_network=yes
# shellcheck source=tests/support/own_systemd.sh
. "$(dirname "$0")/../support/own_systemd.sh"
[ -x "$bin/discoverd" ] || skip "the programs lie below a folder that this hides"
ip link set lo up
export XDG_RUNTIME_DIR=/run/user/0 SYSTEMD_UNIT_PATH=/run/units:/usr/lib/systemd/user
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR" /run/units/drop.service.d /tmp/state

cat >/tmp/discoverd.conf <<TXT
host = "web-1";
nats = { servers = ["nats://127.0.0.1:14222"]; };
dns = { listen = []; };
http = { listen = "127.0.0.1:18054"; };
api = { socket = "/tmp/socket"; };
state_dir = "/tmp/state";
services_dir = "";
address = ["10.0.0.1"];
systemd = { units = true; bus = "unix:path=$XDG_RUNTIME_DIR/systemd/private"; };
services = ( { name = "shop/slow"; unit = "slow.service"; port = 1; },
             { name = "shop/beside"; port = 9; checks = ( { unit = "beside.service"; initial = "critical"; } ); } );
TXT
# unit NAME LINES: a unit of that name.
unit() { printf '%b' "[Service]\nExecStart=/bin/sleep 1000\n$2" >"/run/units/$1"; }
unit payment.service '[X-Discover]\nService=shop/payment\nPort=8080\nTag=canary\nMeta=version=1.4\nAddress=10.0.0.7\n'
unit slow.service 'ExecStartPre=/bin/sh -c "until test -e /tmp/go; do sleep 0.02; done"\nExecStop=/bin/sh -c "until test -e /tmp/end; do sleep 0.02; done"\n'
unit wrong.service '[X-Discover]\nService=shop/wrong\nPort=80800\nPrt=1\nCheck=tpc=127.0.0.1:1\n'
unit drop.service ''
unit beside.service ''
printf '[X-Discover]\nService=shop/drop\nPort=2\n\n[X-Discover]\nService=shop/drop-too\nPort=3\n' >/run/units/drop.service.d/discover.conf
unit self.service 'ExecStart=\nExecStart=/bin/true\nType=oneshot\nRemainAfterExit=yes\n[X-Discover]\nService=shop/self\nPort=7\nCheck=unit=self.service\n'
unit again.service 'Restart=always\nRestartSec=3s\n[X-Discover]\nService=shop/again\nPort=4\n'

unit worker@.service '[X-Discover]\nService=shop/worker\nPort=90%i\nInstance=w-%i\nMeta=queue=%I at 100%%\n'
mkdir /run/units/worker@2.service.d && printf '[X-Discover]\nService=shop/second\nPort=91\n' >/run/units/worker@2.service.d/second.conf
unit plain@.service ''

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
        sleep 0.01
    done
}
/lib/systemd/systemd --user >/tmp/systemd.log 2>&1 &
systemd=$!
until_ok "systemd answers" test -S "$XDG_RUNTIME_DIR/systemd/private"
"$bin/discoverd" -c /tmp/discoverd.conf >/tmp/log 2>&1 &
ask() { "$bin/discoverctl" -s /tmp/socket "$@"; }
seen() { curl -sf "http://127.0.0.1:18054/v1/services/$1" | grep -q "\"usable\":true"; }
state() { curl -sf "http://127.0.0.1:18054/v1/services/$1" | grep -q "\"state\":\"$2\""; }
gone() { ! seen "$1"; }
until_ok "units are followed" grep -q 'following the units' /tmp/log
until_ok "a wrong section is refused" grep -q '^.*/run/units/wrong.service:6: Prt: there is no such key' /tmp/log
grep -q '/run/units/wrong.service:7: Check: ' /tmp/log || fail "the check is not refused by name"
grep -q '/run/units/wrong.service:5: Port: ' /tmp/log || fail "the port is not refused by name"

# Up, and what the section says.
gone shop/payment || fail "registered before it is up"
systemctl --user start payment drop again
for service in payment drop drop-too again; do until_ok "shop/$service is there" seen "shop/$service"; done
curl -sf http://127.0.0.1:18054/v1/services/shop/payment | grep -q '"tags":\["canary"\],"meta":{"version":"1.4"}.*10.0.0.7' ||
    fail "not what the section says"

# Starting is not yet, stopping is draining.
systemctl --user start --no-block slow
until_ok "slow is starting" sh -c 'systemctl --user is-active slow | grep -q activating'
gone shop/slow || fail "registered while it starts"
touch /tmp/go
until_ok "slow is there" seen shop/slow
systemctl --user stop --no-block slow
until_ok "slow drains" state shop/slow draining
touch /tmp/end
until_ok "slow is gone" sh -c '! curl -sf http://127.0.0.1:18054/v1/services/shop/slow | grep -q draining'

# A service is checked by a unit beside it; so is one that is registered meanwhile.
gone shop/beside || fail "in spite of a unit that is not up"
systemctl --user start beside
until_ok "checked by a unit that is up" seen shop/beside
ask register shop/meanwhile --port 10 --ttl 60s --check unit=beside.service >/dev/null
until_ok "registered, and checked by the unit" seen shop/meanwhile
systemctl --user stop beside
until_ok "the unit is down" gone shop/beside
until_ok "for the other one, too" gone shop/meanwhile
ask explain shop/beside | grep -q 'gone' || fail "explain does not say what the unit is: $(ask explain shop/beside)"

# A service that is checked by its own unit, and whose end only systemd tells: its check ends while the unit's watchers are told.
for i in 1 2; do
    systemctl --user start self
    until_ok "self is there" seen shop/self
    systemctl --user stop self
    until_ok "self is gone" gone shop/self
    ask status >/dev/null || fail "the daemon is gone with it"
done

# Instances of a template: each is there while it runs, with what it is called by in place.
systemctl --user start worker@1 worker@2 plain@3
for service in worker second; do until_ok "shop/$service is there" seen shop/$service; done
worker() { curl -sf http://127.0.0.1:18054/v1/services/shop/worker | grep "w-$1"; }
until_ok "both workers are there" eval "worker 1 && worker 2"
worker 2 | grep -q '"queue":"2 at 100%".*"port":902' || fail "specifiers are not in place: $(worker 2)"
systemctl --user stop worker@1
until_ok "w-1 is gone" eval "! worker 1"
systemctl --user start worker@1
until_ok "w-1 is there again" worker 1

# A main process that is killed, and started again by systemd.
kill -9 "$(systemctl --user show -P MainPID again)"
until_ok "again is gone" gone shop/again
until_ok "again is there again" seen shop/again
curl -sf http://127.0.0.1:18054/metrics | grep -q '^discoverd_unit_deaths_total [1-9]' || fail "its death was not known by the process"

# One that is not loaded is not loaded by asking, which systemd would tell of as a change, again and again.
asked() { curl -sf http://127.0.0.1:18054/metrics | sed -n 's/^discoverd_units_asked_total //p'; }
before=$(asked)
for i in 1 2 3 4 5; do ask explain shop/beside >/dev/null; done
[ $(($(asked) - before)) -lt 20 ] || fail "units are asked for again and again: $before, $(asked)"

# Units that come and go, and change what they say.
unit late.service '[X-Discover]\nService=shop/late\nPort=5\n'
unit payment.service '[X-Discover]\nService=shop/renamed\nPort=8080\n'
systemctl --user daemon-reload
systemctl --user start late
until_ok "late is there" seen shop/late
until_ok "the new name is there" seen shop/renamed
until_ok "the old one is gone" gone shop/payment
rm /run/units/late.service
systemctl --user stop late
until_ok "late is gone" gone shop/late

# systemd is away: its units are not. What dies meanwhile is gone all the same.
pid=$(systemctl --user show -P MainPID drop)
kill -9 $systemd
until_ok "it is said" grep -q 'systemd cannot be asked for its units' /tmp/log
for service in renamed drop drop-too again; do seen "shop/$service" || fail "shop/$service is gone with the bus"; done
kill -9 "$pid"
until_ok "drop is gone" gone shop/drop
gone shop/drop-too || until_ok "drop-too is gone" gone shop/drop-too
seen shop/renamed || fail "shop/renamed is gone with another one"
/lib/systemd/systemd --user >>/tmp/systemd.log 2>&1 &
until_ok "connected again" sh -c 'test "$(grep -c "following the units" /tmp/log)" = 2'
ask reload >/dev/null 2>&1 || true

# The same by way of a bus with a daemon of its own, as "system" is one, where systemd has a name and may lose it.
command -v dbus-daemon >/dev/null || { echo "-- there is no dbus-daemon"; exit 0; }
printf '[Socket]\nListenStream=%%t/bus\n' >/run/units/dbus.socket
cat >/run/units/dbus.service <<TXT
[Unit]
Requires=dbus.socket
[Service]
Type=notify
ExecStart=dbus-daemon --session --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only
TXT
unit system.service '[X-Discover]\nService=shop/system\nPort=6\n'
systemctl --user daemon-reload
systemctl --user start dbus system worker@1
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
mkdir /tmp/other
sed 's|unix:path=.*private|system|; s|/tmp/state|/tmp/other|; s|/tmp/socket|/tmp/other/socket|; s|18054|18055|; s|"web-1"|"web-2"|' \
    /tmp/discoverd.conf >/tmp/other.conf
"$bin/discoverd" -c /tmp/other.conf >/tmp/other.log 2>&1 &
on_system() { curl -sf "http://127.0.0.1:18055/v1/services/shop/$1" | grep -q '"usable":true'; }
until_ok "followed by the bus" on_system system
until_ok "an instance of a template, too" on_system worker
systemctl --user stop system
until_ok "it is gone by the bus" eval '! on_system system'
systemctl --user start system
until_ok "it is there again by the bus" on_system system
systemctl --user stop dbus.socket dbus.service
until_ok "the bus is away" grep -q 'systemd cannot be asked for its units' /tmp/other.log
on_system system || fail "units are gone with the bus"
systemctl --user start dbus
until_ok "the bus is back" sh -c 'test "$(grep -c "following the units" /tmp/other.log)" = 2'
systemctl --user stop system
until_ok "it is gone by the bus that is back" eval '! on_system system'

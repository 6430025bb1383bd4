#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What completes discoverctl's words: bash is really run, with a daemon's services; zsh and fish take what is made for them.
# Usage: completion.sh DISCOVERD
set -euo pipefail
bin=$(dirname "$1")
export PATH=$bin:$PATH
folder=$(mktemp -d)
daemon=
holder=
# shellcheck disable=SC2086
finish() { kill $holder $daemon 2>/dev/null || true; wait $holder $daemon 2>/dev/null || true; rm -rf "$folder"; }
trap finish EXIT

# What it has registered itself is known without NATS.
cat >"$folder/conf" <<EOF
nats = { servers = ["nats://127.0.0.1:1"]; };
state_dir = "$folder/state";
services_dir = "$folder/services.d";
api = { socket = "$folder/socket"; };
dns = { listen = []; };
http = { listen = ""; };
log = { level = "error"; };
EOF
mkdir "$folder/state" "$folder/services.d"
"$1" -c "$folder/conf" >"$folder/log" 2>&1 &
daemon=$!
export DISCOVERD_SOCKET=$folder/socket
for ((i = 0; i < 200; i++)); do
    [ -S "$folder/socket" ] && break
    sleep 0.05
done
discoverctl register shop/payment --port 1 >"$folder/holder" &
holder=$!
for ((i = 0; i < 200; i++)); do
    discoverctl resolve shop/payment >/dev/null 2>&1 && break
    sleep 0.05
done

# Wants that of what stands before the cursor each of the given words, and no other, is offered.
expect() {
    local line=$1 wanted=$2 got
    # shellcheck disable=SC2016
    got=$(bash --norc -c '
        source <(discoverctl completion bash)
        IFS=" " read -r -a COMP_WORDS <<<"$1"
        [[ $1 == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _discoverctl
        printf "%s\n" "${COMPREPLY[@]}" | sort | paste -sd" "' bash "$line")
    [ "$got" = "$wanted" ] || { echo "\"$line\": \"$got\", not \"$wanted\""; exit 1; }
}
expect "discoverctl res" "resolve"
expect "discoverctl --j" "--json"
expect "discoverctl --json li" "list"
expect "discoverctl register --po" "--port"
expect "discoverctl --ho" "--host"
expect "discoverctl -H web-1 stat" "status"
expect "discoverctl -N nats.conf -H web-1 expl" "explain"
expect "discoverctl -H " ""
expect "discoverctl failover shop/pay" "shop/payment"
expect "discoverctl resolve sh" "shop/payment"
expect "discoverctl -s $DISCOVERD_SOCKET explain sho" "shop/payment"
expect "discoverctl resolve --tag " ""
expect "discoverctl maintenance o" "off on"
expect "discoverctl completion z" "zsh"
for command in $(discoverctl --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
    expect "discoverctl $command --hel" "--help"
done

if command -v zsh >/dev/null; then
    zsh -f -c 'autoload -Uz compinit && compinit -u -d "$1/dump" && source <(discoverctl completion zsh) &&
        [[ -n ${_comps[discoverctl]} ]]' zsh "$folder"
else
    echo "-- zsh is not here"
fi
if command -v fish >/dev/null; then
    HOME=$folder fish --no-config -c 'discoverctl completion fish | source
        complete -C "discoverctl resolve sh" | string match -q "shop/payment*"
        and complete -C "discoverctl stat" | string match -q "status*"
        and complete -C "discoverctl register --por" | string match -q -- "--port*"'
else
    echo "-- fish is not here"
fi

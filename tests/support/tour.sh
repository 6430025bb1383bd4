# SPDX-License-Identifier: Apache-2.0
# What the tours in examples/ have in common: steps that are shown, programs in the background with their logs in one
# temporary folder, and an end that leaves nothing behind. To be sourced after setup.sh; $bin: the programs, or "".

bold='' plain=''
[ ! -t 1 ] || { bold=$'\033[1m'; plain=$'\033[0m'; }
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
shown() { printf '  $ %s\n' "$*"; }
# Runs a command, showing it and what it prints.
show() {
    shown "$*"
    "$@" 2>&1 | sed 's/^/    /'
}

# Makes the programs that are not given.
programs() {
    if [ -z "$bin" ]; then
        step "Installing what is missing, and building (about a minute the first time)"
        install_packages build
        build "$top/build" -DDISCOVER_TESTS=OFF
        bin=$top/build/bin
    fi
    export PATH="$bin:$PATH:/usr/sbin"
}

folder=$(mktemp -d)
pids=()
finish() {
    local pid
    trap - EXIT
    trap '' INT TERM # a second Ctrl-C must not leave anything behind
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        pid=${pids[i]}
        kill -CONT "$pid" 2>/dev/null || continue
        kill "$pid" 2>/dev/null || continue
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

# background NAME COMMAND...: in the background, with its output in a file.
background() {
    local name=$1
    shift
    "$@" >"$folder/$name.log" 2>&1 </dev/null &
    pids+=($!)
}

# until_ok NAME COMMAND...: waits for the command to succeed, and gives up after 10 seconds or when NAME has ended.
until_ok() {
    local name=$1 end=$((SECONDS + 10))
    shift
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -gt $end ] || ! kill -0 "${pids[-1]}" 2>/dev/null; then
            tail -n 20 "$folder/$name.log" >&2
            fail "$name did not start"
        fi
        sleep 0.05
    done
}

listens() { (: </dev/tcp/127.0.0.1/"$1") 2>/dev/null; }

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)) && listens "$port"; do :; done
    echo "$port"
}

milliseconds() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.0f ms", (b - a) * 1000 }'; }

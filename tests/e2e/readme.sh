#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the documents say is so: keys have those defaults, the map has every folder of the code, commands are there.
# Usage: readme.sh SOURCES DISCOVERD
set -eu
cd "$1"
keys=$(mktemp)
trap 'rm -f "$keys"' EXIT
"$2" --keys >"$keys"

# Rows "| `key` | `default` | text |"; several keys in a row have as many defaults.
sed -n '/^| key | default |/,/^$/p' README.md | awk -F'|' -v keys="$keys" '
    BEGIN { while ((getline line < keys) > 0) { split(line, column, "\t"); defaults[column[1]] = column[3] } }
    NR > 2 && NF {
        rows++
        gsub(/[` ]/, "", $2); gsub(/[` ]/, "", $3)
        n = split($2, key, ","); split($3, value, ",")
        for (i = 1; i <= n; i++)
            if (defaults[key[i]] != value[i]) {
                print "README: the default of " key[i] " is not " value[i] " but " defaults[key[i]]
                wrong = 1
            }
    }
    END { if (rows < 5) print "README: no table of keys"; exit wrong || rows < 5 }'

for folder in libdiscover libdiscover/core proto systemd $(find daemon -type d) $(find tests -mindepth 1 -maxdepth 1 -type d); do
    grep -q "^| \`$folder\` |" README.md || { echo "README: $folder is not in the map"; exit 1; }
done
# shellcheck disable=SC2016
sed -n 's/^| `\([a-z/]*\)` | .*/\1/p' README.md | grep -E '^(daemon|libdiscover|proto|tests|systemd)(/|$)' | while read -r folder; do
    [ -d "$folder" ] || { echo "README: there is no folder $folder"; exit 1; }
done

# Every command that README or a manual page tells to type is there, and every key that the operators' page names.
commands=$("${2%/*}/discoverctl" --help | awk '/^  [a-z]/ { print $1 }')
# shellcheck disable=SC2016
{ grep -oh '`discoverctl [a-z][a-z]*' README.md examples/*/README.md
  grep -hE '^\.(B|BR|RB|BI) .*discoverctl [a-z]' daemon/*.7 daemon/*.8 | grep -oE 'discoverctl [a-z]+'; } |
    awk '{ print $2 }' | sort -u | while read -r command; do
    echo "$commands" | grep -qx "$command" || { echo "there is no discoverctl $command, which the documents name"; exit 1; }
done
for key in $(grep -ohE '\b(nats|registry|api|dns|http|limits|systemd|resolver)\.[a-z_.]+[a-z]' daemon/discoverd-operations.7 | sort -u); do
    case $key in *.conf | dns.*.socket) continue ;; esac
    grep -q "^$key" "$keys" || { echo "there is no key $key, which discoverd-operations(7) names"; exit 1; }
done

# A macro of two fonts takes its words together: a sentence behind one belongs on a line of its own.
if sed -E 's/"[^"]*"/"/g' daemon/*.[78] daemon/ctl/*.1 libdiscover/*.3 | grep -E '^\.(BR|RB|IR|RI|BI|IB)( [^" ]+){5}'; then
    echo "a manual page has words that run together"
    exit 1
fi

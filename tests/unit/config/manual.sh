#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each section of discoverd.conf(5) has an example, which discoverd takes. Usage: manual.sh DISCOVERD MANUAL EXAMPLES
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/state"
(umask 077 && echo secret >"$folder/web-1.creds" && echo secret >"$folder/us-1.password")
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=ca -days 100 -keyout "$folder/key.pem" \
    -out "$folder/ca.pem" 2>/dev/null

# Where nothing else listens.
alone=
[ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null || alone="unshare -n"
sed -n '/^\.SH KEYS/,/^\.SH SEE/p' "$2" | sed 's/\\-/-/g; s/\\&//g; s/\\e/\\/g' |
    awk -v to="$folder/example-" '/^\.SS/ { n++; file = to n; print >(file ".name"); next } /^\.EX/ { on = 1; next } /^\.EE/ { on = 0 } on { print >file }'
wrong=0
for name in "$folder"/example-*.name; do
    example=${name%.name}
    if [ ! -s "$example" ]; then
        echo "$(cat "$name"): no example in $3"
        wrong=1
        continue
    fi
    sed "s|/etc/discoverd/|$folder/|g" "$example" >"$folder/conf"
    grep -q '^host =' "$folder/conf" || echo 'host = "web-1";' >>"$folder/conf"
    printf 'state_dir = "%s/state";\nservices_dir = "";\n' "$folder" >>"$folder/conf"
    said=$($alone "$1" -t --user "$(id -un)" -c "$folder/conf" 2>&1) || {
        echo "$(cat "$name"): the example in $3 is refused: $said"
        wrong=1
    }
done
exit $wrong

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The alert rules fire as their tests say; what they and the dashboard ask for is there, and is PromQL; every alert is explained.
# Usage: monitoring.sh SOURCE DISCOVERD
set -euo pipefail
cd "$1/examples/monitoring"
command -v promtool >/dev/null || { echo "-- skipped: there is no promtool here"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

promtool check rules alerts.yml
promtool test rules alerts_test.yml

"$2" --metrics | cut -f1 | sed 's/{.*//' | sort -u >"$folder/there"
grep -hoE '\b(discoverd|process)_[a-z_]+' alerts.yml dashboard.json | sed -E 's/_bucket$//' | sort -u >"$folder/asked"
missing=$(comm -23 "$folder/asked" "$folder/there")
[ -z "$missing" ] || { echo "no metric is called $missing"; exit 1; }

# The dashboard's queries as rules: what a variable stands for does not matter.
python3 - "$folder/queries.yml" <<'END'
import json, sys
queries = [t["expr"] for p in json.load(open("dashboard.json"))["panels"] for t in p["targets"]]
rules = [{"record": "q%d" % n, "expr": q.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$job", ".*")}
         for n, q in enumerate(queries)]
json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, open(sys.argv[1], "w"))
END
promtool check rules "$folder/queries.yml"

for alert in $(sed -n 's/.*alert: //p' alerts.yml); do
    grep -q "^| $alert |" README.md || { echo "README does not say what to do about $alert"; exit 1; }
    grep -q "alertname: $alert\b" alerts_test.yml || { echo "nothing tests $alert"; exit 1; }
done

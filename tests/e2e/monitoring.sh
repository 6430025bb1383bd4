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

# Grafana makes do with much, and shows nothing then: nothing unknown to it, nothing that it wants missing, no two alike.
python3 - "$1/tests/e2e/dashboard.schema.json" <<'END'
import json, jsonschema, sys
dashboard, schema = json.load(open("dashboard.json")), json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(dashboard)
ids = [p["id"] for p in dashboard["panels"]]
assert len(set(ids)) == len(ids), "two panels have one id"
cells = [(x, y) for g in (p["gridPos"] for p in dashboard["panels"])
         for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])]
assert len(set(cells)) == len(cells) and max(x for x, _ in cells) < 24, "panels lie one over the other, or beside the grid"
for p in dashboard["panels"]:
    assert len({t["refId"] for t in p["targets"]}) == len(p["targets"]), "two queries of %s have one name" % p["title"]
END

for alert in $(sed -n 's/.*alert: //p' alerts.yml); do
    grep -q "^| $alert |" README.md || { echo "README does not say what to do about $alert"; exit 1; }
    grep -q "alertname: $alert\b" alerts_test.yml || { echo "nothing tests $alert"; exit 1; }
done

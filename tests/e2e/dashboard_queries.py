#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""dashboard_queries.py PORT DASHBOARD FOLDER: each query of the dashboard has an answer of the Prometheus at the port, within
30 s; then there is FOLDER/answered. Counters without a change have a rate of 0, histograms none. Those that only a newer
NATS can answer are asked all the same.
"""
import json
import sys
import time
import urllib.parse
import urllib.request

base = "http://127.0.0.1:%s/api/v1/query?" % sys.argv[1]
of_newer = "discoverd_change_visible_seconds"  # what NATS before 2.10 does not tell
queries = [t["expr"] for p in json.load(open(sys.argv[2]))["panels"] for t in p["targets"]]


def ask(query):
    for variable, value in (("$__rate_interval", "1m"), ("$instance", ".*"), ("$job", ".*")):
        query = query.replace(variable, value)
    with urllib.request.urlopen(base + urllib.parse.urlencode({"query": query}), timeout=5) as answer:
        document = json.load(answer)
    assert document["status"] == "success", document
    return document["data"]["result"]


def is_number(result):
    return result and any(r["value"][1] != "NaN" for r in result)


end = time.monotonic() + 30
left = queries
while left:
    left = [q for q in left if not is_number(ask(q)) and of_newer not in q]
    assert not left or time.monotonic() < end, "no answer: %s" % "\n".join(left)
    time.sleep(0.5 if left else 0)
open(sys.argv[3] + "/answered", "w").close()

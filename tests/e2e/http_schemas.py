#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""http_schemas.py PORT: every document is what its schema says, which is served beside it."""
import json
import sys
import urllib.request

import jsonschema

BASE = "http://127.0.0.1:" + sys.argv[1]
DOCUMENTS = {
    "status": "/v1/status", "services": "/v1/services", "service": "/v1/services/shop/payment", "instances": "/v1/instances",
    "hosts": "/v1/hosts", "leases": "/v1/leases", "recent": "/v1/recent", "http_sd": "/v1/http_sd", "history": "/v1/history", "about": "/v1/about",
    "checks": "/v1/checks", "regions": "/v1/regions",
}
EVENTS = ["begin", "status", "instance"]


def get(path, **fields):
    with urllib.request.urlopen(urllib.request.Request(BASE + path, headers=fields), timeout=10) as answer:
        return answer.read()


def schema(name):
    s = json.loads(get("/v1/schema/" + name))
    jsonschema.Draft202012Validator.check_schema(s)
    return jsonschema.Draft202012Validator(s)


def events(wanted):
    """The first event of each kind, from the beginning of this daemon's life as far as it is known."""
    found = {}
    with urllib.request.urlopen(BASE + "/v1/events?index=" + sys.argv[2], timeout=10) as stream:
        kind = None
        while set(found) != set(wanted):
            line = stream.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: ") and kind in wanted:
                found.setdefault(kind, json.loads(line[6:]))
    return found


for name, path in DOCUMENTS.items():
    document = json.loads(get(path))
    schema(name).validate(document)
    for element in document if isinstance(document, list) else document.values():
        if isinstance(element, list) and name not in ("status", "history", "about", "recent", "regions"):
            assert element, "nothing in %s to be checked" % path
for path in ("", "/a", "/shop/payment", "/shop/payment/p1", "/shop/payment/a/p1"):
    schema("explain").validate(json.loads(get("/v1/explain" + path)))
for kind, document in events(EVENTS).items():
    schema("event-" + kind).validate(document)
schema("event-gone").validate({"id": "0123456789abcdef"})

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of writers that use no library of ours: JSON, put by any NATS client with one call.
 *
 *   {"host": "10.0.1.22", "port": 8080, "ttl": 15}
 *
 * host: an address or a host name (or "address": a list, at most one of each family). port: 1..65535. ttl: seconds
 * 1..86400, default 30; the record is its own lease and lives that long after each put. Optional: "proto" ("tcp",
 * "udp"), "weight", "priority", "state" ("passing", ...), "tags" (list), "meta" (object of strings), "exported" (false: other
 * regions do not fail over to it), "traceparent" and "tracestate" (of the W3C, where they are no headers of the message).
 * Fields we do
 * not know are survived.
 *
 * The key is <domain>.<service>.<host>.<instance>, or services/<service>/<instance>, which is read as
 * default.<service>.external.<instance>. Pure; any thread.
 */
#ifndef CATALOG_FOREIGN_H
#define CATALOG_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/label.h"
#include "libdiscover/core/record.h"
#include "libdiscover/core/trace_context.h"

#define FOREIGN_DOMAIN  "default"
#define FOREIGN_HOST    "external"
#define FOREIGN_WHY_CAP 160

/* Whether a value is meant to be such a record: an object, with white space before it or not. No Instance begins so. */
bool foreign_is(const uint8_t *value, size_t n);

/* Whether a key has the short form, and what it stands for. -EINVAL. */
int foreign_key_parse(const char *text, size_t n, struct instance_key *ret_key);

/* What it says beside the record. */
struct foreign_extras {
    int64_t ttl_ns;
    /* Trace context as the record has it, cut; what is no text is "?". "": none. */
    char traceparent[2 * TRACE_PARENT_CAP], tracestate[TRACE_STATE_CAP + 1];
};

/*
 * -EINVAL with the reason, which names the field. The record has epoch 1 and counter seq: what is put later is
 * newer.
 */
int foreign_decode(const uint8_t *value, size_t n, uint64_t seq, struct record *ret_record,
                   struct foreign_extras *ret_extras, char ret_why[static FOREIGN_WHY_CAP]);

#endif

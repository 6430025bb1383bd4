/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a micro service of NATS says of itself (ADR-32 of NATS), for `nats service` and all its clients. Pure; any thread. A NULL
 * json_t: no memory.
 */
#ifndef DOCUMENTS_MICRO_H
#define DOCUMENTS_MICRO_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct micro_endpoint {
    const char *name, *subject, *queue; /* queue: "": everybody who listens answers */
    uint64_t requests, errors;
    int64_t busy_ns;        /* with all of them */
    const char *last_error; /* "404:no such service"; "" */
};

struct micro_service {
    const char *name, *id, *version, *description, *region;
    int64_t started_ms; /* since 1970 */
    const struct micro_endpoint *endpoints;
    size_t n_endpoints;
};

enum micro_verb { MICRO_PING, MICRO_INFO, MICRO_STATS };

json_t *micro_document(enum micro_verb verb, const struct micro_service *s);

/*
 * Whether a request under that subject ("$SRV.INFO", "$SRV.INFO.<name>", "$SRV.INFO.<name>.<id>") is for this one: 0 and which it
 * is; -ENOENT.
 */
int micro_verb_of(const char *subject, const char *name, const char *id, enum micro_verb *ret_verb);

#endif

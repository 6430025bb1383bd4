/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stream behind a bucket must be set to: as JetStream's JSON, for making one, and against what an existing one
 * is set to. JSON and not the structures of nats.c, because those of 3.4.1 know none of the settings that came with
 * server 2.11, and one of them (subject_delete_marker_ttl) makes a bucket unfit. Pure; any thread.
 */
#ifndef BUS_SETTINGS_H
#define BUS_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/bus/bus_wire.h"

#define BUS_LACKS_CAP 2048

struct bus_options;

struct bus_stream {
    char name[BUS_KEY_MAX + 1];        /* "KV_SERVICES" */
    char subjects[BUS_KEY_MAX + 1];    /* "$KV.SERVICES.>" */
    char destination[BUS_KEY_MAX + 1]; /* "discover.local.services.>" */
    int64_t max_age_ns;
    int64_t max_bytes;        /* of all values, keys and headers together */
    int64_t max_message_size; /* of one, in bytes */
    int replicas;
    bool traced; /* its messages may have a trace context among their headers */
};

/* A stream here that mirrors such a one of another region (bus_mirror.h). */
struct bus_mirror {
    struct bus_stream stream; /* the origin's, under the mirror's own name; no name: there is none */
    const struct bus_stream *origin;
    const struct bus_options *options; /* as for the origin */
    char api_prefix[BUS_PREFIX_CAP];   /* where the mirror is */
};

/* What a stream is set to, as far as it matters here. */
struct bus_settings {
    bool direct; /* it has direct gets */
    int replicas;
    int64_t max_per_key; /* messages; 0 or less: no limit */
    int64_t max_age_ns;
    char description[160];
    bool message_ttl;                /* a message may carry a time to live of its own (Nats-TTL) */
    int64_t max_bytes, max_messages; /* -1: no limit */
    char refused[BUS_REASON_CAP];    /* why the bucket must not be used at all; "": it may */
    char lacks[BUS_LACKS_CAP];       /* sentences about what is not as it should be, each ended by '\n' */
};

/* config: the object of that name in the server's answer; NULL reads as one where nothing is set. */
void bus_settings_read(const struct bus_stream *want, json_t *config, struct bus_settings *ret_settings);

/* The body of the request that makes the stream; the caller frees it. NULL: no memory. */
char *bus_settings_request(const struct bus_stream *want);

#endif

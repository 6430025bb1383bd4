/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursor that messages are written through; the one for reading is core's. Each is bounded and remembers the first
 * thing that did not fit, so callers check once, at the end. Pure; any thread.
 */
#ifndef DNS_DNS_MESSAGE_H
#define DNS_DNS_MESSAGE_H

#include <string.h>

#include "libdiscover/core/dns_wire.h"

struct dns_out {
    uint8_t *start, *at, *end;
    bool full;
};

static inline struct dns_out dns_out(uint8_t *bytes, size_t cap)
{
    return (struct dns_out){bytes, bytes, bytes + cap, false};
}

static inline size_t dns_out_bytes(const struct dns_out *out)
{
    return (size_t)(out->at - out->start);
}

/* Takes back what was put since `at`, and the knowledge that it did not fit. */
static inline void dns_rewind(struct dns_out *out, uint8_t *at)
{
    out->at = at;
    out->full = false;
}

static inline void dns_put(struct dns_out *out, const void *bytes, size_t n)
{
    if (out->full || (size_t)(out->end - out->at) < n) {
        out->full = true;
        return;
    }
    memcpy(out->at, bytes, n);
    out->at += n;
}

static inline void dns_store16(uint8_t *b, uint16_t v)
{
    b[0] = (uint8_t)(v >> 8);
    b[1] = (uint8_t)v;
}

static inline void dns_put8(struct dns_out *out, uint8_t v)
{
    dns_put(out, &v, 1);
}

static inline void dns_put16(struct dns_out *out, uint16_t v)
{
    uint8_t b[2];
    dns_store16(b, v);
    dns_put(out, b, 2);
}

static inline void dns_put32(struct dns_out *out, uint32_t v)
{
    dns_put16(out, (uint16_t)(v >> 16));
    dns_put16(out, (uint16_t)v);
}

static inline void dns_put_label(struct dns_out *out, const char *text, size_t n)
{
    dns_put8(out, (uint8_t)n);
    dns_put(out, text, n);
}

/* Those of "db.example.com"; the root's zero is not put. */
static inline void dns_put_labels(struct dns_out *out, const char *name)
{
    for (size_t n; *name; name += n + (name[n] == '.')) {
        n = strcspn(name, ".");
        dns_put_label(out, name, n);
    }
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an instance is served, and if not, by which rule: the one place where that is decided, for the table as for whoever
 * explains it. Pure; any thread.
 */
#ifndef CATALOG_SERVED_H
#define CATALOG_SERVED_H

#include <stdbool.h>
#include <stdint.h>

#include "discover/types.h"

enum served {
    SERVED,
    NOT_SERVED_STATE, /* neither passing nor warning */
    NOT_SERVED_HOST,  /* no lease of its host is valid */
    NOT_SERVED_EPOCH, /* of a life of its host's daemon that the lease does not vouch for any more */
};

struct served_facts {
    uint8_t state;  /* enum discover_state */
    bool foreign;   /* its own lease */
    bool from_file; /* no lease vouches for it; what the bucket says will replace or sweep it */
    bool spared;    /* it was served when something unreadable came under its key */
    bool host_alive;
    uint64_t epoch, min_epoch; /* its own, and the oldest that its host vouches for */
};

static inline enum served served_by(const struct served_facts *f)
{
    if (f->state != DISCOVER_PASSING && f->state != DISCOVER_WARNING)
        return NOT_SERVED_STATE;
    if (f->foreign)
        return SERVED;
    if (!f->host_alive)
        return NOT_SERVED_HOST;
    return f->from_file || f->spared || f->epoch >= f->min_epoch ? SERVED : NOT_SERVED_EPOCH;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are done with, and are freed some at a time. nats.c frees each on a thread of its own, which has to be
 * woken: where messages come one by one, that costs more than the message itself, and delays the next. One thread.
 */
#ifndef BUS_BUS_DEFERRED_FREE_H
#define BUS_BUS_DEFERRED_FREE_H

#include <nats/nats.h>
#include <stddef.h>

#define DEFERRED_MAX 32

struct bus_deferred {
    size_t n;
    natsMsg *msgs[DEFERRED_MAX];
};

static inline void bus_deferred_free(struct bus_deferred *s)
{
    while (s->n > 0)
        natsMsg_Destroy(s->msgs[--s->n]);
}

/* Takes the message over. */
static inline void bus_deferred_add(struct bus_deferred *s, natsMsg *msg)
{
    s->msgs[s->n++] = msg;
    if (s->n == DEFERRED_MAX)
        bus_deferred_free(s);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are done with. nats.c has each freed by a thread of its own, which it wakes for it: where messages come
 * one by one that costs more than the message, and on the way of the next. So they go some at a time. One thread.
 */
#ifndef BUS_SPENT_H
#define BUS_SPENT_H

#include <nats/nats.h>
#include <stddef.h>

#define SPENT_MAX 32

struct bus_spent {
    size_t n;
    natsMsg *msgs[SPENT_MAX];
};

static inline void bus_spent_free(struct bus_spent *s)
{
    while (s->n > 0)
        natsMsg_Destroy(s->msgs[--s->n]);
}

/* Takes the message over. */
static inline void bus_spent_add(struct bus_spent *s, natsMsg *msg)
{
    s->msgs[s->n++] = msg;
    if (s->n == SPENT_MAX)
        bus_spent_free(s);
}

#endif

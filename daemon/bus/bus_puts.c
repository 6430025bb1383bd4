/* SPDX-License-Identifier: Apache-2.0 */
/* A table of slots; an id is a slot and its generation, so that a late answer never meets another put. */
#include "daemon/bus/bus_puts.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/bus_shared.h"
#include "libdiscover/core/clock.h"

/* Far below what a socket takes before anything of it has arrived. */
#define QUIET_PUTS  8
#define QUIET_BYTES 8192

struct slot {
    struct bus_put *put;
    uint32_t generation;
    uint32_t next_free;
};

TAILQ_HEAD(put_list, bus_put);

struct bus_puts {
    pthread_mutex_t lock;
    struct mailbox *box;
    struct bus_counters *counters;
    struct put_list by_age; /* all have the same time-out: the oldest is due first */
    size_t limit;
    size_t n, bytes; /* that wait */
    bool overdue;    /* one was, since all were failed */
    uint32_t first_free;
    struct slot slots[];
};

int bus_puts_new(size_t limit, struct mailbox *box, struct bus_counters *counters, struct bus_puts **ret_puts)
{
    struct bus_puts *puts = calloc(1, sizeof *puts + limit * sizeof *puts->slots);
    if (!puts)
        return -ENOMEM;
    puts->box = box;
    puts->counters = counters;
    puts->limit = limit;
    pthread_mutex_init(&puts->lock, NULL);
    TAILQ_INIT(&puts->by_age);
    for (uint32_t i = 0; i < limit; i++)
        puts->slots[i].next_free = i + 1;
    *ret_puts = puts;
    return 0;
}

void bus_puts_free(struct bus_puts *puts)
{
    if (!puts)
        return;
    pthread_mutex_destroy(&puts->lock);
    free(puts);
}

uint64_t bus_puts_add(struct bus_puts *puts, struct bus_put *put)
{
    pthread_mutex_lock(&puts->lock);
    uint32_t i = puts->first_free;
    struct slot *slot = &puts->slots[i];
    puts->first_free = slot->next_free;
    slot->put = put;
    put->slot = i;
    TAILQ_INSERT_TAIL(&puts->by_age, put, by_age);
    puts->n++;
    puts->bytes += put->n;
    uint64_t id = (uint64_t)slot->generation << 32 | i;
    pthread_mutex_unlock(&puts->lock);
    return id;
}

static void take_out(struct bus_puts *puts, struct bus_put *put)
{
    struct slot *slot = &puts->slots[put->slot];
    TAILQ_REMOVE(&puts->by_age, put, by_age);
    puts->n--;
    puts->bytes -= put->n;
    slot->put = NULL;
    slot->generation++;
    slot->next_free = puts->first_free;
    puts->first_free = put->slot;
}

void bus_puts_post(struct bus_puts *puts, struct bus_put *put, int err, const char *reason, uint64_t seq)
{
    snprintf(put->reason, sizeof put->reason, "%s", reason);
    put->result.err = err;
    put->result.reason = put->reason;
    put->result.seq = seq;
    put->result.rtt_ns = clock_now_ns() - put->start_ns;
    metric_inc(err ? &puts->counters->put_failures : &puts->counters->acks);
    mailbox_force(puts->box, &put->head.mail);
}

void bus_puts_done(struct bus_puts *puts, uint64_t id, int err, const char *reason, uint64_t seq)
{
    uint32_t i = (uint32_t)id;
    if (i >= puts->limit)
        return;
    pthread_mutex_lock(&puts->lock);
    struct bus_put *put = puts->slots[i].generation == id >> 32 ? puts->slots[i].put : NULL;
    if (put)
        take_out(puts, put);
    pthread_mutex_unlock(&puts->lock);
    if (put)
        bus_puts_post(puts, put, err, reason, seq);
}

/* The first that is due at now_ns, or has (n octets of) the subject, or (with neither) any. */
static struct bus_put *next_of(struct bus_puts *puts, const char *subject, size_t n, int64_t now_ns)
{
    struct bus_put *put;
    TAILQ_FOREACH(put, &puts->by_age, by_age)
    if (put->deadline_ns <= now_ns && (!subject || strncmp(put->subject, subject, n) == 0))
        return put;
    else if (!subject)
        return NULL;
    return NULL;
}

static void fail_each(struct bus_puts *puts, const char *subject, size_t n, int64_t now_ns, int err, const char *reason)
{
    struct bus_put *put;
    do {
        pthread_mutex_lock(&puts->lock);
        put = next_of(puts, subject, n, now_ns);
        if (put)
            take_out(puts, put);
        puts->overdue |= put && err == -ETIMEDOUT;
        pthread_mutex_unlock(&puts->lock);
        if (put)
            bus_puts_post(puts, put, err, reason, 0);
    } while (put);
}

void bus_puts_fail(struct bus_puts *puts, const char *subject, bool cut, int err, const char *reason)
{
    size_t n = subject ? strlen(subject) + !cut : 0; /* with its end: the whole */
    fail_each(puts, subject, n, INT64_MAX, err, reason);
    if (subject)
        return;
    pthread_mutex_lock(&puts->lock);
    puts->overdue = false;
    pthread_mutex_unlock(&puts->lock);
}

bool bus_puts_quiet(struct bus_puts *puts)
{
    pthread_mutex_lock(&puts->lock);
    bool quiet = puts->n < QUIET_PUTS && puts->bytes < QUIET_BYTES && !puts->overdue;
    pthread_mutex_unlock(&puts->lock);
    return quiet;
}

int64_t bus_puts_expire(struct bus_puts *puts, int64_t now_ns)
{
    fail_each(puts, NULL, 0, now_ns, -ETIMEDOUT, "no answer in time");
    pthread_mutex_lock(&puts->lock);
    struct bus_put *oldest = TAILQ_FIRST(&puts->by_age);
    int64_t deadline_ns = oldest ? oldest->deadline_ns : INT64_MAX;
    pthread_mutex_unlock(&puts->lock);
    return deadline_ns;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and batches of a snapshot while it is read. */
#include "daemon/bus/bus_reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "libdiscover/core/clock.h"

#define BATCH_BYTES  (64 * 1024)
#define STALLS_FIRST 2 /* waits of one length: so often it is rather a dead server than a slow one */
#define STALLS_MAX   8 /* how much longer a wait may get */

int bus_reading_fail(struct bus_reading *r, int err, const char *reason)
{
    snprintf(r->reason, BUS_REASON_CAP, "%s", reason);
    return err;
}

int bus_reading_check(struct bus_reading *r)
{
    progress_back(r->s->progress);
    if (atomic_load(r->s->stopping) || bus_link_closing(r->link))
        return bus_reading_fail(r, -ENOTCONN, "the connection ends");
    return clock_now_ns() > r->deadline_ns ? bus_reading_fail(r, -ETIMEDOUT, "the snapshot took too long") : 0;
}

int64_t bus_reading_wait_ns(const struct bus_reading *r, unsigned stalls)
{
    int64_t times = 1;
    for (unsigned i = STALLS_FIRST; i < stalls && times < STALLS_MAX; i++)
        times *= 2;
    progress_away(r->s->progress, r->s->stall_ns * times); /* until bus_reading_check */
    return r->s->stall_ns * times;
}

static size_t batch_cap(const struct bus_reading *r)
{
    return BATCH_BYTES + r->s->shared->options.max_value;
}

static int take_credit(struct bus_reading *r)
{
    while (sem_wait(r->s->credits) < 0)
        if (errno != EINTR)
            return -errno;
    return bus_reading_check(r);
}

void bus_reading_post(struct bus_reading *r)
{
    if (!r->batch)
        return;
    metric_add(&r->s->shared->counters.snapshot_entries, r->batch->count);
    mailbox_force(r->s->shared->box, &r->batch->head.mail); /* bounded by the credits */
    r->batch = NULL;
}

static int begin_batch(struct bus_reading *r)
{
    bus_reading_post(r);
    int err = take_credit(r);
    if (err < 0)
        return err;
    r->batch = malloc(sizeof *r->batch + batch_cap(r));
    if (!r->batch) {
        sem_post(r->s->credits);
        return bus_reading_fail(r, -ENOMEM, "no memory");
    }
    r->batch->head = (struct bus_mail){.kind = r->s->remembers ? BUS_MAIL_REMEMBERED : BUS_MAIL_ENTRIES,
                                       .bucket = (uint8_t)r->s->bucket};
    r->batch->count = r->batch->used = 0;
    return 0;
}

int bus_reading_add(struct bus_reading *r, struct kv_message *m, int64_t time_ns)
{
    m->stored_ns = time_ns;
    if (!atomic_load(&r->s->shared->message_ttl[r->s->bucket]))
        m->ttl_ns = 0;
    m->age_ns = time_ns < r->now_ns ? r->now_ns - time_ns : 0;
    if (r->s->of_mirror && m->age_ns > r->s->stream->max_age_ns)
        return 0; /* the bucket has dropped it for its age, of which a mirror does not hear */
    if (m->kind == KV_REFUSED || m->kind == KV_CROWDED)
        metric_inc(&r->s->shared->counters.values_refused);
    if (r->batch && entries_add(r->batch, BATCH_BYTES, m))
        return 0;
    int err = begin_batch(r);
    if (err < 0)
        return err;
    (void)entries_add(r->batch, batch_cap(r), m); /* an empty batch has room for any message */
    return 0;
}

void bus_reading_refuse(struct bus_reading *r, bool unreadable)
{
    metric_inc(unreadable ? &r->s->shared->counters.unreadable : &r->s->shared->counters.foreign);
}

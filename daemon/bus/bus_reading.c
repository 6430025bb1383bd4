/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and batches of a snapshot while it is read. */
#include "daemon/bus/bus_reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "libdiscover/core/clock.h"

#define BATCH_BYTES  (64 * 1024)
#define STALL_NS     (1500 * NS_PER_MS)
#define STALLS_FIRST 2 /* waits of one length: so often it is rather a dead server than a slow one */
#define STALLS_MAX   8 /* how much longer a wait may get */

void bus_reading_subject(const struct bus_reading *r, const char *verb, char ret_subject[static BUS_SUBJECT_CAP])
{
    snprintf(ret_subject, BUS_SUBJECT_CAP, "%s.%s.%s", r->session->api_prefix, verb, r->stream->name);
}

bool bus_reading_denied(const struct bus_reading *r, const char *verb)
{
    char subject[BUS_SUBJECT_CAP];
    bus_reading_subject(r, verb, subject);
    return bus_link_denied(r->link, subject);
}

int bus_reading_fail(struct bus_reading *r, int err, const char *reason)
{
    snprintf(r->reason, BUS_REASON_CAP, "%s", reason);
    return err;
}

int bus_reading_check(struct bus_reading *r)
{
    progress_back(r->progress);
    if (atomic_load(r->stopping) || bus_link_closing(r->link))
        return bus_reading_fail(r, -ENOTCONN, "the connection ends");
    return clock_now_ns() > r->deadline_ns ? bus_reading_fail(r, -ETIMEDOUT, "the snapshot took too long") : 0;
}

int64_t bus_reading_wait_ns(const struct bus_reading *r, unsigned stalls)
{
    int64_t times = 1;
    for (unsigned i = STALLS_FIRST; i < stalls && times < STALLS_MAX; i++)
        times *= 2;
    progress_away(r->progress, STALL_NS * times); /* until bus_reading_check */
    return STALL_NS * times;
}

static size_t batch_cap(const struct bus_reading *r)
{
    return BATCH_BYTES + r->shared->options.max_value;
}

static int take_credit(struct bus_reading *r)
{
    while (sem_wait(r->credits) < 0)
        if (errno != EINTR)
            return -errno;
    return bus_reading_check(r);
}

void bus_reading_post(struct bus_reading *r)
{
    if (!r->batch)
        return;
    metric_add(&r->shared->counters.snapshot_entries, r->batch->count);
    mailbox_force(r->shared->box, &r->batch->head.mail); /* bounded by the credits */
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
        sem_post(r->credits);
        return bus_reading_fail(r, -ENOMEM, "no memory");
    }
    r->batch->head =
        (struct bus_mail){.kind = r->remembers ? BUS_MAIL_REMEMBERED : BUS_MAIL_ENTRIES, .bucket = (uint8_t)r->bucket};
    r->batch->count = r->batch->used = r->batch->read = 0;
    return 0;
}

int bus_reading_add(struct bus_reading *r, struct kv_message *m, int64_t time_ns)
{
    m->stored_ns = time_ns;
    if (!atomic_load(&r->shared->message_ttl[r->bucket]))
        m->ttl_ns = 0;
    m->age_ns = time_ns < r->now_ns ? r->now_ns - time_ns : 0;
    if (r->of_mirror && m->age_ns > r->stream->max_age_ns)
        return 0; /* the bucket has dropped it for its age, of which a mirror does not hear */
    if (m->kind == KV_REFUSED || m->kind == KV_CROWDED)
        metric_inc(&r->shared->counters.values_refused);
    if (r->batch && entries_add(r->batch, BATCH_BYTES, m))
        return 0;
    int err = begin_batch(r);
    if (err < 0)
        return err;
    (void)entries_add(r->batch, batch_cap(r), m); /* an empty batch has room for any message */
    return 0;
}

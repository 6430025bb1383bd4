/* SPDX-License-Identifier: Apache-2.0 */
/* The newest values that were refused: so few that an array that is searched is enough. */
#include "daemon/sync/refusals.h"

#include <string.h>

#include "libdiscover/core/clock.h"

/* New keys are logged at once, but no more than so many of them in so long. */
#define LOG_LINES 10
#define LOG_NS    (10 * NS_PER_S)

/* Cut, and with '?' for what is no printable ASCII: it goes to terminals, into JSON and into protobuf. */
static void copy_printable(char *to, size_t cap, const char *from, size_t n)
{
    n = n < cap ? n : cap - 1;
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] >= 0x20 && from[i] < 0x7f ? from[i] : '?';
    to[n] = '\0';
}

static struct refusal *find(struct refusals *r, uint8_t bucket, const char *key)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->all[i].bucket == bucket && strcmp(r->all[i].key, key) == 0)
            return &r->all[i];
    return NULL;
}

static void drop(struct refusals *r, size_t i)
{
    r->n--;
    memmove(&r->all[i], &r->all[i + 1], (r->n - i) * sizeof r->all[0]);
}

/* Makes room at the front; the oldest one goes when there is none. */
static struct refusal *push(struct refusals *r)
{
    if (r->n == REFUSALS_MAX)
        r->n--;
    memmove(&r->all[1], &r->all[0], r->n * sizeof r->all[0]);
    r->n++;
    r->all[0] = (struct refusal){0};
    return &r->all[0];
}

static struct refusal *to_front(struct refusals *r, struct refusal *entry)
{
    struct refusal moved = *entry;
    drop(r, (size_t)(entry - r->all));
    entry = push(r);
    *entry = moved;
    return entry;
}

static bool may_log(struct refusals *r, int64_t now_ns, uint64_t *ret_unlogged)
{
    if (r->lines == 0 || now_ns - r->log_ns >= LOG_NS) {
        r->log_ns = now_ns;
        r->lines = 0;
    }
    if (r->lines == LOG_LINES) {
        r->unlogged++;
        return false;
    }
    r->lines++;
    *ret_unlogged = r->unlogged;
    r->unlogged = 0;
    return true;
}

bool refusals_note(struct refusals *r, const struct refused *what, int64_t now_ns, uint64_t *ret_unlogged)
{
    char key[REFUSAL_KEY_CAP], reason[REFUSAL_REASON_CAP];
    copy_printable(key, sizeof key, what->key, what->key_len);
    copy_printable(reason, sizeof reason, what->reason, strlen(what->reason));
    struct refusal *entry = find(r, what->bucket, key);
    bool news = !entry || strcmp(entry->reason, reason) != 0;
    if (entry && entry->seq == what->seq) { /* the same value, read again */
        entry->marked = true;
        return false;
    }
    entry = entry ? to_front(r, entry) : push(r);
    memcpy(entry->key, key, sizeof key);
    memcpy(entry->reason, reason, sizeof reason);
    entry->bucket = what->bucket;
    entry->marked = true;
    entry->count++;
    entry->seq = what->seq;
    entry->last_ns = now_ns - what->age_ns;
    return news && may_log(r, now_ns, ret_unlogged);
}

void refusals_clear(struct refusals *r, uint8_t bucket, const char *key, size_t key_len)
{
    char text[REFUSAL_KEY_CAP];
    if (r->n == 0) /* the usual case, since this is called for each message */
        return;
    copy_printable(text, sizeof text, key, key_len);
    struct refusal *entry = find(r, bucket, text);
    if (entry)
        drop(r, (size_t)(entry - r->all));
}

void refusals_snapshot_begin(struct refusals *r, uint8_t bucket)
{
    for (size_t i = 0; i < r->n; i++)
        r->all[i].marked &= r->all[i].bucket != bucket;
}

void refusals_snapshot_end(struct refusals *r, uint8_t bucket)
{
    for (size_t i = r->n; i-- > 0;)
        if (r->all[i].bucket == bucket && !r->all[i].marked)
            drop(r, i);
}

void refusals_forget(struct refusals *r, uint8_t bucket, int64_t before_ns)
{
    for (size_t i = r->n; i-- > 0;)
        if (r->all[i].bucket == bucket && r->all[i].last_ns < before_ns)
            drop(r, i);
}

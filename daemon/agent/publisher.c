/* SPDX-License-Identifier: Apache-2.0 */
/* What the bucket should hold of this host, against what it is known to hold. */
#include "daemon/agent/publisher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/agent/publisher_impl.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/digest.h"

#define RETRY_FIRST_NS   (250 * NS_PER_MS)
#define RETRY_LAST_NS    (30 * NS_PER_S)
#define REFUSED_PAUSE_NS (20 * NS_PER_MS) /* the bus took no more: look again then */
#define REPEATS_PER_TTL  3

int publisher_new(const struct publisher_options *options, const struct agent_ops *ops, struct publisher **ret_w)
{
    struct publisher *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    w->options = *options;
    w->ops = ops;
    w->paused = true;
    w->resume_ns = INT64_MIN;
    deadlines_init(&w->deadlines);
    window_init(&w->window, options->window_max);
    *ret_w = w;
    return 0;
}

static struct entry *entry_of(struct deadline *d)
{
    return (struct entry *)((char *)d - offsetof(struct entry, deadline));
}

/* --- the one place where an entry's status changes --- */

void publisher_set_status(struct publisher *w, struct entry *e, enum status status, int64_t at_ns)
{
    if (e->status == QUEUED)
        DL_DELETE(w->queue, e);
    if (status == QUEUED)
        DL_APPEND(w->queue, e);
    if (at_ns == INT64_MAX)
        deadlines_clear(&w->deadlines, &e->deadline);
    else
        deadlines_set(&w->deadlines, &e->deadline, at_ns);
    e->status = status;
}

static void set_refused(struct publisher *w, struct entry *e, bool refused)
{
    w->stats.refused += (uint32_t)refused - (uint32_t)e->refused;
    e->refused = refused;
}

static void drop(struct publisher *w, struct entry *e)
{
    publisher_vouch(w, e, (struct version){0, 0});
    publisher_set_status(w, e, IDLE, INT64_MAX);
    set_refused(w, e, false);
    if (e->token)
        HASH_DELETE(by_token, w->by_token, e);
    HASH_DELETE(hh, w->by_key, e);
    free(e->value);
    free(e);
}

void publisher_free(struct publisher *w)
{
    struct entry *e, *next;
    if (!w)
        return;
    HASH_ITER(hh, w->by_key, e, next)
    drop(w, e);
    deadlines_fini(&w->deadlines);
    free(w);
}

struct entry *publisher_find(const struct publisher *w, const struct instance_key *key)
{
    char text[KEY_CAP];
    struct entry *e;
    instance_key_format(key, text);
    HASH_FIND(hh, w->by_key, text, strlen(text), e);
    return e;
}

struct entry *publisher_find_or_add(struct publisher *w, const struct instance_key *key)
{
    struct entry *e = publisher_find(w, key);
    if (e)
        return e;
    char text[KEY_CAP];
    instance_key_format(key, text);
    size_t n = strlen(text);
    if (deadlines_reserve(&w->deadlines, HASH_COUNT(w->by_key) + 1) < 0)
        return NULL;
    e = calloc(1, sizeof *e + n + 1);
    if (!e)
        return NULL;
    memcpy(e->key, text, n);
    e->key_n = n;
    backoff_init(&e->backoff, RETRY_FIRST_NS, RETRY_LAST_NS);
    HASH_ADD_KEYPTR(hh, w->by_key, e->key, n, e);
    if (hash_added(&e->hh))
        return e;
    free(e);
    return NULL;
}

/* --- wanted against stored --- */

bool publisher_settled(const struct entry *e)
{
    if (e->kept)
        return true;
    if (e->alien)
        return false;
    return e->value ? version_same(e->stored, e->version) : !e->stored.epoch && !e->unsure;
}

void publisher_recount(struct publisher *w, struct entry *e)
{
    bool behind = !publisher_settled(e);
    if (behind && !e->behind)
        w->stats.behind++;
    if (!behind && e->behind)
        w->stats.behind--;
    e->behind = behind;
}

static void add_to_digest(struct publisher *w, const struct entry *e)
{
    struct instance_key key;
    if (instance_key_parse(e->key, e->key_n, &key) == 0)
        w->stats.digest ^= record_digest(&key, e->vouched.epoch, e->vouched.counter);
}

void publisher_vouch(struct publisher *w, struct entry *e, struct version version)
{
    if (e->vouched.epoch) {
        add_to_digest(w, e); /* XOR: the second time takes it out */
        w->stats.records--;
    }
    e->vouched = version;
    if (e->vouched.epoch) {
        add_to_digest(w, e);
        w->stats.records++;
    }
}

/* Between 75 % and 100 % of a third of MaxAge: a fleet's repeats spread by themselves. */
static int64_t repeat_at(struct publisher *w, int64_t now_ns)
{
    int64_t third = w->options.record_ttl_ns / REPEATS_PER_TTL;
    return now_ns + third - third / 4 * (int64_t)(w->ops->random(w->ops->arg) % 1024) / 1024;
}

/* Wanted or stored has changed, and nothing is flying: decides what comes next. May free e. */
void publisher_aim(struct publisher *w, struct entry *e, int64_t now_ns)
{
    publisher_recount(w, e);
    if (!publisher_settled(e)) {
        if (e->status != QUEUED)
            publisher_set_status(w, e, QUEUED, INT64_MAX);
        return;
    }
    if (e->kept)
        publisher_set_status(w, e, IDLE, INT64_MAX);
    else if (!e->value)
        drop(w, e);
    else if (e->status != IDLE)
        publisher_set_status(w, e, IDLE, repeat_at(w, now_ns));
}

/* The same for a change of what is wanted: one that failed before keeps its back-off. */
static void aim_wanted(struct publisher *w, struct entry *e, int64_t now_ns)
{
    publisher_recount(w, e);
    if (e->status != FLYING && !(e->status == WAITING && e->failed))
        publisher_aim(w, e, now_ns);
}

/* --- putting --- */

static void set_token(struct publisher *w, struct entry *e)
{
    if (e->token == e->version.counter)
        return;
    if (e->token)
        HASH_DELETE(by_token, w->by_token, e);
    e->token = e->version.counter;
    HASH_ADD(by_token, w->by_token, token, sizeof e->token, e);
    if (!hash_added(&e->by_token))
        e->token = 0; /* no memory: the answer will not be known to be its own, and it is put again */
}

static bool put(struct publisher *w, struct entry *e, int64_t now_ns)
{
    const struct agent_ops *ops = w->ops;
    bool never_put = e->token == 0;
    int err = e->value ? ops->publish(ops->arg, e->key, e->value, e->n, e->version.counter)
                       : ops->unpublish(ops->arg, e->key, e->version.counter);
    if (err < 0)
        return false;
    set_token(w, e);
    e->flown = e->value ? e->version : (struct version){0, 0};
    e->unsure = true;
    e->crossed_seq = 0;
    e->sent_ns = now_ns;
    w->stats.puts += e->value != NULL;
    w->stats.deletes += e->value == NULL;
    w->stats.orphans += !e->value && never_put;
    window_sent(&w->window);
    publisher_set_status(w, e, FLYING, now_ns + w->options.ack_timeout_ns);
    return true;
}

void publisher_pump(struct publisher *w, int64_t now_ns)
{
    while (!w->paused && w->queue && now_ns >= w->resume_ns && window_open(&w->window)) {
        if (!put(w, w->queue, now_ns)) {
            window_refused(&w->window, now_ns);
            w->resume_ns = now_ns + REFUSED_PAUSE_NS;
        }
    }
}

static void fail(struct publisher *w, struct entry *e, int64_t now_ns)
{
    window_lost(&w->window, e->sent_ns, now_ns);
    e->failed = true;
    publisher_set_status(w, e, WAITING, now_ns + backoff_next(&e->backoff, (uint32_t)w->ops->random(w->ops->arg)));
}

static void recover(struct entry *e)
{
    e->failed = false;
    backoff_reset(&e->backoff);
}

static void take_answer(struct publisher *w, struct entry *e, int err, uint64_t seq, int64_t rtt_ns, int64_t now_ns)
{
    bool flying = e->status == FLYING;
    if (!flying)
        w->stats.late++;
    set_refused(w, e, agent_refused(err));
    if (err) {
        w->stats.errors++;
        if (flying)
            fail(w, e, now_ns);
        return;
    }
    w->stats.acks++;
    e->rtt_ns = rtt_ns;
    if (w->options.acknowledged)
        histogram_observe(w->options.acknowledged, rtt_ns);
    if (flying)
        window_acked(&w->window, e->sent_ns, rtt_ns, now_ns);
    e->unsure = false;
    recover(e);
    publisher_vouch(w, e, e->flown);
    bool overwritten = e->crossed_seq > seq; /* by something that was stored behind it, and is known already */
    if (!overwritten) {
        e->seq = seq;
        e->stored = e->flown;
        e->alien = false;
    }
    e->snapshot = w->snapshot;
    publisher_recount(w, e);
    if (flying && overwritten && !publisher_settled(e))
        publisher_put_back(w, e, now_ns);
    else if (flying || publisher_settled(e))
        publisher_aim(w, e, now_ns);
}

void publisher_answer(struct publisher *w, uint64_t token, int err, uint64_t seq, int64_t rtt_ns, int64_t now_ns)
{
    struct entry *e;
    HASH_FIND(by_token, w->by_token, &token, sizeof token, e);
    if (e)
        take_answer(w, e, err, seq, rtt_ns, now_ns);
    else
        w->stats.late++;
    publisher_pump(w, now_ns);
}

/* --- what is wanted --- */

int publisher_set_value(struct entry *e, const struct record *record)
{
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
    int err = record_encode(record, bytes, &n);
    if (err < 0)
        return err;
    uint8_t *value = malloc(n);
    if (!value)
        return -ENOMEM;
    memcpy(value, bytes, n);
    free(e->value);
    e->value = value;
    e->n = n;
    return 0;
}

int publisher_put(struct publisher *w, const struct instance_key *key, uint64_t epoch, struct record *record,
                  int64_t now_ns)
{
    struct entry *e = publisher_find_or_add(w, key);
    if (!e)
        return -ENOMEM;
    record->epoch = epoch;
    record->counter = w->counter + 1;
    int err = publisher_set_value(e, record);
    if (err < 0) {
        if (e->status == NEW)
            drop(w, e);
        return err;
    }
    w->counter++;
    w->epoch = epoch;
    e->version = (struct version){record->epoch, record->counter};
    e->kept = false;
    aim_wanted(w, e, now_ns);
    publisher_pump(w, now_ns);
    return 0;
}

static void want_gone(struct publisher *w, struct entry *e, int64_t now_ns)
{
    if (!e->value && !e->kept && e->status != NEW)
        return;
    free(e->value);
    e->value = NULL;
    e->kept = false;
    e->version.counter = ++w->counter;
    aim_wanted(w, e, now_ns);
}

void publisher_remove(struct publisher *w, const struct instance_key *key, int64_t now_ns)
{
    struct entry *e = publisher_find(w, key);
    if (e)
        want_gone(w, e, now_ns);
    publisher_pump(w, now_ns);
}

void publisher_remove_all(struct publisher *w, int64_t now_ns)
{
    struct entry *e, *next;
    HASH_ITER(hh, w->by_key, e, next)
    want_gone(w, e, now_ns);
    publisher_pump(w, now_ns);
}

void publisher_keep(struct publisher *w, const struct instance_key *key)
{
    struct entry *e = publisher_find(w, key);
    if (!e || e->status == FLYING)
        return;
    free(e->value);
    e->value = NULL;
    e->kept = true;
    publisher_aim(w, e, 0);
}

/* --- the bus --- */

void publisher_resume(struct publisher *w, int64_t now_ns)
{
    w->paused = false;
    w->resume_ns = INT64_MIN;
    publisher_pump(w, now_ns);
}

void publisher_pause(struct publisher *w)
{
    w->paused = true;
    window_reset(&w->window);
    for (struct entry *e = w->by_key; e; e = e->hh.next) {
        recover(e);
        if (e->status == FLYING || e->status == WAITING)
            publisher_set_status(w, e, QUEUED, INT64_MAX);
    }
}

/* --- time --- */

static void come_due(struct publisher *w, struct entry *e, int64_t now_ns)
{
    if (e->status == FLYING) {
        w->stats.timeouts++;
        fail(w, e, now_ns);
        return;
    }
    w->stats.repeats += e->status == IDLE;
    publisher_set_status(w, e, QUEUED, INT64_MAX);
}

int64_t publisher_tick(struct publisher *w, int64_t now_ns)
{
    while (deadlines_next_ns(&w->deadlines) <= now_ns)
        come_due(w, entry_of(deadlines_first(&w->deadlines)), now_ns);
    publisher_pump(w, now_ns);
    return publisher_deadline(w);
}

int64_t publisher_deadline(const struct publisher *w)
{
    int64_t next_ns = deadlines_next_ns(&w->deadlines);
    bool refused = !w->paused && w->queue && w->resume_ns != INT64_MIN && window_open(&w->window);
    return refused && w->resume_ns < next_ns ? w->resume_ns : next_ns;
}

bool publisher_older_than(const struct publisher *w, uint64_t epoch)
{
    for (const struct entry *e = w->by_key; e; e = e->hh.next)
        if (e->value && e->vouched.epoch && e->vouched.epoch < epoch)
            return true;
    return false;
}

struct publisher_stats publisher_stats(const struct publisher *w)
{
    struct publisher_stats stats = w->stats;
    stats.in_flight = w->window.in_flight;
    stats.window = w->window.size;
    return stats;
}

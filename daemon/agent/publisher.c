/* SPDX-License-Identifier: Apache-2.0 */
/* Compares what the bucket should hold of this host with what it is known to hold, and puts what differs. */
#include "daemon/agent/publisher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/agent/publisher_impl.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/digest.h"

#define ACK_TIMEOUT_NS   (5 * NS_PER_S) /* a put without an answer is put again */
#define RETRY_FIRST_NS   (250 * NS_PER_MS)
#define RETRY_LAST_NS    (30 * NS_PER_S)
#define REFUSED_PAUSE_NS (20 * NS_PER_MS) /* pause after the bus took no more */
#define PUT_BACK_NS      (20 * NS_PER_MS) /* between two puts of a key that somebody else keeps writing to */
#define REPEATS_PER_TTL  3

void publisher_init(struct publisher *p, const struct agent_options *options, const struct agent_ops *ops,
                    struct agent_metrics *metrics)
{
    *p = (struct publisher){.options = options, .ops = ops, .metrics = metrics, .paused = true, .resume_ns = INT64_MIN};
    window_init(&p->window, options->window_max);
}

static struct entry *entry_of(struct deadline *d)
{
    return (struct entry *)((char *)d - offsetof(struct entry, deadline));
}

/* --- the one place where an entry's status changes --- */

void publisher_set_status(struct publisher *p, struct entry *e, enum status status, int64_t at_ns)
{
    if (e->status == QUEUED)
        DL_DELETE(p->queue, e);
    if (status == QUEUED)
        DL_APPEND(p->queue, e);
    if (at_ns == INT64_MAX)
        deadlines_clear(&p->deadlines, &e->deadline);
    else
        deadlines_set(&p->deadlines, &e->deadline, at_ns);
    e->status = status;
}

static void set_refused(struct publisher *p, struct entry *e, bool refused)
{
    p->stats.refused += (uint32_t)refused - (uint32_t)e->refused;
    e->refused = refused;
}

static void drop(struct publisher *p, struct entry *e)
{
    publisher_vouch(p, e, (struct version){0, 0});
    publisher_set_status(p, e, IDLE, INT64_MAX);
    set_refused(p, e, false);
    if (e->token)
        HASH_DELETE(by_token, p->by_token, e);
    HASH_DELETE(hh, p->by_key, e);
    free(e->value);
    free(e);
}

void publisher_fini(struct publisher *p)
{
    struct entry *e, *next;
    HASH_ITER(hh, p->by_key, e, next)
    drop(p, e);
    deadlines_fini(&p->deadlines);
}

struct entry *publisher_find(const struct publisher *p, const struct instance_key *key)
{
    char text[KEY_CAP];
    struct entry *e;
    instance_key_format(key, text);
    HASH_FIND(hh, p->by_key, text, strlen(text), e);
    return e;
}

struct entry *publisher_find_or_add(struct publisher *p, const struct instance_key *key)
{
    struct entry *e = publisher_find(p, key);
    if (e)
        return e;
    char text[KEY_CAP];
    instance_key_format(key, text);
    size_t n = strlen(text);
    if (deadlines_reserve(&p->deadlines, HASH_COUNT(p->by_key) + 1) < 0)
        return NULL;
    e = calloc(1, sizeof *e + n + 1);
    if (!e)
        return NULL;
    memcpy(e->key, text, n);
    e->key_n = n;
    backoff_init(&e->backoff, RETRY_FIRST_NS, RETRY_LAST_NS);
    HASH_ADD_KEYPTR(hh, p->by_key, e->key, n, e);
    if (hash_added(&e->hh))
        return e;
    free(e);
    return NULL;
}

/* --- wanted against stored --- */

bool publisher_settled(const struct entry *e)
{
    if (e->retained)
        return true;
    if (e->alien)
        return false;
    return e->value ? version_same(e->stored, e->version) : !e->stored.epoch && !e->unsure;
}

void publisher_recount(struct publisher *p, struct entry *e)
{
    bool behind = !publisher_settled(e);
    if (behind && !e->behind)
        p->stats.behind++;
    if (!behind && e->behind)
        p->stats.behind--;
    e->behind = behind;
}

static void add_to_digest(struct publisher *p, const struct entry *e)
{
    struct instance_key key;
    if (instance_key_parse(e->key, e->key_n, &key) == 0)
        p->stats.digest ^= record_digest(&key, e->vouched.epoch, e->vouched.counter);
}

void publisher_vouch(struct publisher *p, struct entry *e, struct version version)
{
    if (e->vouched.epoch) {
        add_to_digest(p, e); /* XOR: adding it a second time takes it out */
        p->stats.records--;
    }
    e->vouched = version;
    if (e->vouched.epoch) {
        add_to_digest(p, e);
        p->stats.records++;
    }
}

/* A random time between 75 % and 100 % of a third of MaxAge: so a fleet's repeated puts spread by themselves. */
static int64_t repeat_at(struct publisher *p, int64_t now_ns)
{
    int64_t third = p->options->record_ttl_ns / REPEATS_PER_TTL;
    return now_ns + third - third / 4 * (int64_t)(p->ops->random(p->ops->arg) % 1024) / 1024;
}

void publisher_aim(struct publisher *p, struct entry *e, int64_t now_ns)
{
    publisher_recount(p, e);
    if (!publisher_settled(e)) {
        if (e->status != QUEUED)
            publisher_set_status(p, e, QUEUED, INT64_MAX);
        return;
    }
    if (e->retained)
        publisher_set_status(p, e, IDLE, INT64_MAX);
    else if (!e->value)
        drop(p, e);
    else if (e->status != IDLE)
        publisher_set_status(p, e, IDLE, repeat_at(p, now_ns));
}

/* As publisher_aim, for a change of what is wanted: a key whose last put failed keeps its back-off. */
static void aim_wanted(struct publisher *p, struct entry *e, int64_t now_ns)
{
    publisher_recount(p, e);
    if (e->status != FLYING && !(e->status == WAITING && e->failed))
        publisher_aim(p, e, now_ns);
}

/* --- putting --- */

static void set_token(struct publisher *p, struct entry *e)
{
    if (e->token == e->version.counter)
        return;
    if (e->token)
        HASH_DELETE(by_token, p->by_token, e);
    e->token = e->version.counter;
    HASH_ADD(by_token, p->by_token, token, sizeof e->token, e);
    if (!hash_added(&e->by_token))
        e->token = 0; /* no memory: the answer cannot be matched, and the value is put again */
}

size_t publisher_value(const struct entry *e, uint8_t ret_bytes[static RECORD_WIRE_MAX])
{
    size_t n = encoded_version(e->version.epoch, e->version.counter, ret_bytes);
    memcpy(ret_bytes + n, e->value, e->n);
    return n + e->n;
}

static bool put(struct publisher *p, struct entry *e, int64_t now_ns)
{
    const struct agent_ops *ops = p->ops;
    struct agent_metrics *metrics = p->metrics;
    bool never_put = e->token == 0;
    uint8_t bytes[RECORD_WIRE_MAX];
    int err = e->value ? ops->publish(ops->arg, e->key, bytes, publisher_value(e, bytes), e->version.counter)
                       : ops->unpublish(ops->arg, e->key, e->version.counter);
    if (err < 0)
        return false;
    set_token(p, e);
    e->flown = e->value ? e->version : (struct version){0, 0};
    e->unsure = true;
    e->crossed_seq = 0;
    e->sent_ns = now_ns;
    metric_add(&metrics->puts, e->value != NULL);
    metric_add(&metrics->deletes, e->value == NULL);
    metric_add(&metrics->orphans, !e->value && never_put);
    p->window.in_flight++;
    publisher_set_status(p, e, FLYING, now_ns + ACK_TIMEOUT_NS);
    return true;
}

void publisher_pump(struct publisher *p, int64_t now_ns)
{
    while (!p->paused && p->queue && now_ns >= p->resume_ns && window_open(&p->window)) {
        if (!put(p, p->queue, now_ns)) {
            window_cut(&p->window, now_ns);
            p->resume_ns = now_ns + REFUSED_PAUSE_NS;
        }
    }
}

static void fail(struct publisher *p, struct entry *e, int64_t now_ns)
{
    window_lost(&p->window, e->sent_ns, now_ns);
    e->failed = true;
    publisher_set_status(p, e, WAITING, now_ns + backoff_next(&e->backoff, (uint32_t)p->ops->random(p->ops->arg)));
}

static void recover(struct entry *e)
{
    e->failed = false;
    backoff_reset(&e->backoff);
}

void publisher_put_back(struct publisher *p, struct entry *e, int64_t now_ns)
{
    int64_t soonest_ns = e->token ? e->sent_ns + PUT_BACK_NS : now_ns;
    metric_inc(&p->metrics->put_back);
    publisher_set_status(p, e, WAITING, soonest_ns > now_ns ? soonest_ns : now_ns);
}

static void take_answer(struct publisher *p, struct entry *e, int err, uint64_t seq, int64_t rtt_ns, int64_t now_ns)
{
    bool flying = e->status == FLYING;
    if (!flying)
        metric_inc(&p->metrics->late);
    set_refused(p, e, agent_refused(err));
    if (err) {
        metric_inc(&p->metrics->errors);
        if (flying)
            fail(p, e, now_ns);
        return;
    }
    metric_inc(&p->metrics->acks);
    e->rtt_ns = rtt_ns;
    histogram_observe(&p->metrics->acknowledged, rtt_ns);
    if (flying)
        window_acked(&p->window, e->sent_ns, rtt_ns, now_ns);
    e->unsure = false;
    recover(e);
    publisher_vouch(p, e, e->flown);
    bool overwritten = e->crossed_seq > seq; /* by a message that was stored later and observed earlier */
    if (!overwritten) {
        e->seq = seq;
        e->stored = e->flown;
        e->alien = false;
    }
    e->snapshot = p->snapshot;
    publisher_recount(p, e);
    if (flying && overwritten && !publisher_settled(e))
        publisher_put_back(p, e, now_ns);
    else if (flying || publisher_settled(e))
        publisher_aim(p, e, now_ns);
}

void publisher_answer(struct publisher *p, uint64_t token, int err, uint64_t seq, int64_t rtt_ns, int64_t now_ns)
{
    struct entry *e;
    HASH_FIND(by_token, p->by_token, &token, sizeof token, e);
    if (e)
        take_answer(p, e, err, seq, rtt_ns, now_ns);
    else
        metric_inc(&p->metrics->late);
    publisher_pump(p, now_ns);
}

/* --- what is wanted --- */

static int set_value(struct entry *e, const uint8_t *bytes, size_t n)
{
    uint8_t *value = malloc(n);
    if (!value)
        return -ENOMEM;
    memcpy(value, bytes, n);
    free(e->value);
    e->value = value;
    e->n = n;
    return 0;
}

int publisher_put(struct publisher *p, const struct instance_key *key, uint64_t epoch, const uint8_t *bytes, size_t n,
                  int64_t now_ns, uint64_t *ret_counter)
{
    struct entry *e = publisher_find_or_add(p, key);
    if (!e)
        return -ENOMEM;
    int err = set_value(e, bytes, n);
    if (err < 0) {
        if (e->status == NEW)
            drop(p, e);
        return err;
    }
    p->epoch = epoch;
    e->version = (struct version){epoch, ++p->counter};
    e->retained = false;
    *ret_counter = e->version.counter;
    aim_wanted(p, e, now_ns);
    publisher_pump(p, now_ns);
    return 0;
}

static void want_gone(struct publisher *p, struct entry *e, int64_t now_ns)
{
    if (!e->value && !e->retained && e->status != NEW)
        return;
    free(e->value);
    e->value = NULL;
    e->retained = false;
    e->version.counter = ++p->counter;
    aim_wanted(p, e, now_ns);
}

void publisher_remove(struct publisher *p, const struct instance_key *key, int64_t now_ns)
{
    struct entry *e = publisher_find(p, key);
    if (e)
        want_gone(p, e, now_ns);
    publisher_pump(p, now_ns);
}

void publisher_remove_all(struct publisher *p, int64_t now_ns)
{
    struct entry *e, *next;
    HASH_ITER(hh, p->by_key, e, next)
    want_gone(p, e, now_ns);
    publisher_pump(p, now_ns);
}

void publisher_retain(struct publisher *p, const struct instance_key *key)
{
    struct entry *e = publisher_find(p, key);
    if (!e || e->status == FLYING)
        return;
    free(e->value);
    e->value = NULL;
    e->retained = true;
    publisher_aim(p, e, 0);
}

/* --- the bus --- */

void publisher_resume(struct publisher *p, int64_t now_ns)
{
    p->paused = false;
    p->resume_ns = INT64_MIN;
    publisher_pump(p, now_ns);
}

void publisher_pause(struct publisher *p)
{
    p->paused = true;
    window_reset(&p->window);
    for (struct entry *e = p->by_key; e; e = e->hh.next) {
        recover(e);
        if (e->status == FLYING || e->status == WAITING)
            publisher_set_status(p, e, QUEUED, INT64_MAX);
    }
}

/* --- time --- */

static void come_due(struct publisher *p, struct entry *e, int64_t now_ns)
{
    if (e->status == FLYING) {
        metric_inc(&p->metrics->timeouts);
        fail(p, e, now_ns);
        return;
    }
    metric_add(&p->metrics->repeats, e->status == IDLE);
    publisher_set_status(p, e, QUEUED, INT64_MAX);
}

int64_t publisher_tick(struct publisher *p, int64_t now_ns)
{
    while (deadlines_next_ns(&p->deadlines) <= now_ns)
        come_due(p, entry_of(deadlines_first(&p->deadlines)), now_ns);
    publisher_pump(p, now_ns);
    return publisher_deadline(p);
}

int64_t publisher_deadline(const struct publisher *p)
{
    int64_t next_ns = deadlines_next_ns(&p->deadlines);
    bool refused = !p->paused && p->queue && p->resume_ns != INT64_MIN && window_open(&p->window);
    return refused && p->resume_ns < next_ns ? p->resume_ns : next_ns;
}

bool publisher_older_than(const struct publisher *p, uint64_t epoch)
{
    for (const struct entry *e = p->by_key; e; e = e->hh.next)
        if (e->value && e->vouched.epoch && e->vouched.epoch < epoch)
            return true;
    return false;
}

struct publisher_stats publisher_stats(const struct publisher *p)
{
    struct publisher_stats stats = p->stats;
    stats.in_flight = p->window.in_flight;
    stats.window = p->window.size;
    return stats;
}

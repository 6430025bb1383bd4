/* SPDX-License-Identifier: Apache-2.0 */
/* The store, and what may happen to a follower. */
#include "tests/unit/sync/follow_stage.h"

#include <check.h>
#include <string.h>

#include "libdiscover/core/clock.h"

#define KEYS 64 /* messages that are alive at a time */

struct stage t;

static void op_resync(void *arg)
{
    (void)arg;
    t.resyncs++;
}

static void op_check(void *arg)
{
    (void)arg;
    t.checks++;
}

static void op_apply(void *arg, const struct kv_message *m, bool from_snapshot)
{
    (void)arg;
    (void)from_snapshot;
    int k = m->key[0];
    ck_assert_msg(m->seq >= t.key[k].seq, "%c went from %llu back to %llu", k, (unsigned long long)t.key[k].seq,
                  (unsigned long long)m->seq);
    t.key[k].value = (char)m->value[0];
    t.key[k].seq = m->seq;
    t.key[k].marked = true;
    if (t.doubt_while_applying)
        follow_doubt(t.f, t.now_ns);
}

static void op_remove(void *arg, const char *key, size_t key_len, uint64_t seq)
{
    (void)arg;
    (void)key_len;
    t.key[(int)key[0]].value = 0;
    t.key[(int)key[0]].seq = seq;
}

static void op_begin(void *arg)
{
    (void)arg;
    t.begins++;
    for (int k = 0; k < 128; k++)
        t.key[k].marked = false;
}

static void op_end(void *arg, enum follow_end end)
{
    (void)arg;
    t.ends++;
    t.end = end;
    for (int k = 0; k < 128; k++) {
        if (end == FOLLOW_COMPLETE && !t.key[k].marked)
            t.key[k].value = 0;
        if (end == FOLLOW_RECREATED)
            t.key[k].seq = 0;
    }
}

static void op_synced(void *arg, bool synced)
{
    (void)arg;
    ck_assert(t.synced != synced);
    t.synced = synced;
}

static uint32_t op_random(void *arg)
{
    (void)arg;
    return t.random;
}

static size_t op_unmarked(void *arg)
{
    size_t n = 0;
    (void)arg;
    for (int k = 0; k < 128; k++)
        n += t.key[k].value && !t.key[k].marked;
    return n;
}

static void op_was_lost(void *arg, const struct kv_message *m)
{
    (void)arg;
    t.lost++;
    t.lost_key = m->key[0];
}

static const struct follow_ops ops = {op_resync, op_check,  op_apply,  op_remove,  op_begin,
                                      op_end,    op_synced, op_random, op_was_lost};

const char *follow_state(const struct follow *f)
{
    static const char *const words[] = {"down", "waiting", "snapshot", "live"};
    return words[f->state];
}

void setup(void)
{
    memset(&t, 0, sizeof t);
    t.now_ns = NS_PER_S;
    ck_assert_int_eq(
        follow_new(&(struct follow_options){.touched_max = 8, .unmarked = op_unmarked, .quiet_ns = FOLLOW_QUIET_NS},
                   &ops, NULL, &t.f),
        0);
}

void done(void)
{
    follow_free(t.f);
}

void pass(int64_t ns)
{
    int64_t until_ns = t.now_ns + ns, next_ns;
    while ((next_ns = follow_tick(t.f, t.now_ns)) <= until_ns) {
        ck_assert_int_gt(next_ns, t.now_ns - 1);
        t.now_ns = next_ns > t.now_ns ? next_ns : t.now_ns;
    }
    t.now_ns = until_ns;
    follow_tick(t.f, t.now_ns);
}

static struct kv_message message(uint64_t seq, char key, char value)
{
    static char keys[KEYS], values[KEYS];
    static unsigned i;
    i = (i + 1) % KEYS;
    keys[i] = key;
    values[i] = value;
    return (struct kv_message){
        .kind = value ? KV_PUT : KV_DELETE,
        .key = &keys[i],
        .key_len = 1,
        .value = (const uint8_t *)&values[i],
        .n = value != 0,
        .seq = seq,
    };
}

bool live(uint64_t seq, char key, char value)
{
    struct kv_message m = message(seq, key, value);
    bool all_known = follow_live(t.f, &m, t.now_ns);
    follow_tick(t.f, t.now_ns);
    return all_known;
}

bool live_unreadable(uint64_t seq, char key)
{
    struct kv_message m = message(seq, key, '?');
    m.kind = KV_UNREADABLE;
    m.n = 0;
    bool all_known = follow_live(t.f, &m, t.now_ns);
    follow_tick(t.f, t.now_ns);
    return all_known;
}

void entry(uint64_t seq, char key, char value)
{
    struct kv_message m = message(seq, key, value);
    follow_snapshot_entry(t.f, &m);
}

void info_of(int64_t created, uint64_t last_seq)
{
    follow_info(t.f, 0, created, last_seq, t.now_ns);
    follow_tick(t.f, t.now_ns);
}

void info(uint64_t last_seq)
{
    info_of(CREATED, last_seq);
}

void end(int err)
{
    follow_snapshot_end(t.f, err, t.now_ns);
    follow_tick(t.f, t.now_ns);
}

void connect_bus(void)
{
    follow_connected(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
}

void get_live(void)
{
    connect_bus();
    ck_assert_uint_eq(t.resyncs, 1);
    info(3);
    entry(1, 'a', 'A');
    entry(2, 'b', 'B');
    info(3);
    end(0);
    ck_assert_str_eq(follow_state(t.f), "live");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Each transition of a follower, with a store that holds what it was told. */
#include "daemon/sync/follow.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define KEYS 64
#define CREATED 1000

/* A store of one-letter keys with one-letter values, as the catalog would keep them. */
static struct {
    struct follow *f;
    int64_t now_ns;
    struct {
        char value;
        uint64_t seq;
        bool marked;
    } key[128];
    unsigned resyncs, checks, begins, ends;
    enum follow_end end;
    bool synced, doubt_while_applying;
    uint32_t random;
} t;

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

static const struct follow_ops ops = {op_resync, op_check, op_apply,  op_remove, op_begin,
                                      op_end,    op_synced, op_random};

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.now_ns = NS_PER_S;
    ck_assert_int_eq(follow_new(&(struct follow_options){.touched_max = 8, .unmarked = op_unmarked}, &ops, NULL, &t.f), 0);
}

static void done(void)
{
    follow_free(t.f);
}

/* Time passes as the daemon lets it: from one deadline to the next. */
static void pass(int64_t ns)
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

static void live(uint64_t seq, char key, char value)
{
    struct kv_message m = message(seq, key, value);
    follow_live(t.f, &m, t.now_ns);
    follow_tick(t.f, t.now_ns);
}

static void entry(uint64_t seq, char key, char value)
{
    struct kv_message m = message(seq, key, value);
    follow_snapshot_entry(t.f, &m, t.now_ns);
}

static void info_of(int64_t created, uint64_t last_seq)
{
    follow_info(t.f, 0, created, last_seq, t.now_ns);
    follow_tick(t.f, t.now_ns);
}

static void info(uint64_t last_seq)
{
    info_of(CREATED, last_seq);
}

static void end(int err)
{
    follow_snapshot_end(t.f, err, t.now_ns);
    follow_tick(t.f, t.now_ns);
}

static void connect_bus(void)
{
    follow_connected(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
}

/* Live, with a=A (1), b=B (2), and 3 as the horizon. */
static void get_live(void)
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

START_TEST(first_snapshot_starts_at_once)
{
    setup();
    ck_assert_int_eq(follow_tick(t.f, t.now_ns), INT64_MAX);
    get_live();
    ck_assert(t.synced && t.end == FOLLOW_COMPLETE);
    ck_assert_uint_eq(follow_horizon(t.f), 3);
    ck_assert_int_eq(t.key['a'].value, 'A');
    done();
}
END_TEST

START_TEST(empty_bucket_is_live)
{
    setup();
    connect_bus();
    info(0);
    info(0);
    end(0);
    ck_assert(t.synced);
    live(1, 'a', 'A');
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_int_eq(t.key['a'].value, 'A');
    done();
}
END_TEST

START_TEST(next_applies_known_is_ignored)
{
    setup();
    get_live();
    live(4, 'a', 'X');
    live(5, 'b', 0);
    ck_assert_int_eq(t.key['a'].value, 'X');
    ck_assert_int_eq(t.key['b'].value, 0);
    live(5, 'b', 'B'); /* sent twice by a cluster that changed its leader */
    ck_assert_int_eq(t.key['b'].value, 0);
    ck_assert_uint_eq(metric_get(&follow_counters(t.f)->ignored), 1);
    ck_assert_uint_eq(follow_horizon(t.f), 5);
    done();
}
END_TEST

START_TEST(jump_makes_a_snapshot)
{
    setup();
    get_live();
    live(6, 'c', 'C');
    ck_assert_str_eq(follow_state(t.f), t.random ? "waiting" : "snapshot");
    ck_assert_uint_eq(t.resyncs, 2);
    ck_assert_int_eq(t.key['c'].value, 'C'); /* newer than anything: not kept back */
    ck_assert(t.synced);                     /* for a while */
    info(6);
    entry(4, 'b', 0); /* deleted in what was lost */
    entry(5, 'a', 'X');
    entry(6, 'c', 'C');
    info(6);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_uint_eq(follow_horizon(t.f), 6);
    ck_assert_int_eq(t.key['a'].value, 'X');
    ck_assert_int_eq(t.key['b'].value, 0);
    ck_assert_uint_eq(metric_get(&follow_counters(t.f)->gaps), 1);
    done();
}
END_TEST

START_TEST(jitter_delays_what_a_fleet_does_at_once)
{
    setup();
    get_live();
    t.random = 200 * NS_PER_MS;
    live(6, 'c', 'C');
    ck_assert_str_eq(follow_state(t.f), "waiting");
    pass(199 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 1);
    pass(2 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 2);
    done();
}
END_TEST

START_TEST(live_during_snapshot_wins)
{
    setup();
    connect_bus();
    info(3);
    live(4, 'a', 'N'); /* before its old value is read */
    live(5, 'b', 0);
    entry(1, 'a', 'O');
    entry(2, 'b', 'O');
    entry(3, 'c', 'C');
    live(6, 'd', 'D');
    info(6);
    end(0);
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_uint_eq(follow_horizon(t.f), 6);
    ck_assert_int_eq(t.key['a'].value, 'N');
    ck_assert_int_eq(t.key['b'].value, 0);
    ck_assert_int_eq(t.key['c'].value, 'C');
    ck_assert_int_eq(t.key['d'].value, 'D');
    done();
}
END_TEST

/* a's old message was overwritten before it was read; the new one is stored, and still on its way. */
START_TEST(sweep_waits_for_what_is_on_its_way)
{
    setup();
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    info(3);
    entry(2, 'b', 'B');
    info(4);
    end(0);
    ck_assert_uint_eq(t.ends, 1); /* not yet */
    ck_assert_int_eq(t.key['a'].value, 'A');
    live(4, 'a', 'N');
    ck_assert_uint_eq(t.ends, 2);
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_int_eq(t.key['a'].value, 'N');
    done();
}
END_TEST

START_TEST(what_never_comes_makes_another_snapshot)
{
    setup();
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    info(3);
    entry(2, 'b', 'B');
    info(4);
    end(0);
    pass(2 * NS_PER_S);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
    ck_assert_int_eq(t.key['a'].value, 'A'); /* nothing was swept */
    ck_assert_uint_eq(t.resyncs, 3);
    done();
}
END_TEST

START_TEST(hole_behind_the_snapshot_is_found)
{
    setup();
    connect_bus();
    info(3);
    live(5, 'a', 'N'); /* 4 got lost */
    entry(1, 'b', 'B');
    info(5);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 2);
    done();
}
END_TEST

START_TEST(old_live_messages_do_not_matter_to_a_snapshot)
{
    setup();
    connect_bus();
    live(2, 'a', 'A'); /* a hole in front of L0 is covered by the snapshot */
    info(4);
    live(4, 'b', 'B');
    entry(2, 'a', 'A');
    entry(3, 'c', 'C');
    entry(4, 'b', 'B');
    info(4);
    end(0);
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_uint_eq(follow_horizon(t.f), 4);
    done();
}
END_TEST

START_TEST(dropped_feed_during_snapshot_spoils_it)
{
    setup();
    connect_bus();
    info(3);
    entry(1, 'a', 'A');
    follow_gap(t.f, t.now_ns);
    info(3);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 2);
    done();
}
END_TEST

START_TEST(more_changes_than_can_be_noted_spoil_it)
{
    setup();
    connect_bus();
    info(0);
    for (uint64_t i = 1; i <= 9; i++) /* the limit is 8 keys */
        live(i, (char)('a' + i), 'x');
    info(9);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
    done();
}
END_TEST

START_TEST(failures_back_off_and_sweep_nothing)
{
    setup();
    get_live();
    follow_gap(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    int64_t waits[6], start_ns;
    for (int i = 0; i < 6; i++) {
        unsigned before = t.resyncs;
        follow_info(t.f, -ETIMEDOUT, 0, 0, t.now_ns);
        end(-ETIMEDOUT);
        start_ns = t.now_ns;
        while (t.resyncs == before)
            pass(10 * NS_PER_MS);
        waits[i] = t.now_ns - start_ns;
    }
    ck_assert_int_ge(waits[4], 4 * waits[0]);
    ck_assert_int_eq(t.key['a'].value, 'A');
    ck_assert(!t.synced); /* by now */
    info(3);
    entry(1, 'a', 'A');
    entry(2, 'b', 'B');
    info(3);
    end(0);
    ck_assert(t.synced);
    done();
}
END_TEST

START_TEST(partial_snapshot_sweeps_nothing)
{
    setup();
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    info(3);
    end(-ETIMEDOUT);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
    ck_assert_int_eq(t.key['a'].value, 'A');
    done();
}
END_TEST

START_TEST(disconnect_aborts_and_reconnect_waits_for_the_old_end)
{
    setup();
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    info(3);
    entry(1, 'a', 'A');
    follow_disconnected(t.f, t.now_ns);
    ck_assert(!t.synced && t.end == FOLLOW_ABORTED);
    ck_assert_int_eq(t.key['b'].value, 'B');
    connect_bus();
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 2); /* one at a time */
    entry(2, 'b', 'Z');              /* of the old one: not listened to */
    ck_assert_int_eq(t.key['b'].value, 'B');
    end(-ENOTCONN);
    ck_assert_uint_eq(t.resyncs, 3);
    info(3);
    entry(1, 'a', 'A');
    entry(2, 'b', 'B');
    info(3);
    end(0);
    ck_assert(t.synced);
    done();
}
END_TEST

START_TEST(nothing_is_applied_while_down)
{
    setup();
    get_live();
    follow_disconnected(t.f, t.now_ns);
    live(4, 'a', 'X');
    ck_assert_int_eq(t.key['a'].value, 'A');
    ck_assert_int_eq(follow_tick(t.f, t.now_ns), INT64_MAX);
    done();
}
END_TEST

START_TEST(quiet_bucket_is_asked)
{
    setup();
    get_live();
    pass(9 * NS_PER_S);
    ck_assert_uint_eq(t.checks, 0);
    pass(2 * NS_PER_S);
    ck_assert_uint_eq(t.checks, 1);
    pass(60 * NS_PER_S);
    ck_assert_uint_eq(t.checks, 1); /* one at a time */
    info(3);
    ck_assert_uint_eq(t.resyncs, 1);
    pass(11 * NS_PER_S);
    ck_assert_uint_eq(t.checks, 2);
    done();
}
END_TEST

START_TEST(deaf_feed_is_found)
{
    setup();
    get_live();
    pass(10 * NS_PER_S);
    info(5);
    pass(900 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 1); /* they may be on their way */
    pass(200 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 2);
    done();
}
END_TEST

START_TEST(late_feed_is_not_deaf)
{
    setup();
    get_live();
    pass(10 * NS_PER_S);
    info(5);
    live(4, 'c', 'C');
    live(5, 'd', 'D');
    pass(5 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 1);
    done();
}
END_TEST

START_TEST(failed_check_leads_to_a_snapshot)
{
    setup();
    get_live();
    pass(10 * NS_PER_S);
    follow_info(t.f, -ENODEV, 0, 0, t.now_ns);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 2);
    ck_assert(t.synced);
    pass(5 * NS_PER_S);
    ck_assert(!t.synced);
    done();
}
END_TEST

START_TEST(recreated_bucket_keeps_what_is_missing)
{
    setup();
    get_live();
    pass(10 * NS_PER_S);
    info_of(CREATED + 1, 1);
    pass(10 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 2);
    info_of(CREATED + 1, 1);
    t.key['a'].seq = t.key['b'].seq = 0; /* sequences of the old one mean nothing */
    entry(1, 'a', 'N');
    info_of(CREATED + 1, 1);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_RECREATED);
    ck_assert_int_eq(t.key['a'].value, 'N');
    ck_assert_int_eq(t.key['b'].value, 'B');
    ck_assert_uint_eq(follow_horizon(t.f), 1);
    live(2, 'b', 'M');
    ck_assert_int_eq(t.key['b'].value, 'M');
    pass(31 * NS_PER_S); /* the next one sweeps */
    ck_assert_uint_eq(t.resyncs, 3);
    info_of(CREATED + 1, 2); /* a check's */
    info_of(CREATED + 1, 2);
    entry(2, 'b', 'M');
    info_of(CREATED + 1, 2);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_int_eq(t.key['a'].value, 0);
    done();
}
END_TEST

START_TEST(recreated_bucket_is_found_by_its_first_message)
{
    setup();
    get_live();
    live(1, 'z', 'Z');
    ck_assert_uint_eq(metric_get(&follow_counters(t.f)->ignored), 1);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.checks, 1);
    info_of(CREATED + 1, 1);
    pass(10 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 2);
    done();
}
END_TEST

START_TEST(recreated_while_failing_is_not_forgotten)
{
    setup();
    get_live();
    follow_gap(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    info_of(CREATED + 1, 1);
    end(-ETIMEDOUT);
    pass(NS_PER_S);
    info_of(CREATED + 1, 1);
    info_of(CREATED + 1, 1);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_RECREATED);
    done();
}
END_TEST

START_TEST(recreated_during_the_snapshot_spoils_it)
{
    setup();
    connect_bus();
    info(3);
    entry(1, 'a', 'A');
    info_of(CREATED + 1, 3);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
    done();
}
END_TEST

/* A new leader of a cluster may not have applied everything yet. */
START_TEST(one_step_back_is_not_believed)
{
    setup();
    get_live();
    pass(10 * NS_PER_S);
    info(2);
    ck_assert_uint_eq(t.resyncs, 1);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.checks, 2);
    info(3);
    pass(9 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 1);
    done();
}
END_TEST

START_TEST(steps_back_are_believed_in_the_end)
{
    setup();
    get_live();
    pass(10 * NS_PER_S);
    for (int i = 0; i < 3; i++) {
        info(1);
        pass(NS_PER_S);
    }
    ck_assert_uint_eq(t.resyncs, 2);
    info(1);
    t.key['a'].seq = 0;
    entry(1, 'a', 'O');
    info(1);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_RECREATED);
    ck_assert_int_eq(t.key['b'].value, 'B');
    done();
}
END_TEST

/* The answer to a question that was asked before a message came may not know the message. */
START_TEST(info_may_be_older_than_the_feed)
{
    setup();
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    live(4, 'c', 'C');
    info(3);
    entry(1, 'a', 'A');
    entry(2, 'b', 'B');
    info(4);
    end(0);
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_uint_eq(follow_horizon(t.f), 4);
    ck_assert_int_eq(t.key['c'].value, 'C');
    done();
}
END_TEST

static void snapshot_with_b_alone(void)
{
    info(3);
    entry(2, 'b', 'B');
    info(3);
    end(0);
}

START_TEST(what_is_missing_is_kept_until_it_is_missing_again)
{
    setup();
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    snapshot_with_b_alone();
    ck_assert_int_eq(t.end, FOLLOW_MISSING);
    ck_assert_int_eq(t.key['a'].value, 'A');
    ck_assert(t.synced);
    pass(5 * NS_PER_S);
    follow_doubt(t.f, t.now_ns); /* too soon */
    follow_tick(t.f, t.now_ns);
    snapshot_with_b_alone();
    ck_assert_int_eq(t.end, FOLLOW_MISSING);
    pass(24 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 3);
    pass(2 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 4); /* by itself */
    info(3);                         /* a check's */
    snapshot_with_b_alone();
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_int_eq(t.key['a'].value, 0);
    done();
}
END_TEST

START_TEST(what_was_missing_may_come_back)
{
    setup();
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    snapshot_with_b_alone();
    live(4, 'a', 'N'); /* its owner noticed */
    pass(30 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 3);
    info(4); /* a check's */
    info(4);
    entry(2, 'b', 'B');
    entry(4, 'a', 'N');
    info(4);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_int_eq(t.key['a'].value, 'N');
    pass(9 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 3);
    done();
}
END_TEST

START_TEST(doubt_from_within_is_heard)
{
    setup();
    get_live();
    t.doubt_while_applying = true;
    live(4, 'a', 'X');
    ck_assert_uint_eq(t.resyncs, 2);
    ck_assert_int_eq(t.key['a'].value, 'X');
    t.doubt_while_applying = false;
    follow_doubt(t.f, t.now_ns); /* one is running already */
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 2);
    done();
}
END_TEST

/* Orders are answered in their order: the first info after both were given is the check's. */
START_TEST(answer_to_a_check_is_not_taken_for_the_snapshots)
{
    setup();
    get_live();
    pass(10 * NS_PER_S);
    ck_assert_uint_eq(t.checks, 1);
    follow_gap(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    ck_assert_uint_eq(t.resyncs, 2);
    info(2);  /* the check's, of no use any more */
    info(5);  /* L0 */
    entry(1, 'a', 'A');
    entry(5, 'c', 'C');
    info(5);
    end(0);
    ck_assert_uint_eq(follow_horizon(t.f), 5);
    done();
}
END_TEST

UNIT_TESTS("follow", first_snapshot_starts_at_once, empty_bucket_is_live, next_applies_known_is_ignored,
           jump_makes_a_snapshot, jitter_delays_what_a_fleet_does_at_once, live_during_snapshot_wins,
           sweep_waits_for_what_is_on_its_way, what_never_comes_makes_another_snapshot,
           hole_behind_the_snapshot_is_found, old_live_messages_do_not_matter_to_a_snapshot,
           dropped_feed_during_snapshot_spoils_it, more_changes_than_can_be_noted_spoil_it,
           failures_back_off_and_sweep_nothing, partial_snapshot_sweeps_nothing,
           disconnect_aborts_and_reconnect_waits_for_the_old_end, nothing_is_applied_while_down, quiet_bucket_is_asked,
           deaf_feed_is_found, late_feed_is_not_deaf, failed_check_leads_to_a_snapshot,
           recreated_bucket_keeps_what_is_missing, recreated_bucket_is_found_by_its_first_message,
           recreated_while_failing_is_not_forgotten, recreated_during_the_snapshot_spoils_it,
           one_step_back_is_not_believed, steps_back_are_believed_in_the_end, info_may_be_older_than_the_feed,
           what_is_missing_is_kept_until_it_is_missing_again,
           what_was_missing_may_come_back, doubt_from_within_is_heard,
           answer_to_a_check_is_not_taken_for_the_snapshots)

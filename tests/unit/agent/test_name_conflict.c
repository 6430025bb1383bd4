/* SPDX-License-Identifier: Apache-2.0 */
/* Two lives under one name: who keeps it, and how the other comes to know. */
#include "daemon/agent/name_conflict.h"

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define TTL   (9 * NS_PER_S)
#define NODE  100
#define EPOCH 5000
#define US    11
#define OTHER 22
#define S(n)  ((n)*NS_PER_S)
#define MS(n) ((n)*NS_PER_MS)

static struct name_conflict start(void)
{
    struct name_conflict c;
    name_conflict_init(&c, NODE, US, TTL, 0);
    name_conflict_connected(&c, 0);
    return c;
}

/* It has the name, since its first lease came into the bucket as number `claim`. */
static struct name_conflict owner(uint64_t claim)
{
    struct name_conflict c = start();
    struct lease own = {.node = NODE, .life = US, .epoch = EPOCH, .counter = 1, .ttl_ms = 9000};
    name_conflict_hosts_synced(&c, 0);
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
    (void)name_conflict_seen(&c, &own, claim, 0, 0);
    return c;
}

static struct lease lease_of(uint64_t node, uint64_t life, uint64_t counter)
{
    return (struct lease){.node = node, .life = life, .epoch = EPOCH, .counter = counter, .ttl_ms = 9000};
}

static enum name_conflict_news see(struct name_conflict *c, struct lease lease, uint64_t seq, int64_t age_ns,
                                   int64_t now_ns)
{
    return name_conflict_seen(c, &lease, seq, age_ns, now_ns);
}

START_TEST(nobody_there)
{
    struct name_conflict c = start();
    ck_assert_int_eq(c.name, AGENT_NAME_UNKNOWN);
    name_conflict_hosts_synced(&c, 1);
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
    ck_assert_int_eq(name_conflict_deadline(&c), INT64_MAX);
    ck_assert(!c.ask_due);
}
END_TEST

/* It was not the server that took its time: our own earlier life is not waited for as if it had to connect again. */
START_TEST(a_slow_start_is_no_outage)
{
    struct name_conflict c;
    name_conflict_init(&c, NODE, US, TTL, 0);
    c.asked_ns = S(30);
    name_conflict_connected(&c, S(30) + MS(10));
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(1), S(30) + MS(10));
    name_conflict_hosts_synced(&c, S(30) + MS(10));
    name_conflict_asked(&c, S(30) + MS(10));
    struct lease question = name_conflict_question(&c);
    (void)see(&c, question, 6, 0, S(30) + MS(20));
    name_conflict_tick(&c, S(30) + MS(530));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(no_snapshot_comes)
{
    struct name_conflict c = start();
    ck_assert_int_eq(name_conflict_deadline(&c), S(3));
    name_conflict_tick(&c, S(2));
    ck_assert_int_eq(c.name, AGENT_NAME_UNKNOWN);
    name_conflict_tick(&c, S(3));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

/* What an earlier life of this host left: nobody answers, so it goes on soon, and without the other's running out. */
START_TEST(our_earlier_life_is_asked_in_vain)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(1), S(1));
    name_conflict_hosts_synced(&c, S(1));
    ck_assert_int_eq(c.name, AGENT_NAME_UNKNOWN);
    ck_assert(c.ask_due);
    struct lease question = c.other;
    ck_assert_uint_eq(question.counter, 77);
    question.asked_by = US;
    name_conflict_asked(&c, S(1));
    ck_assert(!c.ask_due);
    (void)see(&c, question, 6, 0, S(1) + MS(2));
    ck_assert_int_eq(name_conflict_deadline(&c), S(1) + MS(2 + 500));
    name_conflict_tick(&c, S(1) + MS(400));
    ck_assert_int_eq(c.name, AGENT_NAME_UNKNOWN);
    name_conflict_tick(&c, S(1) + MS(600));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(a_question_that_gets_lost_does_not_stop_us)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(1), S(1));
    name_conflict_hosts_synced(&c, S(1));
    name_conflict_asked(&c, S(1));
    name_conflict_tick(&c, S(4));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

/* A lease that is about to run out is not waited for until it has: nobody may miss the host. */
START_TEST(the_answer_is_not_waited_for_longer_than_the_lease_runs)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(9) - MS(100), S(1));
    name_conflict_hosts_synced(&c, S(1));
    name_conflict_asked(&c, S(1));
    ck_assert_int_eq(name_conflict_deadline(&c), S(1) + MS(50));
}
END_TEST

/* The machine was cloned with its disk, or a backup was restored: the original is there and says so. */
START_TEST(a_copy_of_our_machine_is_there)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(1), S(1));
    name_conflict_hosts_synced(&c, S(1));
    name_conflict_asked(&c, S(1));
    struct lease answer = lease_of(NODE, OTHER, 78);
    answer.answers = US;
    ck_assert_int_eq(see(&c, answer, 7, 0, S(1) + MS(3)), NAME_CONFLICT_FOUND);
    ck_assert_int_eq(c.name, AGENT_NAME_CONFLICT);
    ck_assert_int_eq(see(&c, lease_of(NODE, OTHER, 79), 8, 0, S(4)), NAME_CONFLICT_NOTHING);
    name_conflict_tick(&c, S(12));
    ck_assert_int_eq(c.name, AGENT_NAME_CONFLICT);
    name_conflict_tick(&c, S(13));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(questions_are_answered_and_told_once)
{
    struct name_conflict c = owner(5);
    struct lease question = lease_of(NODE, US, 3);
    question.asked_by = OTHER;
    ck_assert_int_eq(see(&c, question, 9, 0, S(1)), NAME_CONFLICT_IGNORED);
    ck_assert(c.answer_due);
    ck_assert_uint_eq(c.answers, OTHER);
    ck_assert_int_eq(see(&c, question, 10, 0, S(2)), NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
    name_conflict_tick(&c, S(20));
    ck_assert_uint_eq(c.answers, 0);
}
END_TEST

/* Whoever does not have the name has no answer to give, and learns nothing from a copy. */
START_TEST(the_question_of_another_newcomer_is_nothing)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(1), S(1));
    name_conflict_hosts_synced(&c, S(1));
    struct lease question = lease_of(NODE, OTHER, 77);
    question.asked_by = 33;
    ck_assert_int_eq(see(&c, question, 6, 0, S(2)), NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(c.name, AGENT_NAME_UNKNOWN);
    ck_assert(!c.answer_due);
}
END_TEST

START_TEST(left_over_lease_of_another_machine_is_waited_for)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE + 1, OTHER, 77), 5, S(4), S(1));
    name_conflict_hosts_synced(&c, S(1));
    ck_assert(c.ask_due);
    name_conflict_asked(&c, S(1));
    ck_assert_int_eq(name_conflict_deadline(&c), S(6));
    name_conflict_tick(&c, S(5));
    ck_assert_int_eq(c.name, AGENT_NAME_UNKNOWN);
    name_conflict_tick(&c, S(6));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

/* As of this machine, which has lost its state: asked in vain, it is not there, and nobody has to miss the host. */
START_TEST(another_machine_that_does_not_answer_is_no_more)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE + 1, OTHER, 77), 5, S(1), S(1));
    name_conflict_hosts_synced(&c, S(1));
    name_conflict_asked(&c, S(1));
    struct lease question = c.other;
    question.asked_by = US;
    (void)see(&c, question, 6, 0, S(1));
    ck_assert_int_eq(name_conflict_deadline(&c), S(4));
    name_conflict_tick(&c, S(4));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

/* Perhaps the server was away, and the other is not connected again yet: half a TTL it has, and nobody thinks meanwhile that it lives. */
START_TEST(lease_that_ran_out_is_asked_about)
{
    for (uint64_t node = NODE; node <= NODE + 1; node++) {
        struct name_conflict c = start();
        (void)see(&c, lease_of(node, OTHER, 77), 5, S(20), S(1));
        name_conflict_hosts_synced(&c, S(1));
        ck_assert(c.ask_due);
        struct lease question = name_conflict_question(&c);
        ck_assert_uint_eq(question.asked_by, US);
        ck_assert_uint_eq(question.ran_out, 1);
        name_conflict_asked(&c, S(1));
        (void)see(&c, question, 6, 0, S(1) + MS(2));
        ck_assert_int_eq(name_conflict_deadline(&c), S(1) + MS(4500));
        name_conflict_tick(&c, S(5));
        ck_assert_int_eq(c.name, AGENT_NAME_UNKNOWN);
        name_conflict_tick(&c, S(6));
        ck_assert_int_eq(c.name, AGENT_NAME_OURS);
    }
}
END_TEST

START_TEST(who_is_back_in_time_keeps_the_name)
{
    struct name_conflict c = start(), o = owner(3);
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(20), S(1));
    name_conflict_hosts_synced(&c, S(1));
    struct lease question = name_conflict_question(&c);
    name_conflict_asked(&c, S(1));
    ck_assert_int_eq(see(&o, question, 6, S(2), S(3)), NAME_CONFLICT_IGNORED);
    ck_assert_uint_eq(o.answers, US);
    struct lease answer = lease_of(NODE, OTHER, 78);
    answer.answers = US;
    ck_assert_int_eq(see(&c, answer, 7, 0, S(3)), NAME_CONFLICT_FOUND);
}
END_TEST

/* We had to wait for the server ourselves: so perhaps had the other, although its lease still runs. */
START_TEST(after_an_outage_the_other_has_time_to_return)
{
    struct name_conflict c;
    name_conflict_init(&c, NODE, US, TTL, 0);
    name_conflict_connected(&c, S(2));
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(8), S(2));
    name_conflict_hosts_synced(&c, S(2));
    struct lease question = name_conflict_question(&c);
    ck_assert_uint_eq(question.ran_out, 0);
    name_conflict_asked(&c, S(2));
    (void)see(&c, question, 6, 0, S(2) + MS(2));
    ck_assert_int_eq(name_conflict_deadline(&c), S(2) + MS(4500));
}
END_TEST

/* The server may have been away before we came. What this machine remembers is no stranger's. */
START_TEST(whom_we_may_be_a_copy_of_has_time_to_return)
{
    static const uint64_t last_lives[] = {0, OTHER + 1, OTHER};
    for (int i = 0; i < 3; i++) {
        struct name_conflict c = start();
        name_conflict_remember(&c, last_lives[i]);
        (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(8), S(1));
        name_conflict_hosts_synced(&c, S(1));
        ck_assert(c.ask_due);
        struct lease question = name_conflict_question(&c);
        name_conflict_asked(&c, S(1));
        (void)see(&c, question, 6, 0, S(1));
        ck_assert_int_eq(name_conflict_deadline(&c), S(1) + (last_lives[i] == OTHER ? MS(500) : MS(4500)));
        name_conflict_tick(&c, S(1) + MS(4499));
        ck_assert_int_eq(c.name, last_lives[i] == OTHER ? AGENT_NAME_OURS : AGENT_NAME_UNKNOWN);
        name_conflict_tick(&c, S(1) + MS(4500));
        ck_assert_int_eq(c.name, AGENT_NAME_OURS);
    }
}
END_TEST

/* Its first lease after its return took the place of our question, which it has not seen. */
START_TEST(who_returns_is_asked_again)
{
    struct name_conflict c = start();
    name_conflict_remember(&c, 0);
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(8), S(1));
    name_conflict_hosts_synced(&c, S(1));
    name_conflict_asked(&c, S(1));
    ck_assert(!c.ask_due);
    ck_assert_int_eq(see(&c, lease_of(NODE, OTHER, 78), 7, 0, S(2)), NAME_CONFLICT_NOTHING);
    ck_assert(c.ask_due);
    ck_assert_uint_eq(name_conflict_question(&c).counter, 78);
    name_conflict_asked(&c, S(2));
    ck_assert_int_eq(name_conflict_deadline(&c), S(2) + MS(4500));
}
END_TEST

/* The bucket has forgotten it: it was away for longer than leases are kept. */
START_TEST(and_so_it_has_where_it_is_forgotten)
{
    struct name_conflict c;
    name_conflict_init(&c, NODE, US, TTL, 0);
    name_conflict_remember(&c, 0);
    name_conflict_connected(&c, 0);
    name_conflict_hosts_synced(&c, S(1));
    ck_assert_int_eq(c.name, AGENT_NAME_UNKNOWN);
    ck_assert(!c.ask_due); /* about whom? */
    ck_assert_int_eq(name_conflict_deadline(&c), MS(4500));
    struct name_conflict returned = c;
    name_conflict_tick(&c, MS(4500));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
    ck_assert_int_eq(see(&returned, lease_of(NODE, OTHER, 77), 5, 0, S(2)), NAME_CONFLICT_NOTHING);
    name_conflict_tick(&returned, MS(4500));
    ck_assert_int_eq(see(&returned, lease_of(NODE, OTHER, 78), 6, 0, S(5)), NAME_CONFLICT_FOUND);
}
END_TEST

/* We asked, and lost the server: what the bucket has now is our question, and shows the other all the same. */
START_TEST(our_own_question_is_a_lease_of_the_other)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(20), S(1));
    name_conflict_hosts_synced(&c, S(1));
    struct lease question = name_conflict_question(&c);
    name_conflict_asked(&c, S(1));
    name_conflict_disconnected(&c);
    name_conflict_connected(&c, S(3));
    (void)see(&c, question, 6, S(2), S(3));
    name_conflict_hosts_synced(&c, S(3));
    ck_assert_int_eq(c.name, AGENT_NAME_UNKNOWN);
    ck_assert(c.ask_due);
}
END_TEST

START_TEST(who_left_is_not_waited_for)
{
    struct name_conflict c = start();
    struct lease good_bye = lease_of(NODE + 1, OTHER, 77);
    good_bye.leaving = 1;
    (void)see(&c, good_bye, 5, 0, S(1));
    name_conflict_hosts_synced(&c, S(1));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

/* A version that does not answer: that it goes on renewing is proof as well. */
START_TEST(renewed_lease_means_a_live_host)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE + 1, 0, 77), 5, S(1), S(1));
    name_conflict_hosts_synced(&c, S(1));
    ck_assert_int_eq(see(&c, lease_of(NODE + 1, 0, 78), 6, 0, S(3)), NAME_CONFLICT_FOUND);
    ck_assert_int_eq(c.name, AGENT_NAME_CONFLICT);
}
END_TEST

START_TEST(the_other_says_good_bye)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, 0, S(1));
    name_conflict_hosts_synced(&c, S(1));
    ck_assert_int_eq(see(&c, lease_of(NODE, OTHER, 78), 6, 0, S(4)), NAME_CONFLICT_FOUND);
    struct lease good_bye = lease_of(NODE, OTHER, 79);
    good_bye.leaving = 1;
    (void)see(&c, good_bye, 7, 0, S(5));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

/* Started at once, or apart during a partition. Sees the other twice; returns the news of the second time. */
static enum name_conflict_news meet(struct name_conflict *c, uint64_t claim)
{
    struct lease other = lease_of(NODE + 1, OTHER, 1);
    other.claim = claim;
    ck_assert_int_eq(see(c, other, 500, 0, S(1)), NAME_CONFLICT_NOTHING);
    ck_assert(c->answer_due);
    other.counter = 2;
    return see(c, other, 501, 0, S(4));
}

START_TEST(both_found_it_free_the_earlier_one_keeps_it)
{
    struct name_conflict c = owner(100);
    ck_assert_int_eq(meet(&c, 101), NAME_CONFLICT_IGNORED);
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
    ck_assert_uint_eq(c.answers, OTHER);
    c = owner(100);
    ck_assert_int_eq(meet(&c, 99), NAME_CONFLICT_FOUND);
    ck_assert_int_eq(c.name, AGENT_NAME_CONFLICT);
    /* The very first lease of a life has no claim: its own place is it. */
    c = owner(100);
    ck_assert_int_eq(meet(&c, 0), NAME_CONFLICT_IGNORED);
    c = owner(600);
    ck_assert_int_eq(meet(&c, 0), NAME_CONFLICT_FOUND);
}
END_TEST

/* An answer needs no second lease. */
START_TEST(an_answer_is_proof_at_once)
{
    struct name_conflict c = owner(100);
    struct lease other = lease_of(NODE, OTHER, 9);
    other.claim = 50;
    other.answers = US;
    ck_assert_int_eq(see(&c, other, 500, 0, S(1)), NAME_CONFLICT_FOUND);
}
END_TEST

START_TEST(a_bucket_that_begins_anew_orders_anew)
{
    struct name_conflict c = owner(1000000);
    ck_assert_uint_eq(c.claim, 1000000);
    (void)see(&c, lease_of(NODE, US, 9), 3, 0, S(1));
    ck_assert_uint_eq(c.claim, 3);
    ck_assert_int_eq(meet(&c, 7), NAME_CONFLICT_IGNORED);
}
END_TEST

/* The server was stopped for a while, and works off what the earlier life had sent. */
START_TEST(last_words_of_our_earlier_life_are_no_rival)
{
    struct name_conflict c = owner(100);
    for (uint64_t counter = 1; counter < 10; counter++)
        ck_assert_int_eq(see(&c, lease_of(NODE, OTHER, counter), 200 + counter, 0, S(1) + (int64_t)counter),
                         NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(after_a_disconnect_it_looks_again)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, 0, S(1));
    name_conflict_hosts_synced(&c, S(1));
    name_conflict_disconnected(&c);
    name_conflict_tick(&c, S(100));
    ck_assert_int_eq(c.name, AGENT_NAME_UNKNOWN);
    name_conflict_connected(&c, S(200));
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, S(199), S(200));
    name_conflict_hosts_synced(&c, S(200));
    ck_assert(c.ask_due);
    name_conflict_asked(&c, S(200));
    name_conflict_tick(&c, S(205));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

static struct name_conflict stood_down(void)
{
    struct name_conflict c = start();
    (void)see(&c, lease_of(NODE, OTHER, 77), 5, 0, S(1));
    name_conflict_hosts_synced(&c, S(1));
    ck_assert_int_eq(see(&c, lease_of(NODE, OTHER, 78), 6, 0, S(4)), NAME_CONFLICT_FOUND);
    return c;
}

/* The server was away for longer than the lease runs, and we are back before the other is. */
START_TEST(an_outage_gives_nobody_the_other_s_name)
{
    struct name_conflict c = stood_down();
    name_conflict_disconnected(&c);
    name_conflict_tick(&c, S(100));
    ck_assert_int_eq(c.name, AGENT_NAME_CONFLICT);
    ck_assert_int_eq(name_conflict_deadline(&c), INT64_MAX);
    name_conflict_connected(&c, S(100));
    (void)see(&c, lease_of(NODE, OTHER, 78), 6, S(96), S(100));
    name_conflict_hosts_synced(&c, S(100));
    ck_assert_int_eq(c.name, AGENT_NAME_CONFLICT);
    (void)see(&c, lease_of(NODE, OTHER, 79), 7, 0, S(108));
    name_conflict_tick(&c, S(110));
    ck_assert_int_eq(c.name, AGENT_NAME_CONFLICT);
    name_conflict_tick(&c, S(117));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

/* Nor when its lease has nearly run out: it may need longer than that to come back. */
START_TEST(after_an_outage_the_other_has_a_whole_ttl)
{
    struct name_conflict c = stood_down();
    name_conflict_disconnected(&c);
    name_conflict_connected(&c, S(12));
    (void)see(&c, lease_of(NODE, OTHER, 78), 6, S(8), S(12));
    name_conflict_hosts_synced(&c, S(12));
    name_conflict_tick(&c, S(20));
    ck_assert_int_eq(c.name, AGENT_NAME_CONFLICT);
    name_conflict_tick(&c, S(21));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(a_good_bye_during_an_outage_frees_the_name_at_once)
{
    struct name_conflict c = stood_down();
    struct lease good_bye = lease_of(NODE, OTHER, 79);
    good_bye.leaving = 1;
    name_conflict_disconnected(&c);
    name_conflict_connected(&c, S(100));
    (void)see(&c, good_bye, 7, S(50), S(100));
    ck_assert_int_eq(c.name, AGENT_NAME_OURS);
}
END_TEST

UNIT_TESTS("agent/name_conflict", nobody_there, a_slow_start_is_no_outage, no_snapshot_comes,
           our_earlier_life_is_asked_in_vain, a_question_that_gets_lost_does_not_stop_us,
           the_answer_is_not_waited_for_longer_than_the_lease_runs, a_copy_of_our_machine_is_there,
           questions_are_answered_and_told_once, the_question_of_another_newcomer_is_nothing,
           left_over_lease_of_another_machine_is_waited_for, another_machine_that_does_not_answer_is_no_more,
           lease_that_ran_out_is_asked_about, who_is_back_in_time_keeps_the_name,
           after_an_outage_the_other_has_time_to_return, whom_we_may_be_a_copy_of_has_time_to_return,
           and_so_it_has_where_it_is_forgotten, who_returns_is_asked_again, our_own_question_is_a_lease_of_the_other,
           who_left_is_not_waited_for, renewed_lease_means_a_live_host, the_other_says_good_bye,
           both_found_it_free_the_earlier_one_keeps_it, an_answer_is_proof_at_once,
           a_bucket_that_begins_anew_orders_anew, last_words_of_our_earlier_life_are_no_rival,
           after_a_disconnect_it_looks_again, an_outage_gives_nobody_the_other_s_name,
           after_an_outage_the_other_has_a_whole_ttl, a_good_bye_during_an_outage_frees_the_name_at_once)

/* SPDX-License-Identifier: Apache-2.0 */
/* Two hosts of one name: who keeps it, and how the other comes to know. */
#include "daemon/agent/name_conflict.h"

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define TTL   (9 * NS_PER_S)
#define NODE  100
#define EPOCH 5000
#define OTHER 200
#define S(n)  ((n)*NS_PER_S)

static struct name_conflict start(void)
{
    struct name_conflict r;
    name_conflict_init(&r, NODE, EPOCH, TTL);
    name_conflict_connected(&r, 0);
    return r;
}

static struct lease lease_of(uint64_t node, uint64_t epoch, uint64_t counter)
{
    return (struct lease){.node = node, .epoch = epoch, .counter = counter, .ttl_ms = 9000};
}

static enum name_conflict_news see(struct name_conflict *r, uint64_t node, uint64_t epoch, uint64_t counter,
                                   int64_t age_ns, int64_t now_ns)
{
    struct lease l = lease_of(node, epoch, counter);
    return name_conflict_seen(r, &l, age_ns, now_ns);
}

START_TEST(nobody_there)
{
    struct name_conflict r = start();
    ck_assert_int_eq(r.name, AGENT_NAME_UNKNOWN);
    name_conflict_hosts_synced(&r, 1);
    ck_assert_int_eq(r.name, AGENT_NAME_OURS);
    ck_assert_int_eq(name_conflict_deadline(&r), INT64_MAX);
}
END_TEST

START_TEST(no_snapshot_comes)
{
    struct name_conflict r = start();
    ck_assert_int_eq(name_conflict_deadline(&r), S(3));
    name_conflict_tick(&r, S(2));
    ck_assert_int_eq(r.name, AGENT_NAME_UNKNOWN);
    name_conflict_tick(&r, S(3));
    ck_assert_int_eq(r.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(our_earlier_life_is_no_rival)
{
    struct name_conflict r = start();
    ck_assert_int_eq(see(&r, NODE, EPOCH - 10, 77, 0, 1), NAME_CONFLICT_NOTHING);
    name_conflict_hosts_synced(&r, 1);
    ck_assert_int_eq(r.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(left_over_lease_is_waited_for)
{
    struct name_conflict r = start();
    ck_assert_int_eq(see(&r, OTHER, EPOCH - 10, 77, S(4), S(1)), NAME_CONFLICT_NOTHING);
    name_conflict_hosts_synced(&r, S(1));
    ck_assert_int_eq(r.name, AGENT_NAME_UNKNOWN);
    ck_assert_int_eq(name_conflict_deadline(&r), S(6));
    name_conflict_tick(&r, S(6));
    ck_assert_int_eq(r.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(lease_that_ran_out_or_left_is_not_waited_for)
{
    struct name_conflict r = start();
    ck_assert_int_eq(see(&r, OTHER, EPOCH - 10, 77, S(20), S(1)), NAME_CONFLICT_NOTHING);
    name_conflict_hosts_synced(&r, S(1));
    ck_assert_int_eq(r.name, AGENT_NAME_OURS);

    r = start();
    struct lease good_bye = lease_of(OTHER, EPOCH - 10, 77);
    good_bye.leaving = 1;
    ck_assert_int_eq(name_conflict_seen(&r, &good_bye, 0, S(1)), NAME_CONFLICT_NOTHING);
    name_conflict_hosts_synced(&r, S(1));
    ck_assert_int_eq(r.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(renewed_lease_means_a_live_host)
{
    struct name_conflict r = start();
    (void)see(&r, OTHER, EPOCH + 10, 77, S(1), S(1));
    name_conflict_hosts_synced(&r, S(1));
    ck_assert_int_eq(see(&r, OTHER, EPOCH + 10, 78, 0, S(3)), NAME_CONFLICT_FOUND);
    ck_assert_int_eq(r.name, AGENT_NAME_CONFLICT);
    ck_assert_int_eq(see(&r, OTHER, EPOCH + 10, 79, 0, S(6)), NAME_CONFLICT_NOTHING);
    name_conflict_tick(&r, S(14));
    ck_assert_int_eq(r.name, AGENT_NAME_CONFLICT);
    name_conflict_tick(&r, S(15));
    ck_assert_int_eq(r.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(name_conflict_says_good_bye)
{
    struct name_conflict r = start();
    (void)see(&r, OTHER, EPOCH, 77, 0, S(1));
    name_conflict_hosts_synced(&r, S(1));
    ck_assert_int_eq(see(&r, OTHER, EPOCH, 78, 0, S(4)), NAME_CONFLICT_FOUND);
    struct lease good_bye = lease_of(OTHER, EPOCH, 79);
    good_bye.leaving = 1;
    (void)name_conflict_seen(&r, &good_bye, 0, S(5));
    ck_assert_int_eq(r.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(both_found_it_free_the_lower_node_keeps_it)
{
    struct name_conflict low, high;
    name_conflict_init(&low, 1, EPOCH, TTL);
    name_conflict_init(&high, 2, EPOCH - 100, TTL);
    name_conflict_hosts_synced(&low, 0);
    name_conflict_hosts_synced(&high, 0);
    ck_assert_int_eq(see(&low, 2, EPOCH - 100, 1, 0, S(1)), NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(see(&low, 2, EPOCH - 100, 2, 0, S(4)), NAME_CONFLICT_IGNORED);
    ck_assert_int_eq(see(&low, 2, EPOCH - 100, 3, 0, S(7)), NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(low.name, AGENT_NAME_OURS);
    ck_assert_int_eq(see(&high, 1, EPOCH, 1, 0, S(1)), NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(see(&high, 1, EPOCH, 2, 0, S(4)), NAME_CONFLICT_FOUND);
    ck_assert_int_eq(high.name, AGENT_NAME_CONFLICT);
}
END_TEST

START_TEST(own_echo_is_nothing_also_after_a_jump)
{
    struct name_conflict r = start();
    name_conflict_hosts_synced(&r, 0);
    ck_assert_int_eq(see(&r, NODE, EPOCH, 1, 0, S(1)), NAME_CONFLICT_NOTHING);
    name_conflict_jump(&r, EPOCH + 50);
    ck_assert_int_eq(see(&r, NODE, EPOCH, 2, 0, S(2)), NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(see(&r, NODE, EPOCH, 3, 0, S(3)), NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(see(&r, NODE, EPOCH + 50, 4, 0, S(4)), NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(r.name, AGENT_NAME_OURS);
}
END_TEST

/* A disk image was copied together with the state directory. */
START_TEST(copy_of_our_state_is_a_rival_once_it_is_renewed)
{
    struct name_conflict r = start();
    name_conflict_hosts_synced(&r, 0);
    ck_assert_int_eq(see(&r, NODE, EPOCH - 5, 8, 0, S(1)), NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(see(&r, NODE, EPOCH - 5, 9, 0, S(4)), NAME_CONFLICT_FOUND);
    ck_assert_int_eq(r.name, AGENT_NAME_CONFLICT);
}
END_TEST

/* The server was stopped for a while, and works off what the earlier life had sent. */
START_TEST(last_words_of_our_earlier_life_are_no_rival)
{
    struct name_conflict r = start();
    name_conflict_hosts_synced(&r, 0);
    for (uint64_t counter = 1; counter < 10; counter++)
        ck_assert_int_eq(see(&r, NODE, EPOCH - 5, counter, 0, S(1) + (int64_t)counter), NAME_CONFLICT_NOTHING);
    ck_assert_int_eq(r.name, AGENT_NAME_OURS);
}
END_TEST

START_TEST(after_a_disconnect_it_looks_again)
{
    struct name_conflict r = start();
    (void)see(&r, OTHER, EPOCH, 77, 0, S(1));
    name_conflict_hosts_synced(&r, S(1));
    ck_assert_int_eq(see(&r, OTHER, EPOCH, 78, 0, S(4)), NAME_CONFLICT_FOUND);
    name_conflict_disconnected(&r);
    name_conflict_tick(&r, S(100));
    ck_assert_int_eq(r.name, AGENT_NAME_UNKNOWN);
    name_conflict_connected(&r, S(200));
    ck_assert_int_eq(see(&r, OTHER, EPOCH, 140, 0, S(200)), NAME_CONFLICT_FOUND);
    name_conflict_hosts_synced(&r, S(200));
    ck_assert_int_eq(r.name, AGENT_NAME_CONFLICT);
}
END_TEST

UNIT_TESTS("agent/rival", nobody_there, no_snapshot_comes, our_earlier_life_is_no_rival, left_over_lease_is_waited_for,
           lease_that_ran_out_or_left_is_not_waited_for, renewed_lease_means_a_live_host, name_conflict_says_good_bye,
           both_found_it_free_the_lower_node_keeps_it, own_echo_is_nothing_also_after_a_jump,
           copy_of_our_state_is_a_rival_once_it_is_renewed, last_words_of_our_earlier_life_are_no_rival,
           after_a_disconnect_it_looks_again)

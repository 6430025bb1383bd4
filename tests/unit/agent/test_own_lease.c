/* SPDX-License-Identifier: Apache-2.0 */
/* Our lease as the bucket shows it: whatever takes it away, or an older one its place, it is put again at
 * once. */
#include "daemon/agent/agent.h"

#include "tests/unit/agent/life.h"

#define SOON (NS_PER_S / 2) /* a regular beat comes 2.7 s after the one before at the earliest */

/* A second after a beat that NATS acknowledged. Returns that lease; none is due soon. */
static struct lease begin(void)
{
    bus_up();
    pass(S(4));
    answer_lease(0);
    struct lease lease = *last_lease();
    agent_own_lease_seen(a, &lease, ++bucket->last_seq, 0, now_ns);
    ck_assert_int_gt(agent_deadline(a), now_ns + SOON);
    pass(S(1));
    ck_assert_uint_eq(last_lease()->counter, lease.counter);
    return lease;
}

/* Whether a lease newer than that is put in the time in which no regular one is. */
static bool put_soon(const struct lease *lease)
{
    pass(SOON);
    return last_lease()->counter == lease->counter + 1;
}

START_TEST(a_probe_is_a_beat_at_once)
{
    struct lease lease = begin();
    agent_beat_now(a, now_ns);
    ck_assert_int_le(agent_deadline(a), now_ns);
    pass(1);
    ck_assert_uint_eq(last_lease()->counter, lease.counter + 1);
}
END_TEST

START_TEST(no_probe_while_the_name_is_not_ours)
{
    agent_beat_now(a, now_ns);
    pass(1);
    ck_assert_uint_eq(bucket->n_leases, 0);
}
END_TEST

START_TEST(no_probe_when_leaving)
{
    struct lease lease = begin();
    agent_leave(a, now_ns);
    answer_lease(0);
    pass(1);
    agent_beat_now(a, now_ns);
    agent_own_lease_gone(a, now_ns);
    pass(S(5));
    ck_assert_uint_eq(last_lease()->counter, lease.counter + 1);
    ck_assert(last_lease()->leaving);
}
END_TEST

START_TEST(an_older_one_took_its_place)
{
    struct lease lease = begin(), old = lease;
    old.counter--;
    agent_own_lease_seen(a, &old, ++bucket->last_seq, 0, now_ns);
    ck_assert(put_soon(&lease));
}
END_TEST

START_TEST(one_of_an_earlier_life_took_its_place)
{
    struct lease lease = begin(), old = lease;
    old.epoch--;
    old.counter += 100;
    agent_own_lease_seen(a, &old, ++bucket->last_seq, S(1), now_ns);
    ck_assert(put_soon(&lease));
}
END_TEST

/* Whatever it says of itself: readers go by epoch and counter, so ours must be above it. */
START_TEST(one_that_we_have_not_put_took_its_place)
{
    struct lease lease = begin(), forged = lease;
    forged.counter += 1000;
    forged.leaving = true;
    agent_own_lease_seen(a, &forged, ++bucket->last_seq, 0, now_ns);
    pass(SOON);
    ck_assert_uint_eq(last_lease()->epoch, lease.epoch);
    ck_assert_uint_eq(last_lease()->counter, forged.counter + 1);
    forged.counter = UINT64_MAX;
    agent_own_lease_seen(a, &forged, ++bucket->last_seq, 0, now_ns);
    pass(SOON);
    ck_assert_uint_gt(last_lease()->epoch, lease.epoch);
    forged.epoch = last_lease()->epoch + 1;
    forged.counter = 1;
    agent_own_lease_seen(a, &forged, ++bucket->last_seq, 0, now_ns);
    pass(SOON);
    ck_assert_uint_gt(last_lease()->epoch, forged.epoch);
}
END_TEST

/* Somebody asks with a copy of such a one. */
START_TEST(a_question_above_it_took_its_place)
{
    struct lease lease = begin(), forged = lease;
    forged.counter += 1000;
    forged.asked_by = 99;
    agent_own_lease_seen(a, &forged, ++bucket->last_seq, 0, now_ns);
    pass(SOON);
    ck_assert_uint_gt(last_lease()->counter, forged.counter);
}
END_TEST

START_TEST(another_hosts_took_its_place)
{
    struct lease lease = begin(), other = lease;
    other.node++;
    other.epoch--;
    agent_own_lease_seen(a, &other, ++bucket->last_seq, 0, now_ns);
    ck_assert(put_soon(&lease));
}
END_TEST

START_TEST(an_echo_is_no_loss)
{
    struct lease lease = begin();
    agent_own_lease_seen(a, &lease, ++bucket->last_seq, 0, now_ns);
    ck_assert(!put_soon(&lease));
    /* One is out, and the one before it is seen: that is how it should be. */
    agent_beat_now(a, now_ns);
    pass(1);
    struct lease newer = *last_lease();
    agent_own_lease_seen(a, &lease, ++bucket->last_seq, 0, now_ns);
    ck_assert(!put_soon(&newer));
}
END_TEST

/* A feed that lags behind acknowledgements shows only old ones: that must not become a storm. */
START_TEST(late_echoes_do_not_make_a_storm)
{
    struct lease lease = begin(), old = lease;
    old.counter--;
    for (int i = 0; i < 1000; i++) {
        size_t n = bucket->n_leases;
        agent_own_lease_seen(a, &old, ++bucket->last_seq, 0, now_ns);
        pass(10 * NS_PER_MS);
        if (bucket->n_leases > n)
            answer_lease(0);
    }
    ck_assert_uint_ge(last_lease()->counter, lease.counter + 10);
    ck_assert_uint_le(last_lease()->counter, lease.counter + 30);
}
END_TEST

START_TEST(somebody_deleted_it)
{
    struct lease lease = begin();
    agent_own_lease_gone(a, now_ns);
    ck_assert(put_soon(&lease));
}
END_TEST

START_TEST(a_snapshot_does_not_have_it)
{
    struct lease lease = begin();
    agent_hosts_snapshot_begin(a);
    agent_hosts_synced(a, now_ns);
    ck_assert(put_soon(&lease));
    struct lease newer = *last_lease();
    agent_hosts_snapshot_begin(a);
    agent_own_lease_seen(a, &newer, ++bucket->last_seq, S(1), now_ns);
    agent_hosts_synced(a, now_ns);
    ck_assert(!put_soon(&newer));
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "agent/own_lease", a_probe_is_a_beat_at_once, no_probe_while_the_name_is_not_ours,
              no_probe_when_leaving, an_older_one_took_its_place, one_of_an_earlier_life_took_its_place,
              one_that_we_have_not_put_took_its_place, a_question_above_it_took_its_place, another_hosts_took_its_place,
              an_echo_is_no_loss, late_echoes_do_not_make_a_storm, somebody_deleted_it, a_snapshot_does_not_have_it)

/* SPDX-License-Identifier: Apache-2.0 */
/* What a picker does over time, in simulated time: shares, overload, failures, recovery. */
#include <math.h>
#include <string.h>

#include "tests/support/simulation/simulation.h"
#include "tests/support/unit.h"

#define RHO_80(n) ((double)(n)*0.8 / 1.78 * 1000) /* calls a second of 80 % load */

static double share(const struct simulation *s, size_t server)
{
    return (double)s->servers[server].calls / (double)s->results.calls;
}

static struct results run_load(size_t n, enum policy policy, size_t clients)
{
    struct simulation *s = simulation_new(n, policy, clients);
    simulation_run(s, 3, RHO_80(n));
    simulation_run(s, 20, RHO_80(n));
    struct results results = s->results;
    simulation_free(s);
    return results;
}

static void compare(size_t n, size_t clients)
{
    struct results shared = run_load(n, POLICY_LIBRARY, clients), own = run_load(n, POLICY_OWN, clients);
    struct results random = run_load(n, POLICY_RANDOM, clients);
    ck_assert_uint_eq(shared.lost, 0);
    ck_assert_double_lt(shared.mean_ms, 1.15 * own.mean_ms);
    ck_assert_double_lt(shared.p99_ms, 1.15 * own.p99_ms);
    ck_assert_double_lt(shared.mean_ms, random.mean_ms);
    ck_assert_double_lt(shared.p99_ms, random.p99_ms);
    ck_assert_double_lt(own.mean_ms, random.mean_ms);
}

START_TEST(a_shared_picker_is_as_good_as_own_ones_and_better_than_chance)
{
    compare(16, 1);
    compare(16, 8);
    compare(16, 32);
    compare(3, 32);
    compare(3, 128);
}
END_TEST

static void check_weights(const uint32_t *weights, size_t n, size_t clients, double calls_per_s)
{
    struct simulation *s = simulation_new(n, POLICY_LIBRARY, clients);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        s->servers[i].endless = true;
        simulation_put(s, i, weights[i], 0, DISCOVER_PASSING, false);
        sum += weights[i];
    }
    simulation_run(s, 400000 / calls_per_s, calls_per_s);
    for (size_t i = 0; i < n; i++) {
        double fair = weights[i] / sum;
        ck_assert_double_gt(share(s, i), 0.9 * fair);
        ck_assert_double_lt(share(s, i), 1.1 * fair);
    }
    simulation_free(s);
}

START_TEST(weights_are_shares)
{
    const uint32_t a[] = {1, 3}, b[] = {1, 2, 4}, c[] = {1, 10, 100};
    const uint32_t canary[] = {1, 100, 100, 100, 100, 100, 100, 100, 100, 100};
    for (size_t clients = 1; clients <= 32; clients *= 32)
        for (double calls_per_s = 50; calls_per_s < 6000; calls_per_s *= 10) {
            check_weights(a, 2, clients, calls_per_s);
            check_weights(b, 3, clients, calls_per_s);
            check_weights(c, 3, clients, calls_per_s);
            check_weights(canary, 10, clients, calls_per_s);
        }
}
END_TEST

START_TEST(one_stall_is_forgotten)
{
    struct simulation *s = simulation_new(3, POLICY_LIBRARY, 1);
    for (size_t i = 0; i < 3; i++) {
        s->servers[i].service_ms = 1;
        s->servers[i].fixed = s->servers[i].endless = true;
    }
    simulation_run(s, 10, 20);
    s->servers[0].stall_ms = 5000;
    simulation_run(s, 60, 20);
    simulation_run(s, 20, 20);
    ck_assert_double_gt(share(s, 0), 1.0 / 9);
    simulation_free(s);
}
END_TEST

START_TEST(the_slow_one_gets_less)
{
    struct simulation *s = simulation_new(4, POLICY_LIBRARY, 4);
    for (size_t i = 0; i < 4; i++)
        s->servers[i].endless = true;
    s->servers[0].service_ms = 18;
    simulation_run(s, 10, 100);
    simulation_run(s, 60, 100);
    ck_assert_double_lt(share(s, 0), 0.1);
    simulation_free(s);
}
END_TEST

static double lost_share(size_t n, size_t n_dead, enum policy policy, size_t clients, double calls_per_s)
{
    struct simulation *s = simulation_new(n, policy, clients);
    s->retries = 2;
    for (size_t i = 0; i < n; i++)
        s->servers[i].service_ms = 0.2;
    simulation_run(s, 5, calls_per_s);
    for (size_t i = 0; i < n_dead; i++)
        s->servers[i].dead = true;
    simulation_run(s, 60, calls_per_s);
    double lost = (double)s->results.lost / (double)s->results.calls;
    for (size_t i = 0; i < n_dead; i++)
        ck_assert_double_lt(share(s, i), 1.0 / (double)n);
    simulation_free(s);
    return lost;
}

START_TEST(more_dead_ones_than_may_be_ejected_cost_no_calls)
{
    ck_assert_double_lt(lost_share(3, 2, POLICY_LIBRARY, 1, 200), 0.01);
    ck_assert_double_lt(lost_share(3, 2, POLICY_LIBRARY, 8, 1000), 0.01);
    ck_assert_double_lt(lost_share(3, 2, POLICY_OWN, 4, 1000), 0.01);
    ck_assert_double_lt(lost_share(16, 8, POLICY_LIBRARY, 1, 500), 0.01);
    ck_assert_double_lt(lost_share(16, 8, POLICY_LIBRARY, 8, 1000), 0.01);
    ck_assert_double_lt(lost_share(16, 15, POLICY_LIBRARY, 1, 500), 0.01);
}
END_TEST

START_TEST(dead_ones_that_come_back_get_their_share_again)
{
    struct simulation *s = simulation_new(8, POLICY_LIBRARY, 2);
    for (size_t i = 0; i < 6; i++)
        s->servers[i].dead = true;
    s->retries = 2;
    simulation_run(s, 20, 400);
    for (size_t i = 0; i < 6; i++)
        s->servers[i].dead = false;
    simulation_run(s, 60, 400);
    simulation_run(s, 20, 400);
    for (size_t i = 0; i < 8; i++)
        ck_assert_double_gt(share(s, i), 0.8 / 8);
    simulation_free(s);
}
END_TEST

START_TEST(if_all_fail_all_are_called)
{
    struct simulation *s = simulation_new(4, POLICY_LIBRARY, 2);
    for (size_t i = 0; i < 4; i++)
        s->servers[i].dead = true;
    simulation_run(s, 20, 100);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_gt(s->servers[i].calls, 300);
    simulation_free(s);
}
END_TEST

START_TEST(near_ones_get_what_they_can_take)
{
    struct simulation *s = simulation_new(16, POLICY_LIBRARY, 4);
    for (size_t i = 0; i < 16; i++)
        simulation_put(s, i, 1, 0, i > 0 && i < 8 ? DISCOVER_CRITICAL : DISCOVER_PASSING, i >= 8);
    simulation_run(s, 30, 1000);
    ck_assert_double_gt(share(s, 0), 0.16); /* 1.4 of an eighth */
    ck_assert_double_lt(share(s, 0), 0.19);
    for (size_t i = 1; i < 8; i++)
        ck_assert_uint_eq(s->servers[i].calls, 0);
    simulation_free(s);
    s = simulation_new(16, POLICY_LIBRARY, 4);
    for (size_t i = 8; i < 16; i++)
        simulation_put(s, i, 1, 0, DISCOVER_PASSING, true);
    simulation_run(s, 10, 1000);
    for (size_t i = 8; i < 16; i++)
        ck_assert_uint_eq(s->servers[i].calls, 0);
    simulation_free(s);
}
END_TEST

START_TEST(backups_take_over_after_few_failures)
{
    for (size_t n_first = 1; n_first <= 8; n_first++) {
        struct simulation *s = simulation_new(n_first + 8, POLICY_LIBRARY, 1);
        for (size_t i = n_first; i < n_first + 8; i++)
            simulation_put(s, i, 1, 1, DISCOVER_PASSING, false);
        for (size_t i = 0; i < n_first + 8; i++)
            s->servers[i].service_ms = 0.1; /* few calls are under way when it happens */
        simulation_run(s, 5, 500);
        for (size_t i = 0; i < n_first; i++)
            s->servers[i].dead = true;
        simulation_run(s, 0.9, 500);
        ck_assert_uint_le(s->results.lost, 5);
        simulation_run(s, 60, 500);
        ck_assert_double_lt((double)s->results.lost, 0.01 * (double)s->results.calls);
        for (size_t i = 0; i < n_first; i++)
            s->servers[i].dead = false;
        simulation_run(s, 60, 500);
        simulation_run(s, 5, 500);
        for (size_t i = n_first; i < n_first + 8; i++)
            ck_assert_uint_eq(s->servers[i].calls, 0);
        simulation_free(s);
    }
}
END_TEST

START_TEST(one_dead_among_slow_ones_does_not_send_all_to_the_backups)
{
    struct simulation *s = simulation_new(6, POLICY_LIBRARY, 4);
    for (size_t i = 3; i < 6; i++)
        simulation_put(s, i, 1, 1, DISCOVER_PASSING, false);
    for (size_t i = 0; i < 3; i++) {
        s->servers[i].service_ms = 500;
        s->servers[i].endless = true;
    }
    s->servers[0].dead = true;
    simulation_run(s, 60, 50);
    for (size_t i = 3; i < 6; i++)
        ck_assert_double_lt(share(s, i), 0.05);
    simulation_free(s);
}
END_TEST

START_TEST(calls_that_end_during_maintenance_are_no_burden_afterwards)
{
    struct simulation *s = simulation_new(2, POLICY_LIBRARY, 2);
    ck_assert_int_eq(discover_picker_set_slow_start(simulation_picker(s), 0), 0);
    s->servers[0].service_ms = 5000;
    s->servers[0].endless = s->servers[0].fixed = true;
    simulation_run(s, 1, 100); /* calls pile up */
    for (size_t i = 0; i < 2; i++)
        simulation_put(s, i, 1, 0, DISCOVER_MAINTENANCE, false);
    s->servers[0].service_ms = 1.78;
    simulation_run(s, 10, 100); /* nobody is there: they end */
    ck_assert_uint_eq(s->results.lost, s->results.calls);
    for (size_t i = 0; i < 2; i++)
        simulation_put(s, i, 1, 0, DISCOVER_PASSING, false);
    simulation_run(s, 60, 100);
    simulation_run(s, 20, 100);
    ck_assert_double_gt(share(s, 0), 0.4);
    simulation_free(s);
}
END_TEST

/* The most calls that a server gets in any 100 ms, as a multiple of its fair share. */
static double peak_share(struct simulation *s, size_t server, size_t n, double seconds, double calls_per_s)
{
    double peak = 0;
    for (double t = 0; t < seconds; t += 0.1) {
        simulation_run(s, 0.1, calls_per_s);
        double part = share(s, server) * (double)n;
        peak = part > peak ? part : peak;
    }
    return peak;
}

START_TEST(who_joins_starts_slowly)
{
    struct simulation *s = simulation_new(16, POLICY_LIBRARY, 8);
    simulation_put(s, 0, 1, 0, DISCOVER_CRITICAL, false);
    simulation_run(s, 5, 5000);
    simulation_put(s, 0, 1, 0, DISCOVER_PASSING, false);
    ck_assert_double_lt(peak_share(s, 0, 16, 10, 5000), 1.2);
    simulation_run(s, 10, 5000);
    simulation_run(s, 10, 5000);
    ck_assert_double_gt(share(s, 0), 0.9 / 16);
    s->servers[0].dead = true;
    simulation_run(s, 40, 5000);
    s->servers[0].dead = false;
    ck_assert_double_lt(peak_share(s, 0, 16, 60, 5000), 1.3);
    simulation_free(s);
}
END_TEST

START_TEST(slow_start_can_be_switched_off)
{
    struct simulation *s = simulation_new(8, POLICY_LIBRARY, 1);
    ck_assert_int_eq(discover_picker_set_slow_start(simulation_picker(s), 0), 0);
    simulation_put(s, 0, 1, 0, DISCOVER_CRITICAL, false);
    simulation_run(s, 5, 500);
    simulation_put(s, 0, 1, 0, DISCOVER_PASSING, false);
    simulation_run(s, 2, 500);
    ck_assert_double_gt(share(s, 0), 0.8 / 8);
    simulation_free(s);
}
END_TEST

START_TEST(many_that_start_at_once_do_not_leave_it_to_the_few)
{
    struct simulation *s = simulation_new(8, POLICY_LIBRARY, 1);
    for (size_t i = 1; i < 8; i++)
        simulation_put(s, i, 1, 0, DISCOVER_CRITICAL, false);
    simulation_run(s, 5, 500);
    for (size_t i = 1; i < 8; i++)
        simulation_put(s, i, 1, 0, DISCOVER_PASSING, false);
    simulation_run(s, 1, 500);
    simulation_run(s, 5, 500);
    ck_assert_double_lt(share(s, 0), 2.2 / 8);
    simulation_free(s);
}
END_TEST

START_TEST(keys_of_an_ejected_instance_return)
{
    struct simulation *s = simulation_new(8, POLICY_LIBRARY, 1);
    s->by_key = true;
    simulation_run(s, 20, 500);
    double before[8];
    for (size_t i = 0; i < 8; i++)
        before[i] = share(s, i);
    s->servers[0].dead = true;
    simulation_run(s, 60, 500);
    ck_assert_double_lt((double)s->results.lost, 0.01 * (double)s->results.calls);
    s->servers[0].dead = false;
    simulation_run(s, 120, 500);
    simulation_run(s, 20, 500);
    for (size_t i = 0; i < 8; i++)
        ck_assert_double_lt(fabs(share(s, i) - before[i]), 0.02);
    simulation_free(s);
}
END_TEST

UNIT_TESTS("balance", a_shared_picker_is_as_good_as_own_ones_and_better_than_chance, weights_are_shares,
           one_stall_is_forgotten, the_slow_one_gets_less, more_dead_ones_than_may_be_ejected_cost_no_calls,
           dead_ones_that_come_back_get_their_share_again, if_all_fail_all_are_called, near_ones_get_what_they_can_take,
           backups_take_over_after_few_failures, one_dead_among_slow_ones_does_not_send_all_to_the_backups,
           calls_that_end_during_maintenance_are_no_burden_afterwards, who_joins_starts_slowly,
           slow_start_can_be_switched_off, many_that_start_at_once_do_not_leave_it_to_the_few,
           keys_of_an_ejected_instance_return)

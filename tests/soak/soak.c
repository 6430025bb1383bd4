/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Six hosts under everything at once: registrations, changes and deaths all the time, of processes, with TTLs and as JSON;
 * watches and pickers in many processes; daemons and nats-server restarted and stopped, buckets deleted, garbage over
 * others' keys. In between all is quiet, and then every answer of every host, through every interface, must be what is
 * true, and each watch must have been told so; and the memory of daemons that live throughout must not grow.
 *
 * SOAK_MINUTES: how long [35]. A line a window, then a summary; exit 1 when anything was wrong.
 */
#include "tests/soak/soak.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "libdiscover/core/clock.h"
#include "tests/soak/soak_answers.h"
#include "tests/soak/soak_faults.h"
#include "tests/soak/soak_memory.h"
#include "tests/soak/soak_truth.h"
#include "tests/soak/soak_watchers.h"
#include "tests/soak/soak_writers.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define MINUTES_DEFAULT 35
#define POPULATION      600
#define ACTIONS_PER_S   80 /* a birth and a death each make two: 40 registrations that change a second */
#define GARBAGE_PER_S   3
#define CHURN_NS        (30 * NS_PER_S)
#define FAULT_1_NS      (6 * NS_PER_S)
#define FAULT_2_NS      (18 * NS_PER_S)
#define SETTLE_NS       (45 * NS_PER_S)
#define GROWTH_MAX      0.5 /* MB an hour */
#define STEP_NS         (NS_PER_S / ACTIONS_PER_S)

static struct soak_fleet fleet;
static int64_t start_ns;
static unsigned n_windows, n_wrong;

static int64_t minutes(void)
{
    const char *text = getenv("SOAK_MINUTES");
    int64_t given = text ? atoll(text) : 0;
    return given > 0 ? given : MINUTES_DEFAULT;
}

static void start_fleet(void)
{
    static const char *const names[SOAK_HOSTS] = {"h0", "h1", "h2", "h3", "h4", "h5"};
    nats_init(&fleet.nats, 1);
    for (unsigned i = 0; i < SOAK_HOSTS; i++)
        host_init(&fleet.host[i], &(struct host_options){.name = names[i], .nats = fleet.nats.urls});
    soak_writers_begin(&fleet);
    soak_watchers_begin(&fleet);
    nats_server_launch(&fleet.nats, 0);
    nats_wait_ready(&fleet.nats);
    for (unsigned i = 0; i < SOAK_HOSTS; i++)
        host_run(&fleet.host[i]);
    soak_writers_connect(&fleet);
}

static void pause_until(int64_t at_ns)
{
    int64_t left_ns = at_ns - clock_now_ns();
    if (left_ns > 0)
        nanosleep(&(struct timespec){.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S}, NULL);
}

struct schedule {
    int64_t begin_ns[2], end_ns; /* of the faults; INT64_MAX: none is to come, or under way */
    const char *name[2];
};

static void run_faults(struct schedule *s, unsigned window, int64_t now_ns)
{
    for (unsigned i = 0; i < 2; i++) {
        if (now_ns < s->begin_ns[i] || s->end_ns != INT64_MAX)
            continue;
        s->begin_ns[i] = INT64_MAX;
        s->name[i] = soak_faults_begin(&fleet, 2 * window + i, &s->end_ns);
    }
    if (now_ns >= s->end_ns) {
        soak_faults_end(&fleet);
        s->end_ns = INT64_MAX;
    }
}

static void churn(unsigned window, struct schedule *ret_schedule)
{
    int64_t begin_ns = clock_now_ns(), next_ns = begin_ns;
    *ret_schedule = (struct schedule){
        .begin_ns = {begin_ns + FAULT_1_NS, begin_ns + FAULT_2_NS}, .end_ns = INT64_MAX, .name = {"none", "none"}};
    for (unsigned i = 0; next_ns < begin_ns + CHURN_NS; i++) {
        pause_until(next_ns);
        next_ns += STEP_NS;
        soak_writers_act(&fleet, POPULATION);
        if (i % (ACTIONS_PER_S / GARBAGE_PER_S) == 0)
            soak_writers_garbage(&fleet);
        if (i % 8 == 0)
            soak_writers_renew(&fleet);
        run_faults(ret_schedule, window, clock_now_ns());
    }
    if (ret_schedule->end_ns != INT64_MAX)
        soak_faults_end(&fleet);
}

static bool right(const struct soak_errors *e)
{
    return !e->missing && !e->ghosts && !e->failed;
}

/* Until all agree, and still do a second later; or for as long as it may take. Returns how long it took. */
static int64_t settle(struct soak_errors *ret_errors)
{
    int64_t begin_ns = clock_now_ns(), since_ns = INT64_MAX;
    do {
        pause_until(clock_now_ns() + NS_PER_S / 4);
        soak_writers_renew(&fleet);
        soak_answers_quick(&fleet, ret_errors);
        int64_t now_ns = clock_now_ns();
        since_ns = !right(ret_errors) ? INT64_MAX : since_ns < now_ns ? since_ns : now_ns;
        if (since_ns != INT64_MAX && now_ns - since_ns > NS_PER_S)
            return since_ns - begin_ns;
    } while (clock_now_ns() - begin_ns < SETTLE_NS);
    return clock_now_ns() - begin_ns;
}

static void window(void)
{
    struct schedule faults;
    struct soak_errors errors;
    churn(n_windows, &faults);
    int64_t took_ns = settle(&errors);
    soak_answers_all(&fleet, n_windows % SOAK_HOSTS, &errors);
    unsigned watches = soak_watchers_wrong();
    bool wrong = !right(&errors) || watches > 0;
    n_windows++;
    n_wrong += wrong;
    soak_memory_sample(&fleet, clock_now_ns() - start_ns);
    printf("-- window %u, %s, %s: %u alive, agreed after %.1f s; %u missing, %u ghosts, %u not answered, %u watches "
           "differ;"
           " %.1f and %.1f MB%s%s\n",
           n_windows, faults.name[0], faults.name[1], soak_alive(), (double)took_ns / 1e9, errors.missing,
           errors.ghosts, errors.failed, watches, soak_memory_now(&fleet, 0), soak_memory_now(&fleet, 1),
           errors.first[0] ? "; " : "", errors.first);
    fflush(stdout);
}

START_TEST(soak)
{
    srandom((unsigned)clock_now_ns());
    start_fleet();
    start_ns = clock_now_ns();
    while (clock_now_ns() - start_ns < minutes() * 60 * NS_PER_S)
        window();
    double growth = soak_memory_growth();
    printf(
        "-- soak of %d minutes: %u windows, %u with something wrong; memory grows by %.2f MB an hour (at most %.1f)\n",
        (int)minutes(), n_windows, n_wrong, growth, GROWTH_MAX);
    ck_assert_uint_eq(n_wrong, 0);
    ck_assert_msg(isnan(growth) || growth <= GROWTH_MAX, "memory grows by %.2f MB an hour", growth);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"soak", soak}};
    return e2e_main("soak", tests, 1, (int)minutes() * 60 + 300);
}

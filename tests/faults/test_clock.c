/* SPDX-License-Identifier: Apache-2.0 */
/* A host's wall clock is set, forward and back. */
#include <discover/discover.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define AGREE_MS 30000
#define HOLD_MS  9000 /* more than two leases of 4 s */
#define HOUR_S   3600

static struct nats nats;
static struct observe o;

static char clock_library[256], clock_file[320];

static bool find_clock_library(void)
{
    glob_t found = {0};

    if (glob("/usr/lib/*/faketime/libfaketimeMT.so.1", 0, NULL, &found) == 0)
        snprintf(clock_library, sizeof clock_library, "%s", found.gl_pathv[0]);
    globfree(&found);
    return clock_library[0];
}

/* Sets the wall clock of the first host, while it runs; its monotonic clock goes on. */
static void set_clock(int offset_s)
{
    char next[330];

    snprintf(next, sizeof next, "%s.next", clock_file);
    FILE *out = fopen(next, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "%+d\n", offset_s);
    fclose(out);
    ck_assert_int_eq(rename(next, clock_file), 0);
}

static void with_clock(bool set)
{
    if (set) {
        setenv("LD_PRELOAD", clock_library, 1);
        setenv("FAKETIME_TIMESTAMP_FILE", clock_file, 1);
        setenv("FAKETIME_NO_CACHE", "1", 1);
        setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
    } else {
        unsetenv("LD_PRELOAD");
    }
}

static void launch_with_clock(struct observe *at, size_t i)
{
    if (i == 0) {
        snprintf(clock_file, sizeof clock_file, "%s/clock", at->at[0].host.folder);
        set_clock(0);
        with_clock(true);
    }
    host_launch(&at->at[i].host);
    with_clock(false);
}

static void on_status(void *arg, const struct discover_status *status)
{
    *(uint64_t *)arg = status->epoch;
}

static uint64_t epoch(void)
{
    uint64_t epoch = 0;

    ck_assert_int_ge(discover_status(host_lib(&o.at[0].host), on_status, &epoch), 0);
    return epoch;
}

static void restart_first_with_clock(void)
{
    with_clock(true);
    observe_restart(&o, 0);
    with_clock(false);
}

START_TEST(clock_set)
{
    observe_start_four(&o, &nats, (struct observe_options){.launch = launch_with_clock});
    uint64_t first = epoch();
    set_clock(HOUR_S);
    observe_change(&o);
    observe_for(&o, 6000);
    restart_first_with_clock();
    uint64_t ahead = epoch();
    ck_assert_msg(ahead > first + HOUR_S * 900ull, "the clock was not set: epoch %llu, then %llu",
                  (unsigned long long)first, (unsigned long long)ahead);
    set_clock(-HOUR_S);
    observe_change(&o);
    observe_for(&o, 6000);
    restart_first_with_clock();
    ck_assert_uint_gt(epoch(), ahead);
    observe_change(&o);
    observe_end(&o, "clock 1 h ahead, then 1 h back, restart of the daemon after each", AGREE_MS, HOLD_MS);
}
END_TEST

/* A new disk, and a clock whose battery is empty: 1970. The lease of its earlier life is in the bucket, with its epoch. */
START_TEST(state_and_clock_lost)
{
    struct output out;
    struct host *h = &o.at[0].host;

    observe_start_four(&o, &nats, (struct observe_options){.launch = launch_with_clock});
    observe_change(&o);
    observe_excuse(&o, 0, OBSERVE_EVERYONE);
    observe_set_watched(&o, 0, false);
    host_kill(h);
    ck_assert_int_eq(shell(&out, "rm -rf %s && mkdir -m 0700 %s", h->state_dir, h->state_dir), 0);
    set_clock(-(int)(time(NULL) - 1000000));
    with_clock(true);
    host_launch(h);
    with_clock(false);
    host_wait_up(h);
    observe_over(&o);
    (void)wait_until(AGREE_MS, host_counter(h, "discoverd_agent_name_is_ours") == 1, h->seen);
    host_wait_live(h);
    observe_set_watched(&o, 0, true);
    observe_excuse(&o, 0, 0);
    observe_end(&o, "state and clock of a host lost, lease 4 s", AGREE_MS, HOLD_MS);
    ck_assert_uint_gt(epoch(), 1000ull * 1000000 * 1000); /* above the one it had: no year 1970 */
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"clock_set", clock_set}, {"state_and_clock_lost", state_and_clock_lost}};

    if (!find_clock_library()) {
        printf("-- skipped: a clock that is set needs libfaketime\n");
        return 77;
    }
    return e2e_main("fault of a clock", tests, sizeof tests / sizeof *tests, 120);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of a host's own machine: the disk under its state directory is full, its clock is set. */
#include <discover/discover.h>
#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/faults/net.h"
#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define AGREE_MS 30000
#define HOLD_MS  9000 /* more than two leases of 4 s */
#define HOUR_S   3600

static struct nats nats;
static struct observe o;

static void start(struct observe_options options)
{
    nats_start(&nats, 1);
    options.nats = nats.urls;
    options.n_hosts = 4;
    options.each = 5;
    options.lease_ttl = "4s";
    observe_start(&o, &options);
}

static void restart_first(void)
{
    observe_set_watched(&o, 0, false);
    host_kill(&o.at[0].host);
    host_launch(&o.at[0].host);
    host_wait_live(&o.at[0].host);
    observe_set_watched(&o, 0, true);
}

/* In a mount namespace of the test's own: nothing is left behind. */
static void put_on_small_disk(struct observe *at, size_t i)
{
    const char *dir = at->at[i].host.state_dir;

    if (i != 0)
        return;
    ck_assert_msg(unshare(CLONE_NEWNS) == 0, "unshare: %s", strerror(errno));
    ck_assert_msg(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount: %s", strerror(errno));
    ck_assert_msg(mount("small", dir, "tmpfs", 0, "size=256k,mode=0700") == 0, "mount: %s", strerror(errno));
}

static void filler(char ret_path[static 320])
{
    snprintf(ret_path, 320, "%s/filler", o.at[0].host.state_dir);
}

static void fill_disk(void)
{
    char path[320], block[4096] = {1};

    filler(path);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    setbuf(out, NULL);
    while (fwrite(block, sizeof block, 1, out) == 1)
        ;
    ck_assert_int_eq(errno, ENOSPC);
    fclose(out);
}

START_TEST(disk_full)
{
    char path[320];

    start((struct observe_options){.prepare = put_on_small_disk});
    fill_disk();
    observe_change(&o);
    observe_for(&o, 5000);
    restart_first();
    observe_change(&o);
    observe_for(&o, 2000);
    observe_change(&o);
    filler(path);
    ck_assert_int_eq(unlink(path), 0);
    observe_end(&o, "disk full under the state directory for 7 s, restart of the daemon included", AGREE_MS,
                HOLD_MS);
    ck_assert_int_eq(umount2(o.at[0].host.state_dir, MNT_DETACH), 0);
}
END_TEST

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
    restart_first();
    with_clock(false);
}

START_TEST(clock_set)
{
    start((struct observe_options){.launch = launch_with_clock});
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

int main(void)
{
    struct e2e_test tests[2];
    size_t n = 0;

    if (net_possible())
        tests[n++] = (struct e2e_test){"disk_full", disk_full};
    else
        printf("-- skipped: a full disk needs root\n");
    if (find_clock_library())
        tests[n++] = (struct e2e_test){"clock_set", clock_set};
    else
        printf("-- skipped: a clock that is set needs libfaketime\n");
    return n ? e2e_main("faults of a machine", tests, n, 120) : 77;
}

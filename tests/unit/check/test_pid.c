/* SPDX-License-Identifier: Apache-2.0 */
/* The death of real processes. */
#include "daemon/check/pid.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static struct event_base *base;
static struct pids *pids;
static pid_t gone;
static int times;

static void on_gone(void *arg, pid_t pid)
{
    (void)arg;
    gone = pid;
    times++;
}

static void setup(void)
{
    gone = 0;
    times = 0;
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    ck_assert_int_eq(pids_new(base, on_gone, NULL, &pids), 0);
}

static void teardown(void)
{
    pids_free(pids);
    event_base_free(base);
}

/* A child that lives until it is killed. */
static pid_t start_child(void)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return pid;
}

static void reap(pid_t pid)
{
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void wait_for_death(void)
{
    int64_t give_up_ns = clock_now_ns() + 5 * NS_PER_S;
    while (!gone && clock_now_ns() < give_up_ns)
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
}

START_TEST(killed_process_is_reported_at_once)
{
    pid_t pid = start_child();
    uint64_t start = 0;
    ck_assert_int_eq(pids_watch(pids, pid, &start), 0);
    ck_assert_uint_gt(start, 0);
    ck_assert_int_eq(pids_watch(pids, pid, &start), -EEXIST);
    event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert_int_eq(gone, 0);
    int64_t before_ns = clock_now_ns();
    kill(pid, SIGKILL);
    wait_for_death();
    ck_assert_int_eq(gone, pid);
    ck_assert_int_lt(clock_now_ns() - before_ns, NS_PER_S);
    event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert_int_eq(times, 1);
    pids_unwatch(pids, pid);
    reap(pid);
}
END_TEST

/* Not our child: the grandchild's parent has gone, init has it. */
START_TEST(other_peoples_children_too)
{
    int fds[2];
    pid_t orphan;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            alarm(20);
            for (;;)
                pause();
        }
        (void)!write(fds[1], &grandchild, sizeof grandchild);
        _exit(0);
    }
    ck_assert_int_eq(read(fds[0], &orphan, sizeof orphan), sizeof orphan);
    reap(child);
    uint64_t start = 0;
    ck_assert_int_eq(pids_watch(pids, orphan, &start), 0);
    kill(orphan, SIGKILL);
    wait_for_death();
    ck_assert_int_eq(gone, orphan);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(dead_ones_are_refused)
{
    pid_t pid = start_child();
    uint64_t start = 0;
    siginfo_t info;
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(pids_watch(pids, pid, &start), -ESRCH); /* a zombie */
    reap(pid);
    ck_assert_int_eq(pids_watch(pids, pid, &start), -ESRCH);
    ck_assert_int_eq(pids_watch(pids, -1, &start), -EINVAL);
    ck_assert_int_eq(pids_watch(pids, 0, &start), -EINVAL);
}
END_TEST

START_TEST(pid_that_was_used_again_is_another_process)
{
    uint64_t start = 0, other;
    ck_assert_int_eq(pid_start_time(getpid(), &start), 0);
    other = start + 1;
    ck_assert_int_eq(pids_watch(pids, getpid(), &other), -ESRCH);
    ck_assert_int_eq(pids_watch(pids, getpid(), &start), 0);
}
END_TEST

/* The name is between brackets and may look like the rest of the line. */
START_TEST(names_do_not_confuse)
{
    uint64_t before, after;
    ck_assert_int_eq(pid_start_time(getpid(), &before), 0);
    ck_assert_int_eq(prctl(PR_SET_NAME, "x) Z 1 (1 2"), 0);
    ck_assert_int_eq(pid_start_time(getpid(), &after), 0);
    ck_assert_uint_eq(before, after);
}
END_TEST

START_TEST(unwatched_ones_are_not_reported)
{
    pid_t pid = start_child();
    uint64_t start = 0;
    ck_assert_int_eq(pids_watch(pids, pid, &start), 0);
    pids_unwatch(pids, pid);
    kill(pid, SIGKILL);
    reap(pid);
    event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert_int_eq(times, 0);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "check/pid", killed_process_is_reported_at_once, other_peoples_children_too,
              dead_ones_are_refused, pid_that_was_used_again_is_another_process, names_do_not_confuse,
              unwatched_ones_are_not_reported)

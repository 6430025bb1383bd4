/* SPDX-License-Identifier: Apache-2.0 */
/* Which process a client means by a number. */
#include "daemon/api/named_process.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"

static const char *why;

static int open_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static pid_t start_child(void)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        pause();
        _exit(0);
    }
    return pid;
}

static void end_child(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static int named(pid_t peer, pid_t number, int pidfd, pid_t *ret_pid)
{
    why = "";
    return named_process(&(struct peer){.pid = peer}, number, pidfd, ret_pid, &why);
}

START_TEST(in_one_namespace_the_number_will_do)
{
    pid_t pid, child = start_child();
    int pidfd = open_pidfd(child);
    ck_assert_int_eq(named(getpid(), child, -1, &pid), 0);
    ck_assert_int_eq(pid, child);
    ck_assert_int_eq(named(getpid(), child, pidfd, &pid), 0);
    ck_assert_int_eq(pid, child);
    end_child(child);
    ck_assert_int_eq(named(getpid(), child, -1, &pid), -ESRCH);
    ck_assert_int_eq(named(getpid(), child, pidfd, &pid), -ESRCH);
    ck_assert_int_eq(named(getpid(), -1, -1, &pid), -EINVAL);
    close(pidfd);
}
END_TEST

static void *send_number(void *arg)
{
    int *pipe_fds = arg;
    pid_t number = (pid_t)syscall(SYS_gettid);
    ck_assert_int_eq(write(pipe_fds[1], &number, sizeof number), sizeof number);
    ck_assert_int_eq(read(pipe_fds[2], &number, 1), 0); /* until the other end is closed */
    return NULL;
}

START_TEST(a_thread_is_no_process)
{
    int fds[4];
    pid_t pid, number;
    pthread_t thread;
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(pipe(fds + 2), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, send_number, fds), 0);
    ck_assert_int_eq(read(fds[0], &number, sizeof number), sizeof number);
    ck_assert_int_eq(named(getpid(), number, -1, &pid), -EINVAL);
    ck_assert_msg(strstr(why, "thread"), "%s", why);
    close(fds[3]);
    pthread_join(thread, NULL);
    close(fds[0]);
    close(fds[1]);
    close(fds[2]);
}
END_TEST

START_TEST(a_descriptor_of_something_else)
{
    pid_t pid;
    int pidfd = open_pidfd(getpid()), pipe_fds[2];
    ck_assert_int_eq(pipe(pipe_fds), 0);
    ck_assert(named_process_is_pidfd(pidfd));
    ck_assert(!named_process_is_pidfd(pipe_fds[0]));
    ck_assert_int_eq(named(getpid(), getpid(), pipe_fds[0], &pid), -EINVAL);
    ck_assert_int_eq(named(getpid(), getppid(), pidfd, &pid), -EINVAL);
    ck_assert_msg(strstr(why, "another process"), "%s", why);
    close(pidfd);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}
END_TEST

/* The first process of a PID namespace of its own: 1 there. */
static pid_t start_in_namespace(void)
{
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0UL);
    if (pid == 0) {
        pause();
        _exit(0);
    }
    return pid;
}

START_TEST(of_another_namespace_the_descriptor_decides)
{
    pid_t pid, child = start_in_namespace();
    if (child < 0) {
        printf("-- skipped: named process: needs the right to make PID namespaces\n");
        return;
    }
    int pidfd = open_pidfd(child);
    ck_assert_int_eq(named(child, 1, -1, &pid), -EINVAL); /* ours is another 1 */
    ck_assert_msg(strstr(why, "namespace"), "%s", why);
    ck_assert_int_eq(named(0, 1, -1, &pid), -EINVAL); /* who asks has no number here at all */
    ck_assert_int_eq(named(child, 1, pidfd, &pid), 0);
    ck_assert_int_eq(pid, child);
    ck_assert_int_eq(named(child, 2, pidfd, &pid), -EINVAL);
    end_child(child);
    ck_assert_int_eq(named(child, 1, pidfd, &pid), -ESRCH);
    close(pidfd);
}
END_TEST

UNIT_TESTS("api/named process", in_one_namespace_the_number_will_do, a_thread_is_no_process,
           a_descriptor_of_something_else, of_another_namespace_the_descriptor_decides)

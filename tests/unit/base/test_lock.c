/* SPDX-License-Identifier: Apache-2.0 */
/* Locks: one holder, who is named, and whose death sets it free. */
#include "daemon/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

START_TEST(test_second_is_told_the_first)
{
    int first = -1, second = -1;
    pid_t holder = 0;
    folder_enter();
    ck_assert_int_eq(lock_take("lock", &first, &holder), 0);
    ck_assert_int_eq(fcntl(first, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(lock_take("lock", &second, &holder), -EBUSY); /* another descriptor counts as another owner */
    ck_assert_int_eq(holder, getpid());
    ck_assert_int_eq(second, -1);
    lock_release(first);
    ck_assert_int_eq(lock_take("lock", &second, &holder), 0);
    lock_release(second);
    lock_release(-1);
    folder_remove();
}
END_TEST

START_TEST(test_killed_holder)
{
    int ready[2], fd;
    pid_t holder = 0;
    char byte;
    folder_enter();
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (lock_take("lock", &fd, &holder) == 0)
            (void)!write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(lock_take("lock", &fd, &holder), -EBUSY);
    ck_assert_int_eq(holder, child);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(lock_take("lock", &fd, &holder), 0);
    lock_release(fd);
    folder_remove();
}
END_TEST

START_TEST(test_holder_unknown)
{
    int first, second;
    pid_t holder = 7;
    folder_enter();
    ck_assert_int_eq(lock_take("lock", &first, &holder), 0);
    folder_write("lock", "not a number");
    ck_assert_int_eq(lock_take("lock", &second, &holder), -EBUSY);
    ck_assert_int_eq(holder, 0);
    lock_release(first);
    folder_remove();
}
END_TEST

/* Another user who could open the file could hold the lock, and keep the daemon from starting. */
START_TEST(test_nobody_else_can_open_it)
{
    struct stat st;
    int fd;
    pid_t holder;
    folder_enter();
    (void)umask(0);
    ck_assert_int_eq(lock_take("lock", &fd, &holder), 0);
    ck_assert_int_eq(stat("lock", &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    lock_release(fd);
    ck_assert_int_eq(chmod("lock", 0644), 0); /* as made by an earlier version */
    ck_assert_int_eq(lock_take("lock", &fd, &holder), 0);
    ck_assert_int_eq(stat("lock", &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    lock_release(fd);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown("lock", 12345, 12345), 0);
        ck_assert_int_eq(lock_take("lock", &fd, &holder), -EPERM);
    }
    ck_assert_int_eq(unlink("lock"), 0);
    ck_assert_int_eq(mkfifo("lock", 0600), 0);
    ck_assert_int_eq(lock_take("lock", &fd, &holder), -EPERM);
    folder_remove();
}
END_TEST

START_TEST(test_no_place_for_it)
{
    int fd = -1;
    pid_t holder;
    folder_enter();
    ck_assert_int_eq(lock_take("none/lock", &fd, &holder), -ENOENT);
    ck_assert_int_eq(symlink("elsewhere", "link"), 0);
    ck_assert_int_eq(lock_take("link", &fd, &holder), -ELOOP);
    ck_assert_int_eq(fd, -1);
    folder_remove();
}
END_TEST

UNIT_TESTS("lock", test_second_is_told_the_first, test_killed_holder, test_holder_unknown, test_nobody_else_can_open_it,
           test_no_place_for_it)

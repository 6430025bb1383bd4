/* SPDX-License-Identifier: Apache-2.0 */
/* Who may register. */
#include "daemon/api/access.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"

START_TEST(root_own_user_and_members)
{
    const struct access_rule rule = {.own_uid = 990, .group = 500, .has_group = true};
    const gid_t others[] = {1, 2, 3}, with[] = {1, 500};
    ck_assert(access_allows(&rule, 0, 0, NULL, 0));
    ck_assert(access_allows(&rule, 990, 990, NULL, 0));
    ck_assert(access_allows(&rule, 1000, 500, others, 3));
    ck_assert(access_allows(&rule, 1000, 1000, with, 2));
    ck_assert(!access_allows(&rule, 1000, 1000, others, 3));
    ck_assert(!access_allows(&rule, 1000, 1000, NULL, 0));
}
END_TEST

/* Group 0 must not become the one that may, only because none was found. */
START_TEST(a_missing_group_lets_nobody_in)
{
    struct access_rule rule;
    ck_assert_int_eq(access_rule_init(&rule, "no-such-group-here"), -ENOENT);
    ck_assert(!access_allows(&rule, rule.own_uid + 1, 0, NULL, 0));
    ck_assert_int_eq(access_rule_init(&rule, ""), 0);
    ck_assert(!access_allows(&rule, rule.own_uid + 1, 0, NULL, 0));
    ck_assert_int_eq(access_rule_init(&rule, "root"), 0);
    ck_assert(access_allows(&rule, rule.own_uid + 1, 0, NULL, 0));
}
END_TEST

START_TEST(the_kernel_says_who_it_is)
{
    struct access_rule rule = {.own_uid = geteuid()};
    struct peer peer;
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(access_peer(&rule, pair[0], &peer), 0);
    ck_assert_uint_eq(peer.uid, geteuid());
    ck_assert_int_eq(peer.pid, getpid());
    ck_assert(peer.may_register);
    close(pair[0]);
    close(pair[1]);
    ck_assert_int_lt(access_peer(&rule, pair[0], &peer), 0);
}
END_TEST

START_TEST(the_process_that_connected_can_be_watched_until_it_is_dead)
{
    int pair[2], fd = -1;
    struct access_rule rule;
    struct peer peer;
    (void)access_rule_init(&rule, "");
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(access_peer(&rule, pair[0], &peer), 0);
    ck_assert_int_eq(access_pidfd(pair[0], &peer, &fd), 0);
    struct pollfd dead = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&dead, 1, 0), 0);
    close(fd);
    close(pair[0]);
    close(pair[1]);

    /* The kernel names its socket: it needs no file. A child connects, and is gone before anybody asks. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
        sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(connect(sock, (struct sockaddr *)&address, size) < 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    int accepted = accept(listener, NULL, NULL);
    ck_assert_int_eq(access_peer(&rule, accepted, &peer), 0);
    ck_assert_int_eq(peer.pid, pid);
    int err = access_pidfd(accepted, &peer, &dead.fd); /* newer kernels give one of the dead, too */
    ck_assert(err == -ESRCH || (err == 0 && poll(&dead, 1, 0) == 1));
    close(accepted);
    close(sock);
    close(listener);
}
END_TEST

UNIT_TESTS("api/access", root_own_user_and_members, a_missing_group_lets_nobody_in, the_kernel_says_who_it_is,
           the_process_that_connected_can_be_watched_until_it_is_dead)

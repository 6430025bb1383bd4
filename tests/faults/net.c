/* SPDX-License-Identifier: Apache-2.0 */
/* Two network namespaces and a veth pair. */
#include "tests/faults/net.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/proc.h"

bool net_possible(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(geteuid() == 0 && unshare(CLONE_NEWNET) == 0 ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
           (access("/usr/sbin/ip", X_OK) == 0 || access("/sbin/ip", X_OK) == 0);
}

static int new_network(void)
{
    ck_assert_msg(unshare(CLONE_NEWNET) == 0, "unshare: %s", strerror(errno));
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

#define must_run(...)                                                                                                  \
    do {                                                                                                               \
        struct output must_output;                                                                                     \
        ck_assert_msg(shell(&must_output, __VA_ARGS__) == 0, "%s", must_output.err);                                   \
    } while (0)

static void enter(int network)
{
    ck_assert_msg(setns(network, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
}

void net_start(struct net *net)
{
    net->near = new_network();
    must_run("ip link set lo up");
    net->far = new_network();
    must_run("ip link set lo up && ip link add far type veth peer name near netns /proc/%d/fd/%d && "
             "ip addr add 10.99.0.2/24 dev far && ip link set far up && "
             "ip neigh add " NET_NOWHERE " lladdr 02:00:00:00:00:09 dev far",
             getpid(), net->near);
    enter(net->near);
    must_run("ip addr add " NET_NEAR "/24 dev near && ip link set near up");
}

void net_enter_far(const struct net *net)
{
    enter(net->far);
}

void net_leave_far(const struct net *net)
{
    enter(net->near);
}

void net_cut(void)
{
    must_run("ip link set near down");
}

void net_heal(void)
{
    must_run("ip link set near up");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces for network and mounts. */
#include "tests/clients/machine.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/clients/stage.h"
#include "tests/support/wait.h"

#define NAMESPACES (CLONE_NEWNET | CLONE_NEWNS)

bool machine_possible(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(geteuid() == 0 && unshare(NAMESPACES) == 0 ? 0 : 1);
    bool possible = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!possible)
        printf("-- skipped: port 53 and a resolv.conf of the test's own need root and namespaces\n");
    return possible;
}

static void must_mount(const char *source, const char *path, const char *type, unsigned long flags)
{
    ck_assert_msg(mount(source, path, type, flags, NULL) == 0, "mount at %s: %s", path, strerror(errno));
}

void machine_start(void)
{
    ck_assert_msg(unshare(NAMESPACES) == 0, "unshare: %s", strerror(errno));
    must_mount("none", "/", NULL, MS_REC | MS_PRIVATE);
    (void)stage_output("ip link set lo up");
}

void machine_file(const char *path, const char *source)
{
    must_mount(source, path, NULL, MS_BIND);
}

void machine_folder(const char *path)
{
    must_mount("none", path, "tmpfs", 0);
}

void machine_other_names(void)
{
    static struct proc dnsmasq;
    struct output o;

    (void)stage_output("ip address add 192.0.2.53/32 dev lo");
    proc_start(&dnsmasq, "other-names",
               (const char *const[]){"dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null",
                                     "--listen-address=192.0.2.53", "--bind-interfaces", "--no-resolv", "--no-hosts",
                                     "--user=root", "--pid-file=", "--address=/#/",
                                     "--address=/www.example.com/192.0.2.80", NULL},
               NULL);
    (void)wait_until(5000, shell(&o, "dig +short +time=1 +tries=1 @192.0.2.53 www.example.com") == 0, o.out);
}

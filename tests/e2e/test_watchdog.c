/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's watchdog is fed as long as the loop, the threads of the bus and those of DNS get on, and no longer: each of them
 * is stopped in turn, alone. And the line that systemctl status shows says how the daemon is.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/wait.h"

#define WATCHDOG_USEC "1000000" /* fed four times in it; a thread is given half of it */
#define SILENCE_NS    NS_PER_S

static struct nats nats;
static struct host a;

/* What the daemon has told. */
static struct reported {
    int sock;
    bool ready;
    int64_t fed_ns;
    char status[1024];
} reported;

static void listen_to_it(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    snprintf(sa.sun_path, sizeof sa.sun_path, "%s/notify", e2e_folder());
    reported.sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(reported.sock, (struct sockaddr *)&sa, sizeof sa), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", sa.sun_path, 1), 0);
    ck_assert_int_eq(setenv("WATCHDOG_USEC", WATCHDOG_USEC, 1), 0);
}

static bool hear(void)
{
    char text[1024];
    ssize_t n;

    while ((n = recv(reported.sock, text, sizeof text - 1, 0)) >= 0) {
        text[n] = '\0';
        reported.ready |= strcmp(text, "READY=1") == 0;
        if (strcmp(text, "WATCHDOG=1") == 0)
            reported.fed_ns = clock_now_ns();
        if (strncmp(text, "STATUS=", 7) == 0)
            strcpy(reported.status, text + 7);
    }
    return true;
}

static bool is_fed_since(int64_t ns)
{
    return hear() && reported.fed_ns > ns;
}

static bool is_silent(void)
{
    return hear() && clock_now_ns() - reported.fed_ns > SILENCE_NS;
}

static pid_t thread_of(pid_t pid, const char *name)
{
    char path[64], found[32];
    pid_t tid = 0;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; !tid && (entry = readdir(dir));) {
        char comm[400];
        snprintf(comm, sizeof comm, "%s/%s/comm", path, entry->d_name);
        FILE *in = fopen(comm, "r");
        if (in && fscanf(in, "%31s", found) == 1 && strcmp(found, name) == 0)
            tid = (pid_t)atoi(entry->d_name);
        if (in)
            fclose(in);
    }
    closedir(dir);
    return tid;
}

/* Wherever it is, it stays there; the others go on. */
static void stop_thread(pid_t tid)
{
    int status;

    ck_assert_msg(ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0, "ptrace: %s", strerror(errno));
    ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
    ck_assert_int_eq(waitpid(tid, &status, __WALL), tid);
    ck_assert(WIFSTOPPED(status));
}

START_TEST(fed_by_those_who_get_on)
{
    static const char *const threads[] = {"discoverd", "bus", "bus-read", "dns-0", "dns-tcp", "dns-reverse"};
    listen_to_it();
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){
                       .name = "a", .nats = nats.urls, .dns = "zones = [\"discover.internal\", \"10.in-addr.arpa\"];"});
    (void)wait_until(5000, is_fed_since(0) && reported.ready, "not ready, or not fed");
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        pid_t tid = thread_of(a.proc.pid, threads[i]);
        ck_assert_msg(tid > 0, "there is no thread %s", threads[i]);
        stop_thread(tid);
        int64_t stopped_ns = clock_now_ns();
        (void)wait_until(5000, is_silent(), threads[i]);
        printf("-- thread %s stopped: last fed %.1f s after that\n", threads[i],
               reported.fed_ns > stopped_ns ? (double)(reported.fed_ns - stopped_ns) / 1e9 : 0.0);
        ck_assert_int_eq(ptrace(PTRACE_DETACH, tid, NULL, NULL), 0);
        (void)wait_until(5000, is_fed_since(reported.fed_ns), threads[i]);
    }
}
END_TEST

/* A server that is away is no reason to be killed: what takes long has a limit of its own. */
START_TEST(fed_without_nats)
{
    listen_to_it();
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls});
    (void)wait_until(5000, hear() && strstr(reported.status, "synchronised with NATS"), reported.status);
    nats_server_kill(&nats, 0);
    (void)wait_until(5000, hear() && !strstr(reported.status, "synchronised with NATS"), reported.status);
    printf("-- without NATS: %s\n", reported.status);
    holds_for(3000, !is_silent(), "not fed while NATS is away");
}
END_TEST

E2E_TESTS("watchdog", 60, {"fed_by_those_who_get_on", fed_by_those_who_get_on}, {"fed_without_nats", fed_without_nats})

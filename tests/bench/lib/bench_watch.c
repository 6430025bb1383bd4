/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a change to the callback of a watch in another process, by way of a real daemon: one process changes the weight
 * of its registration, another one hears of it. Beside it, in turns, what a question to a daemon would cost at least:
 * 128 bytes over a Unix socket to another process and back.
 */
#include <discover/discover.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/propagation/samples.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/wait.h"

#define SERVICE   "bench/watch"
#define CHANGES   500
#define WAIT_MS   5000
#define BYTES     128
#define TARGET_US 200.0

/* What both processes see: the weight that was heard last, and when. */
struct heard {
    _Atomic uint32_t weight;
    _Atomic int64_t at_ns;
};

static struct host host;

static void on_change(void *arg, const struct discover_change *change)
{
    struct heard *heard = arg;
    atomic_store(&heard->at_ns, clock_now_ns());
    atomic_store(&heard->weight, change->n == 1 ? change->endpoints[0].weight : 0);
}

static _Noreturn void watcher(struct heard *heard)
{
    struct discover *d;
    struct discover_watch *w;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (discover_new(&d) < 0 || discover_set_socket(d, host.socket) < 0 || discover_start(d) < 0 ||
        discover_watch(d, SERVICE, on_change, heard, &w) < 0)
        _exit(EXIT_FAILURE);
    for (;;) {
        struct pollfd fd = {.fd = discover_fd(d), .events = POLLIN};
        if (discover_dispatch(d) < 0)
            _exit(EXIT_FAILURE);
        (void)poll(&fd, 1, -1);
    }
}

static _Noreturn void echo(int fd)
{
    char bytes[BYTES];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (ssize_t n; (n = recv(fd, bytes, sizeof bytes, 0)) > 0;)
        (void)!send(fd, bytes, (size_t)n, 0);
    _exit(EXIT_SUCCESS);
}

static int start_echo(void)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        close(fds[0]);
        echo(fds[1]);
    }
    close(fds[1]);
    return fds[0];
}

static int64_t round_trip_ns(int fd)
{
    char bytes[BYTES] = {0};
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(send(fd, bytes, sizeof bytes, 0), BYTES);
    ck_assert_int_eq(recv(fd, bytes, sizeof bytes, MSG_WAITALL), BYTES);
    return clock_now_ns() - start_ns;
}

/* From the call that tells the daemon of the change: the way there is counted, too. */
static int64_t change_ns(struct discover *d, struct discover_registration *r, uint32_t weight, struct heard *heard)
{
    ck_assert_int_eq(discover_registration_set_weight(r, weight), 0);
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(discover_register(d, r), 0);
    wait_until(WAIT_MS, atomic_load(&heard->weight) == weight, "another weight");
    return atomic_load(&heard->at_ns) - start_ns;
}

static struct heard *start_watcher(void)
{
    struct heard *heard = mmap(NULL, sizeof *heard, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(heard, MAP_FAILED);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        watcher(heard);
    return heard;
}

START_TEST(change)
{
    static struct samples seen, floor_seen;
    struct discover_registration *r;
    host_start(&host, &(struct host_options){.name = "a"});
    struct heard *heard = start_watcher();
    int peer = start_echo();
    struct discover *d = host_lib(&host);
    ck_assert_int_eq(discover_registration_new(SERVICE, 8080, &r), 0);
    for (uint32_t i = 1; i <= CHANGES; i++) {
        samples_add(&seen, change_ns(d, r, i, heard));
        samples_add(&floor_seen, round_trip_ns(peer));
    }
    discover_registration_free(r);
    samples_print_us("change to callback in another process", &seen, &floor_seen, TARGET_US);
    printf("{\"name\":\"unix socket round trip, %d bytes\",\"value\":%.1f,\"unit\":\"us\",\"p99\":%.1f,\"floor\":null,"
           "\"ratio\":null,\"target\":null,\"ok\":null}\n",
           BYTES, (double)samples_quantile(&floor_seen, 0.5) / 1e3, (double)samples_quantile(&floor_seen, 0.99) / 1e3);
}
END_TEST

E2E_TESTS("bench_watch", 60, {"change", change})

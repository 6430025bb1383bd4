/* SPDX-License-Identifier: Apache-2.0 */
/* Watches and pickers. */
#include "tests/soak/soak_watchers.h"

#include <discover/discover.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/soak/soak_truth.h"
#include "tests/support/e2e.h"

#define EACH (SOAK_SERVICES / SOAK_WATCHERS)

/* What a process says of one of its watches. */
struct watch_report {
    unsigned service;
    struct soak_set reported;
    unsigned resolves_otherwise;
};

struct watched {
    unsigned service;
    struct soak_set reported;
    struct discover_watch *watch;
    struct discover_picker *picker;
};

static int sockets[SOAK_WATCHERS];

static void on_change(void *arg, const struct discover_change *change)
{
    struct watched *w = arg;
    w->reported.n = 0;
    for (size_t i = 0; i < change->n; i++)
        soak_set_add(&w->reported, change->endpoints[i].port);
}

static void watch(struct discover *d, struct watched *w, unsigned service)
{
    w->service = service;
    if (discover_watch(d, soak_service(service), on_change, w, &w->watch) < 0 ||
        discover_picker_new(d, soak_service(service), &w->picker) < 0)
        abort();
}

static void pick(struct watched *w)
{
    struct discover_endpoint e;
    if (discover_pick(w->picker, &e) >= 0)
        discover_report(w->picker, e.id, 100 + (uint32_t)random() % 1000,
                        random() % 20 ? DISCOVER_OK : DISCOVER_UNREACHABLE);
}

static void send_report(struct discover *d, const struct watched *w, int to)
{
    struct watch_report report = {.service = w->service, .reported = w->reported};
    struct discover_endpoint all[256];
    struct soak_set now = {0};
    size_t n = 0;
    if (discover_resolve(d, soak_service(w->service), all, 256, &n) < 0)
        n = 0;
    for (size_t i = 0; i < n && i < 256; i++)
        soak_set_add(&now, all[i].port);
    for (unsigned i = 0; i < now.n; i++) {
        unsigned before = report.reported.n;
        soak_set_add(&report.reported, now.port[i]);
        report.resolves_otherwise += report.reported.n != before;
        report.reported.n = before;
    }
    report.resolves_otherwise += now.n != w->reported.n;
    (void)!send(to, &report, sizeof report, MSG_NOSIGNAL);
}

static _Noreturn void live(const char *socket, unsigned first, int to)
{
    struct discover *d;
    static struct watched all[EACH];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (discover_new(&d) < 0 || discover_set_socket(d, socket) < 0 ||
        discover_set_source(d, DISCOVER_SOURCE_DAEMON) < 0 || discover_start(d) < 0)
        abort();
    for (unsigned i = 0; i < EACH; i++)
        watch(d, &all[i], first + i);
    for (;;) {
        char order;
        struct pollfd fds[] = {{.fd = discover_fd(d), .events = POLLIN}, {.fd = to, .events = POLLIN}};
        (void)poll(fds, 2, 20);
        (void)!discover_dispatch(d);
        for (unsigned i = 0; i < EACH; i++)
            pick(&all[i]);
        ssize_t got = recv(to, &order, 1, MSG_DONTWAIT);
        if (got == 0)
            _exit(0);
        for (unsigned i = 0; got == 1 && i < EACH; i++)
            send_report(d, &all[i], to);
    }
}

void soak_watchers_begin(const struct soak_fleet *fleet)
{
    for (unsigned i = 0; i < SOAK_WATCHERS; i++) {
        int ends[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            live(fleet->host[i % SOAK_HOSTS].socket, i * EACH, ends[1]);
        close(ends[1]);
        sockets[i] = ends[0];
    }
}

unsigned soak_watchers_wrong(void)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < SOAK_WATCHERS; i++) {
        struct watch_report report;
        ck_assert_int_eq(send(sockets[i], "r", 1, MSG_NOSIGNAL), 1);
        for (unsigned k = 0; k < EACH; k++) {
            unsigned missing = 0, ghosts = 0;
            ck_assert_int_eq(recv(sockets[i], &report, sizeof report, 0), (ssize_t)sizeof report);
            soak_compare(report.service, &report.reported, &missing, &ghosts);
            wrong += missing || ghosts || report.resolves_otherwise;
        }
    }
    return wrong;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fleet costs its nats-server: connections, processor time, memory, disk, by the number of hosts. The fleet's
 * records, leases and subscriptions are real ones; its hosts are nothing else. A third of lease_ttl apart, each host's lease
 * goes to every host, so this grows with the square.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/bench/fleet/bare.h"
#include "tests/bench/fleet/simulated.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"

enum { PER_HOST = 20, STEADY_S = 10, LEASE_TTL_S = 10 };

static void print(const char *what, size_t hosts, double value, const char *unit)
{
    printf(
        "{\"name\":\"sizing/%zu-hosts/%s\",\"value\":%.2f,\"unit\":\"%s\",\"p99\":null,\"floor\":null,\"ratio\":null,"
        "\"target\":null,\"ok\":true}\n",
        hosts, what, value, unit);
    fflush(stdout);
}

/* One host's ear: a connection that subscribes to everything, as its daemon does. */
static int subscribe(int port)
{
    static const char hello[] = "CONNECT {\"verbose\":false,\"lang\":\"c\"}\r\nSUB discover.local.> 1\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0 || write(fd, hello, sizeof hello - 1) < 0)
        _exit(1);
    return fd;
}

/* A process with the ears of n hosts; it hears and forgets. */
static pid_t listeners(int port, size_t n)
{
    static char heard[1 << 20];
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int set = epoll_create1(0);
    for (size_t i = 0; i < n; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = subscribe(port)};
        if (epoll_ctl(set, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
            _exit(1);
    }
    for (;;) {
        struct epoll_event ready[256];
        int count = epoll_wait(set, ready, 256, -1);
        for (int i = 0; i < count; i++)
            if (read(ready[i].data.fd, heard, sizeof heard) <= 0)
                _exit(1);
    }
}

/* Each host's lease every third of its TTL. */
static void beat(struct fleet *f)
{
    int64_t start_ns = clock_now_ns();
    size_t leases = 0;

    for (double s = 0; s < STEADY_S; s = (double)(clock_now_ns() - start_ns) / NS_PER_S) {
        for (; leases < (size_t)(s * (double)f->hosts * 3 / LEASE_TTL_S); leases++)
            fleet_put_lease(f, leases % f->hosts);
        nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
    }
    fleet_settle(f);
}

static double megabytes_stored(const char *store)
{
    struct output o;
    double kilobytes = 0;

    ck_assert_int_eq(shell(&o, "du -sk %s", store), 0);
    ck_assert_int_eq(sscanf(o.out, "%lf", &kilobytes), 1);
    return kilobytes / 1024;
}

static void measure(size_t hosts)
{
    static struct nats nats;
    static struct host maker;
    static struct fleet f;

    nats_start(&nats, 1);
    host_start(&maker, &(struct host_options){.name = "maker", .nats = nats.urls});
    host_leave(&maker);
    fleet_open(&f, nats.server[0].url, hosts, PER_HOST);
    for (size_t h = 0; h < hosts; h++)
        for (size_t i = 0; i < PER_HOST; i++)
            fleet_put_record(&f, h, i);
    fleet_settle(&f);
    pid_t ears = listeners(nats.server[0].port, hosts), server = nats.server[0].proc.pid;
    beat(&f); /* until everybody is connected */
    int64_t before_ns = process_cpu_ns(server), start_ns = clock_now_ns();
    beat(&f);
    double took_ns = (double)(clock_now_ns() - start_ns);
    print("processor", hosts, (double)(process_cpu_ns(server) - before_ns) / took_ns * 100, "% of a core");
    print("memory", hosts, (double)process_rss(server) / (1 << 20), "MiB");
    print("disk", hosts, megabytes_stored(nats.server[0].store), "MiB");
    print("leases", hosts, (double)hosts * 3 / LEASE_TTL_S, "a second");
    kill(ears, SIGKILL);
    fleet_close(&f);
}

START_TEST(hosts_100)
{
    measure(100);
}
END_TEST

START_TEST(hosts_300)
{
    measure(300);
}
END_TEST

START_TEST(hosts_1000)
{
    measure(1000);
}
END_TEST

E2E_TESTS("sizing", 120, {"100", hosts_100}, {"300", hosts_300}, {"1000", hosts_1000})

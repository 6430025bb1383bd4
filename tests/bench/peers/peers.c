/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beside Consul 1.8.7, the last that Debian had (in Debian 11): two hosts and a server each, on the same machine, the same work
 * in turn. Where a line has a floor, it is Consul's figure and the ratio is ours to it. $CONSUL names another program.
 */
#include <discover/discover.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/dns/load.h"
#include "tests/bench/fleet/bare.h"
#include "tests/bench/http/http_client.h"
#include "tests/bench/peers/consul.h"
#include "tests/bench/propagation/samples.h"
#include "tests/support/debian_package.h"
#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/wait.h"

#define SERVICES   100
#define INSTANCES  3
#define ROUNDS     5
#define SAMPLES    100
#define DEATHS     20
#define LIMIT_NS   (20 * NS_PER_S)
#define OUTAGE_S   10
#define OURS_NEW   "new.shop.discover.internal"
#define THEIRS_NEW "new.service.consul"

static struct nats nats;
static struct host a, b;
static struct consul consul;

/* The same services for both, as their configurations write them. */
static void write_services(char *ret_ours, char *ret_theirs, size_t cap)
{
    size_t ours = 0, theirs = 0;

    for (int s = 0; s < SERVICES; s++)
        for (int i = 0; i < INSTANCES; i++) {
            const char *comma = s || i ? "," : "";
            ours += (size_t)snprintf(
                ret_ours + ours, cap - ours,
                "%s{ name = \"shop/s%d\"; instance = \"i%d\"; port = %d; address = [\"10.0.%d.%d\"]; }", comma, s, i,
                8000 + i, s, i + 1);
            theirs += (size_t)snprintf(ret_theirs + theirs, cap - theirs,
                                       "%s{\"id\":\"s%d-%d\",\"name\":\"s%d\",\"port\":%d,\"address\":\"10.0.%d.%d\"}",
                                       comma, s, i, s, 8000 + i, s, i + 1);
        }
    ck_assert(ours < cap && theirs < cap);
}

/* false: Consul cannot be had. */
static bool start_both(void)
{
    static char ours[64 * 1024], theirs[64 * 1024];
    const char *program = getenv("CONSUL");

    program = program ? program : debian_package_file("bullseye", "consul", "usr/bin/consul");
    if (!program)
        return false;
    write_services(ours, theirs, sizeof ours);
    consul_start(&consul, program, theirs);
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .lease_ttl = "10s", .services = ours});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .lease_ttl = "10s"});
    (void)host_lib(&a);
    (void)host_lib(&b);
    prctl(PR_SET_TIMERSLACK, 1UL); /* for short sleeps that are short */
    return true;
}

static void print(const char *name, double ours, const char *unit, double theirs, bool more_is_better)
{
    char ratio[32] = "null"; /* to nothing, there is none */

    if (theirs > 0)
        snprintf(ratio, sizeof ratio, "%.4g", ours / theirs);
    printf("{\"name\":\"peers/%s\",\"value\":%.4g,\"unit\":\"%s\",\"p99\":null,\"floor\":%.4g,\"ratio\":%s,"
           "\"target\":\"%s1\",\"ok\":%s}\n",
           name, ours, unit, theirs, ratio,
           more_is_better ? ">=" : "<=", (more_is_better ? ours >= theirs : ours <= theirs) ? "true" : "false");
    fflush(stdout);
}

/* The p99s are told by lines of their own: what stands beside a p99 is Consul's p99. */
static void print_samples(const char *name, struct samples *ours, struct samples *theirs)
{
    char p99[128];

    snprintf(p99, sizeof p99, "%s-p99", name);
    print(name, (double)samples_quantile(ours, 0.5) / 1e6, "ms", (double)samples_quantile(theirs, 0.5) / 1e6, false);
    print(p99, (double)samples_quantile(ours, 0.99) / 1e6, "ms", (double)samples_quantile(theirs, 0.99) / 1e6, false);
}

/* --- look-ups by DNS, at b --- */

static struct load_options load_of(bool theirs, double seconds)
{
    return (struct load_options){.port = theirs ? consul.b.dns_port : b.dns_port,
                                 .services = SERVICES,
                                 .domain = theirs ? "service.consul" : NULL,
                                 .edns = 4096,
                                 .window = 16,
                                 .seconds = seconds};
}

static int64_t our_cpu_ns(void)
{
    return process_cpu_ns(b.proc.pid) + process_cpu_ns(nats.server[0].proc.pid);
}

/* Thousands of answers for each second of all its processors' time, those of the server behind it included. */
static double answers_for_cpu(bool theirs)
{
    struct load_options o = load_of(theirs, 1);
    struct load_result r;
    int64_t before_ns = theirs ? consul_cpu_ns(&consul) : our_cpu_ns();

    ck_assert_int_eq(load_udp(&o, &r), 0);
    ck_assert_uint_eq(r.failed, 0);
    return (double)r.answers / 1e3 / ((double)((theirs ? consul_cpu_ns(&consul) : our_cpu_ns()) - before_ns) / 1e9);
}

static void latency(bool theirs, struct samples *samples)
{
    static int64_t ns[4096];
    struct load_options o = load_of(theirs, 1);
    struct load_times times = {.load = &o, .ns = ns, .max = sizeof ns / sizeof *ns};

    ck_assert_int_eq(load_latency(&times, 1, 200), 0);
    for (size_t i = 0; i < times.n; i++)
        samples_add(samples, ns[i]);
}

START_TEST(dns)
{
    static struct samples ours, theirs;
    double best[2] = {0};

    if (!start_both())
        return;
    for (int round = 0; round < ROUNDS; round++) {
        for (int who = 0; who < 2; who++) {
            double rate = answers_for_cpu(who);
            best[who] = rate > best[who] ? rate : best[who];
        }
        latency(false, &ours);
        latency(true, &theirs);
    }
    print("dns-srv-for-a-second-of-cpu", best[0], "thousand", best[1], true);
    print_samples("dns-srv-latency", &ours, &theirs);
}
END_TEST

/* --- look-ups by a program at b: shared memory there, HTTP to its agent here --- */

#define LOOKUPS 2000

static double lookup_us(void)
{
    struct discover_endpoint endpoints[16];
    size_t n;
    int found = 0;
    int64_t start_ns = clock_now_ns();

    for (int i = 0; i < LOOKUPS; i++)
        found += discover_resolve(b.lib, "shop/s7", endpoints, 16, &n) >= 0;
    int64_t took_ns = clock_now_ns() - start_ns;
    ck_assert_int_eq(found, LOOKUPS);
    return (double)took_ns / 1e3 / LOOKUPS;
}

static double their_lookup_us(void)
{
    static char answer[64 * 1024];
    int sock = http_dial(consul.b.http_port);
    int64_t start_ns = clock_now_ns();

    for (int i = 0; i < LOOKUPS; i++) {
        http_ask(sock, "/v1/health/service/s7?passing&cached", "");
        ck_assert_uint_gt(http_take(sock, answer, sizeof answer), 0);
    }
    double us = (double)(clock_now_ns() - start_ns) / 1e3 / LOOKUPS;
    close(sock);
    return us;
}

START_TEST(programs)
{
    if (!start_both())
        return;
    print("lookup-of-a-program", lookup_us(), "us", their_lookup_us(), false);
}
END_TEST

/* --- registered with a, seen in b's DNS; killed, no longer there --- */

static void await_answers(int dns_port, const char *name, size_t n)
{
    static struct dnsq_reply reply;
    int64_t start_ns = clock_now_ns();

    while (dnsq_udp(dns_port, name, DNSQ_SRV, &reply) != 0 || reply.n_answers != n) {
        ck_assert_msg(clock_now_ns() - start_ns < LIMIT_NS, "%s: not %zu answers", name, n);
        nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_US}, NULL);
    }
}

static void register_ours(struct samples *samples)
{
    struct discover_registration *r;

    ck_assert_int_eq(discover_registration_new("shop/new", 8080, &r), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, "only"), 0);
    ck_assert_int_eq(discover_registration_add_address(r, "10.9.9.9"), 0);
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(discover_register(a.lib, r), 0);
    await_answers(b.dns_port, OURS_NEW, 1);
    samples_add(samples, clock_now_ns() - start_ns);
    ck_assert_int_eq(discover_deregister(a.lib, "shop/new", "only"), 0);
    discover_registration_free(r);
    await_answers(b.dns_port, OURS_NEW, 0);
}

static void register_theirs(struct samples *samples)
{
    int64_t start_ns = clock_now_ns();

    consul_register(&consul, "new", "new", 0);
    await_answers(consul.b.dns_port, THEIRS_NEW, 1);
    samples_add(samples, clock_now_ns() - start_ns);
    consul_deregister(&consul, "new");
    await_answers(consul.b.dns_port, THEIRS_NEW, 0);
}

START_TEST(registered)
{
    static struct samples ours, theirs;

    if (!start_both())
        return;
    for (int i = 0; i < SAMPLES; i++) {
        register_ours(&ours);
        register_theirs(&theirs);
    }
    print_samples("registered-to-answered-on-another-host", &ours, &theirs);
}
END_TEST

/* A process that listens; with a socket of a's daemon, it registers. */
static pid_t begin_server(int port, const char *socket_path)
{
    struct discover *d;
    struct discover_registration *r;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (socket_path && (discover_new(&d) < 0 || discover_set_socket(d, socket_path) < 0 || discover_start(d) < 0 ||
                        discover_registration_new("shop/new", (uint16_t)port, &r) < 0 ||
                        discover_registration_add_address(r, "10.9.9.9") < 0 || discover_register(d, r) < 0))
        _exit(EXIT_FAILURE);
    char number[16];
    snprintf(number, sizeof number, "%d", port);
    if (socket_path)
        for (;;)
            pause();
    if (freopen("/dev/null", "w", stdout))
        execlp("python3", "python3", "-m", "http.server", "--bind", "127.0.0.1", number, (char *)NULL);
    _exit(EXIT_FAILURE);
}

static void kill_server(pid_t pid, int dns_port, const char *name, struct samples *samples)
{
    int64_t start_ns = clock_now_ns();

    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    await_answers(dns_port, name, 0);
    samples_add(samples, clock_now_ns() - start_ns);
}

/* Which moment of the check's second it is killed in is another each time. */
static void wait_within_a_second(int i)
{
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = i % DEATHS * (NS_PER_S / DEATHS)}, NULL);
}

START_TEST(killed)
{
    static struct samples ours, theirs;

    if (!start_both())
        return;
    for (int i = 0; i < DEATHS; i++) {
        int port = port_take();
        pid_t pid = begin_server(port, a.socket);
        await_answers(b.dns_port, OURS_NEW, 1);
        kill_server(pid, b.dns_port, OURS_NEW, &ours);
        pid = begin_server(port, NULL);
        consul_register(&consul, "new", "new", port);
        await_answers(consul.b.dns_port, THEIRS_NEW, 1);
        wait_within_a_second(i);
        kill_server(pid, consul.b.dns_port, THEIRS_NEW, &theirs);
        consul_deregister(&consul, "new");
    }
    print_samples("killed-to-gone-on-another-host", &ours, &theirs);
}
END_TEST

/* --- the server behind both is lost --- */

static bool found(int dns_port, const char *name)
{
    static struct dnsq_reply reply;
    return dnsq_udp(dns_port, name, DNSQ_SRV, &reply) == 0 && reply.rcode == 0 && reply.n_answers == INSTANCES;
}

START_TEST(server_lost)
{
    int asked = 0, ours = 0, theirs = 0;

    if (!start_both())
        return;
    nats_server_kill(&nats, 0);
    proc_kill(&consul.server.proc);
    int64_t start_ns = clock_now_ns();
    for (char our_name[64], their_name[64]; clock_now_ns() - start_ns < OUTAGE_S * NS_PER_S; asked++) {
        snprintf(our_name, sizeof our_name, "s%d.shop.discover.internal", asked % SERVICES);
        snprintf(their_name, sizeof their_name, "s%d.service.consul", asked % SERVICES);
        ours += found(b.dns_port, our_name);
        theirs += found(consul.b.dns_port, their_name);
        wait_step();
    }
    print("answered-while-the-server-is-down", 100.0 * ours / asked, "%", 100.0 * theirs / asked, true);
}
END_TEST

/* --- what it takes --- */

static double mib_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return (double)st.st_size / (1 << 20);
}

static double mib(const struct proc *p)
{
    return (double)process_rss(p->pid) / (1 << 20);
}

START_TEST(size)
{
    if (!start_both())
        return;
    print("memory-of-a-host", mib(&b.proc), "MiB", mib(&consul.b.proc), false);
    print("memory-of-the-server", mib(&nats.server[0].proc), "MiB", mib(&consul.server.proc), false);
    print("program-on-disk", mib_of(e2e_binary("discoverd")), "MiB", mib_of(consul.program), false);
}
END_TEST

E2E_TESTS("peers", 180, {"dns", dns}, {"programs", programs}, {"registered", registered}, {"killed", killed},
          {"server_lost", server_lost}, {"size", size})

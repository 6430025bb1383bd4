/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP interface of one real daemon: what a scrape costs, how quickly it answers beside nginx that has the same bytes in
 * memory, and what thousands cost that wait for changes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "discover/discover.h"
#include "libdiscover/core/clock.h"
#include "tests/bench/dns/server.h"
#include "tests/bench/fleet/simulated.h"
#include "tests/bench/http/http_client.h"
#include "tests/bench/propagation/samples.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/proc.h"
#include "tests/support/wait.h"

enum {
    LARGE_HOSTS = 10000,
    PER_HOST = 20,
    SCRAPES = 50,
    HELD = 2000,
    STREAMS = 200,
    CHANGES = 300,
    CONNECTIONS = 16,
    LOOKUPS = 100,
    LIB_SAMPLES = 1000
};

#define RATE_NS   (3 * NS_PER_S)
#define SERVICE   "/v1/services/shop/payment"
#define CHANGE_NS (10 * NS_PER_MS)

static struct nats nats;
static struct host first, host;
static struct fleet fleet;
static char answer[1 << 18];

static void print(const char *name, double value, const char *unit, double floor, double target, bool ok)
{
    printf("{\"name\":\"http/%s\",\"value\":%.3f,\"unit\":\"%s\",\"p99\":null,", name, value, unit);
    floor > 0 ? printf("\"floor\":%.3f,\"ratio\":%.2f,", floor, value / floor)
              : printf("\"floor\":null,\"ratio\":null,");
    printf("\"target\":%.3g,\"ok\":%s}\n", target, ok ? "true" : "false");
    fflush(stdout);
}

static double metric(const char *name)
{
    char line[160];
    snprintf(line, sizeof line, "\n%s ", name);
    ck_assert_int_eq(http_get(host.http_port, "/metrics", answer, sizeof answer), 200);
    const char *at = strstr(answer, line);
    ck_assert_msg(at != NULL, "no metric %s", name);
    return strtod(at + strlen(line), NULL);
}

/* Both on one processor, whoever asks them on another: then one of them is not quicker for having two. */
static void pin(pid_t pid, int cpu)
{
    char command[96];
    snprintf(command, sizeof command, "taskset -a -p -c %d %d >/dev/null", cpu, (int)pid);
    ck_assert_int_eq(system(command), 0);
}

/* Where processes are scheduled in groups, a session each, priorities count within them: that of the group is another. */
static void group_goes_first(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/autogroup", (int)pid);
    FILE *file = fopen(path, "w");
    if (file) {
        (void)fputs("-20", file);
        (void)fclose(file);
    }
}

/* Each of its threads has a priority of its own. */
static bool process_goes_first(pid_t pid)
{
    char command[96];
    snprintf(command, sizeof command, "renice -n -20 -p $(ls /proc/%d/task) >/dev/null 2>&1", (int)pid);
    group_goes_first(pid);
    return system(command) == 0;
}

/* What others keep the daemon from is not what it takes. */
static void go_first(void)
{
    if (!process_goes_first(host.proc.pid) || !process_goes_first(getpid()))
        fprintf(stderr, "daemon and client share the processor with others: figures may be theirs\n");
}

/* --- a scrape --- */

static void load_fleet(void)
{
    const char *given = getenv("HTTP_BENCH_HOSTS"); /* fewer, to try it */
    size_t hosts = given ? strtoul(given, NULL, 10) : LARGE_HOSTS;
    nats_start(&nats, 1);
    host_start(&first, &(struct host_options){.name = "first", .nats = nats.urls});
    host_leave(&first);
    fleet_open(&fleet, nats.server[0].url, hosts, PER_HOST);
    fleet_put_all(&fleet);
    fleet_settle(&fleet);
}

#define LOOP_TIME "discoverd_loop_event_seconds_sum"

START_TEST(scrape)
{
    load_fleet();
    host_start(&host, &(struct host_options){.name = "measured", .nats = nats.urls});
    (void)wait_until(60000, metric("discoverd_instances") == (double)(fleet.hosts * PER_HOST), "not all instances");
    nanosleep(&(struct timespec){.tv_sec = 2}, NULL);
    double before = metric(LOOP_TIME);
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    double idle = metric(LOOP_TIME) - before; /* of a second, with one scrape */
    int64_t began_ns = clock_now_ns();
    before = metric(LOOP_TIME);
    for (int i = 1; i < SCRAPES; i++)
        (void)metric(LOOP_TIME);
    double took = metric(LOOP_TIME) - before, seconds = (double)(clock_now_ns() - began_ns) / NS_PER_S;
    double ms = (took - idle * seconds) / SCRAPES * 1000;
    fprintf(stderr, "of %zu instances\n", fleet.hosts * fleet.per_host);
    print("scrape-200000/loop-time", ms, "ms", 0, 2, ms < 2);
    double kb = (double)strlen(answer) / 1000;
    print("scrape-200000/size", kb, "kB", 0, 60, kb < 60);
    fleet_close(&fleet);
}
END_TEST

/* --- beside nginx --- */

static void host_with_payment(void)
{
    char services[16 * 160], *at = services;
    for (int i = 0; i < 16; i++)
        at += sprintf(at,
                      "%s{ name = \"shop/payment\"; instance = \"p%d\"; port = %d; address = [\"10.1.2.%d\"]; tags = "
                      "[\"canary\"]; }",
                      i ? ", " : "", i, 8000 + i, i + 1);
    nats_start(&nats, 1);
    host_start(&host, &(struct host_options){.name = "measured",
                                             .nats = nats.urls,
                                             .services = services,
                                             .extra = "limits = { http_clients = 1024; http_held = 16384; };"});
}

static void write_body(const char *folder)
{
    char path[300];
    int sock = http_dial(host.http_port);
    http_ask(sock, SERVICE, "Connection: close\r\n");
    size_t used = 0;
    for (ssize_t n; (n = recv(sock, answer + used, sizeof answer - used, 0)) > 0;)
        used += (size_t)n;
    close(sock);
    const char *body = memmem(answer, used, "\r\n\r\n", 4);
    ck_assert_ptr_nonnull(body);
    snprintf(path, sizeof path, "%s/payment", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    size_t n = used - (size_t)(body + 4 - answer);
    ck_assert_uint_eq(fwrite(body + 4, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
}

/* From the page cache, which is memory; what its head says of the time aside, the same bytes. */
static int start_nginx(struct proc *nginx)
{
    char path[300];
    int port = port_take();
    snprintf(path, sizeof path, "%s/nginx.conf", e2e_folder());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "daemon off; master_process off; worker_processes 1; pid %1$s/nginx.pid; error_log %1$s/nginx.log;\n"
            "events { worker_connections 512; }\n"
            "http { access_log off; keepalive_requests 100000000; sendfile on; open_file_cache max=10; default_type "
            "application/json;\n"
            "  client_body_temp_path %1$s/a; proxy_temp_path %1$s/b; fastcgi_temp_path %1$s/c; uwsgi_temp_path %1$s/d; "
            "scgi_temp_path %1$s/e;\n"
            "  server { listen 127.0.0.1:%2$d; location = " SERVICE " { alias %1$s/payment; } } }\n",
            e2e_folder(), port);
    ck_assert_int_eq(fclose(file), 0);
    const char *const argv[] = {"nginx", "-c", path, "-e", "stderr", NULL};
    proc_start(nginx, "nginx", argv, NULL);
    return port;
}

START_TEST(requests)
{
    static struct proc nginx;
    host_with_payment();
    if (system("command -v nginx >/dev/null") != 0) {
        fprintf(stderr, "there is no nginx here to compare with\n");
        return;
    }
    write_body(e2e_folder());
    int port = start_nginx(&nginx);
    (void)wait_until(5000, http_get(port, SERVICE, answer, sizeof answer) == 200, "nginx does not answer");
    go_first();
    (void)process_goes_first(nginx.pid);
    pin(host.proc.pid, 0);
    pin(nginx.pid, 0);
    pin(getpid(), 1);
    double best = 0, nginx_best = 0;
    for (int i = 0; i < 3; i++) { /* in turns: what else the machine does hits both */
        double ours = http_rate(host.http_port, SERVICE, CONNECTIONS, RATE_NS / 3);
        double theirs = http_rate(port, SERVICE, CONNECTIONS, RATE_NS / 3);
        best = ours > best ? ours : best;
        nginx_best = theirs > nginx_best ? theirs : nginx_best;
    }
    print("service-16/requests", best, "1/s", nginx_best, 0.5, best >= 0.5 * nginx_best);
    proc_kill(&nginx);
}
END_TEST

/* --- who waits --- */

static size_t resident_kb(pid_t pid)
{
    char path[64];
    unsigned long size, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    if (file)
        (void)fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static uint64_t index_of(const char *path)
{
    const char *at =
        http_get(host.http_port, path, answer, sizeof answer) > 0 ? strstr(answer, "Discoverd-Index: ") : NULL;
    ck_assert_msg(at != NULL, "%s", answer);
    return strtoull(at + strlen("Discoverd-Index: "), NULL, 10);
}

static void hold(int sock, const char *service, uint64_t index)
{
    char path[160];
    snprintf(path, sizeof path, "/v1/services/%s?wait=600s&index=%llu", service, (unsigned long long)index);
    http_ask(sock, path, "");
}

/* Of a change that nobody waits for but the streams. */
static void change(struct discover *d, struct discover_registration *r, uint32_t weight)
{
    ck_assert_int_eq(discover_registration_set_weight(r, weight), 0);
    ck_assert_int_eq(discover_register(d, r), 0);
}

static void drain_streams(const int *streams)
{
    for (int i = 0; i < STREAMS; i++)
        while (recv(streams[i], answer, sizeof answer, MSG_DONTWAIT) > 0)
            ;
}

/* In a process of its own: what it does to read is not the daemon's. */
static pid_t start_streams(void)
{
    int ready[2];
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int streams[STREAMS];
        (void)setpriority(PRIO_PROCESS, 0, 0); /* whoever reads them keeps nobody who is measured from its work */
        for (int i = 0; i < STREAMS; i++) {
            streams[i] = http_dial(host.http_port);
            http_ask(streams[i], "/v1/events", "");
        }
        (void)!write(ready[1], "r", 1);
        for (;;) {
            drain_streams(streams);
            nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
        }
    }
    ck_assert_int_eq(read(ready[0], answer, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static double cpu_seconds(void)
{
    return metric("process_cpu_seconds_total");
}

/* A pair of sockets and a process that sends back what comes. */
static int start_echo(pid_t *ret_pid)
{
    int fds[2];
    char byte;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    *ret_pid = fork();
    ck_assert_int_ge(*ret_pid, 0);
    if (*ret_pid == 0) {
        close(fds[0]);
        while (recv(fds[1], &byte, 1, 0) == 1)
            (void)!send(fds[1], &byte, 1, 0);
        _exit(0);
    }
    close(fds[1]);
    return fds[0];
}

static void add_echo(int sock, struct samples *s)
{
    char byte = 0;
    int64_t began_ns = clock_now_ns();
    ck_assert_int_eq(send(sock, &byte, 1, 0), 1);
    ck_assert_int_eq(recv(sock, &byte, 1, 0), 1);
    samples_add(s, clock_now_ns() - began_ns);
}

static struct discover_registration *registration(const char *service)
{
    struct discover_registration *r;
    ck_assert_int_eq(discover_registration_new(service, 8080, &r), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, "bench"), 0);
    ck_assert_int_eq(discover_registration_add_address(r, "10.9.9.9"), 0);
    return r;
}

/* Processor seconds a second of the daemon, while another service changes 100 times a second. */
static double cpu_of_changes(struct discover *d, struct discover_registration *other, int seconds)
{
    double cpu = cpu_seconds();
    int64_t began_ns = clock_now_ns();
    for (int i = 0; i < seconds * 100; i++) {
        change(d, other, 1 + (uint32_t)i % 2);
        nanosleep(&(struct timespec){.tv_nsec = CHANGE_NS}, NULL);
    }
    return (cpu_seconds() - cpu) / ((double)(clock_now_ns() - began_ns) / NS_PER_S);
}

/* How long a change takes to a request that waits for it, and an octet to an echo and back. */
static void print_change_to_held(struct discover *d, struct discover_registration *watched)
{
    static struct samples reached, floor;
    pid_t echo_pid;
    int sock = http_dial(host.http_port), echo = start_echo(&echo_pid);
    for (int i = 0; i < CHANGES; i++) {
        hold(sock, "bench/watched", index_of("/v1/services/bench/watched"));
        nanosleep(&(struct timespec){.tv_nsec = CHANGE_NS}, NULL);
        int64_t began_ns = clock_now_ns();
        change(d, watched, 2 + (uint32_t)i % 2);
        (void)http_take(sock, answer, sizeof answer);
        samples_add(&reached, clock_now_ns() - began_ns);
        nanosleep(&(struct timespec){.tv_nsec = CHANGE_NS}, NULL);
        add_echo(echo, &floor);
    }
    close(echo);
    (void)waitpid(echo_pid, NULL, 0);
    close(sock);
    fprintf(stderr, "change to held: median %.3f ms\n", (double)samples_quantile(&reached, 0.5) / NS_PER_MS);
    double p99_ms = (double)samples_quantile(&reached, 0.99) / NS_PER_MS,
           floor_ms = (double)samples_quantile(&floor, 0.99) / NS_PER_MS;
    print("change-to-held-p99", p99_ms, "ms", floor_ms, 2, p99_ms < 2);
}

START_TEST(waiting)
{
    static int held[HELD];
    struct rlimit files = {.rlim_cur = 16384, .rlim_max = 16384};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    host_with_payment();
    go_first();
    struct discover *d = host_lib(&host);
    struct discover_registration *watched = registration("bench/watched"), *other = registration("bench/other");
    change(d, watched, 1);
    change(d, other, 1);
    size_t before_kb = resident_kb(host.proc.pid);
    uint64_t index = index_of(SERVICE);
    for (int i = 0; i < HELD; i++)
        hold(held[i] = http_dial(host.http_port), "shop/payment", index);
    pid_t streams = start_streams();
    (void)wait_until(10000,
                     metric("discoverd_http_requests_held") == HELD && metric("discoverd_http_streams") == STREAMS,
                     "not all wait");
    size_t grown_kb = resident_kb(host.proc.pid) - before_kb;
    print("2000-held-200-streams/memory", (double)grown_kb / 1024, "MB", 0, 50, grown_kb < 50 * 1024);

    double with = cpu_of_changes(d, other, 5);
    print_change_to_held(d, watched);
    kill(streams, SIGKILL);
    (void)waitpid(streams, NULL, 0);
    for (int i = 0; i < HELD; i++)
        close(held[i]);
    (void)wait_until(10000, metric("discoverd_http_connections") <= 4, "not all are let go");
    double without = cpu_of_changes(d, other, 3);
    double percent = (with - without) * 100;
    print("2000-held-200-streams/processor", percent, "% of one", without * 100, 3, percent < 3);
    discover_registration_free(watched);
    discover_registration_free(other);
}
END_TEST

/* --- what others feel of it --- */

static int dns_socket(int port)
{
    const struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(sock, (const struct sockaddr *)&sa, sizeof sa), 0);
    return sock;
}

/* A of the service. Returns how long the answer is. */
static size_t dns_sample(int sock, struct samples *s)
{
    static const char query[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\7payment\4shop\10discover\10internal\0\0\1\0\1";
    int64_t began_ns = clock_now_ns();
    ck_assert_int_eq(send(sock, query, sizeof query - 1, 0), sizeof query - 1);
    ssize_t n = recv(sock, answer, sizeof answer, 0);
    ck_assert_int_gt(n, 0);
    samples_add(s, clock_now_ns() - began_ns);
    nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    return (size_t)n;
}

/* A process that sends back as long an answer to whatever comes, and where. */
static pid_t start_bare_server(size_t bytes, int *ret_port)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        serve_floor(&(struct server_options){.reply_bytes = (uint32_t)bytes, .one_by_one = true}, fds[1]);
        _exit(1);
    }
    ck_assert_int_eq(read(fds[0], ret_port, sizeof *ret_port), sizeof *ret_port);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

/* Answers of the daemon and of the bare server, in turn: what else the machine does meets both alike. */
struct dns_times {
    struct samples ours, bare;
};

static void dns_samples(int ours, int bare, struct dns_times *t)
{
    for (int i = 0; i < SAMPLES_MAX; i++) {
        (void)dns_sample(ours, &t->ours);
        (void)dns_sample(bare, &t->bare);
    }
}

/* Processors that are busy make any server slower: beside ours is what the bare one's lateness would make of it. */
static void print_dns(struct dns_times *loaded, struct dns_times *quiet)
{
    struct samples *all[] = {&loaded->ours, &quiet->ours, &loaded->bare, &quiet->bare};
    double p50[4], p99[4];
    for (size_t i = 0; i < 4; i++) {
        p50[i] = (double)samples_quantile(all[i], 0.5) / NS_PER_US;
        p99[i] = (double)samples_quantile(all[i], 0.99) / NS_PER_US;
    }
    fprintf(stderr, "p50/p99 us: DNS %.1f/%.0f, without load %.1f/%.0f; a bare server %.1f/%.0f, without %.1f/%.0f\n",
            p50[0], p99[0], p50[1], p99[1], p50[2], p99[2], p50[3], p99[3]);
    double floor_us = p50[1] * p50[2] / p50[3];
    print("dns-under-full-load", p50[0], "us", floor_us, 1.1, p50[0] <= 1.1 * floor_us);
}

/* Look-ups of the library, so many at a time that the clock is not what is measured. */
static void lib_samples(struct discover *d, struct samples *s)
{
    struct discover_endpoint endpoints[16];
    size_t n;
    for (int i = 0; i < LIB_SAMPLES; i++) {
        int64_t began_ns = clock_now_ns();
        for (int k = 0; k < LOOKUPS; k++)
            ck_assert_int_ge(discover_resolve(d, "shop/payment", endpoints, 16, &n), 0);
        samples_add(s, clock_now_ns() - began_ns);
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    }
    ck_assert_uint_eq(n, 16);
}

static pid_t start_load(void)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)setpriority(PRIO_PROCESS, 0, 0); /* who asks for all of it is not who is measured */
        (void)http_rate(host.http_port, SERVICE, CONNECTIONS, 60 * NS_PER_S);
        _exit(0);
    }
    return pid;
}

START_TEST(neighbours)
{
    static struct dns_times quiet, loaded;
    static struct samples lib_quiet, lib_loaded, first_one;
    int port;
    host_with_payment();
    struct discover *d = host_lib(&host);
    ck_assert_int_ge(discover_wait_usable(d, "shop/payment", 3000), 0);
    int ours = dns_socket(host.dns_port);
    pid_t server = start_bare_server(dns_sample(ours, &first_one), &port);
    int bare = dns_socket(port);
    go_first();
    (void)process_goes_first(server);
    nanosleep(&(struct timespec){.tv_sec = 11}, NULL); /* the gauge has forgotten the start */
    dns_samples(ours, bare, &quiet);
    lib_samples(d, &lib_quiet);
    double late_quiet = metric("discoverd_agent_lease_late_seconds") * 1000;
    pid_t load = start_load();
    nanosleep(&(struct timespec){.tv_sec = 6}, NULL);
    dns_samples(ours, bare, &loaded);
    lib_samples(d, &lib_loaded);
    double late_loaded = metric("discoverd_agent_lease_late_seconds") * 1000;
    kill(load, SIGKILL);
    kill(server, SIGKILL);
    (void)waitpid(load, NULL, 0);
    (void)waitpid(server, NULL, 0);
    print_dns(&loaded, &quiet);
    samples_print_ratio("http/lib-under-full-load", &lib_loaded, &lib_quiet, 1.1);
    print("lease-late-under-full-load", late_loaded, "ms", late_quiet, 10, late_loaded < 10);
}
END_TEST

E2E_TESTS("http", 300, {"requests", requests}, {"waiting", waiting}, {"neighbours", neighbours}, {"scrape", scrape})

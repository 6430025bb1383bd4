/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What thousands of checks cost one host: 5,000 of kind tcp every 5 s, beside as many bare connections; 1,000 of kind http,
 * beside as many GETs by curl's own multi example. The servers are processes of their own, whose time does not count. And how
 * evenly they are spread: the most that are started in any 100 ms, from the first one on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "daemon/check/checks.h"
#include "libdiscover/core/clock.h"
#include "tests/bench/checks/bare.h"

#define TCP_CHECKS  5000
#define HTTP_CHECKS 1000
#define PORTS       50
#define INTERVAL_S  5
#define ROUNDS      2
#define WARM_NS     (7 * NS_PER_S) /* until all have found their places */
#define BIN_NS      (10 * NS_PER_MS)
#define BINS        4096

/* Runs by when they were started. */
static uint64_t started[BINS], before;
static int64_t began_ns;

static uint16_t ports[PORTS];
static int listeners[PORTS];

static void listen_all(void)
{
    for (int i = 0; i < PORTS; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET};
        socklen_t size = sizeof address;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (bind(listeners[i], (struct sockaddr *)&address, size) < 0 || listen(listeners[i], 1024) < 0 ||
            getsockname(listeners[i], (struct sockaddr *)&address, &size) < 0)
            exit(1);
        ports[i] = ntohs(address.sin_port);
    }
}

/* Closes each connection once the other end has, or answers its request. */
static void serve(void)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    char request[4096];
    int loop = epoll_create1(EPOLL_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < PORTS; i++)
        epoll_ctl(loop, EPOLL_CTL_ADD, listeners[i], &(struct epoll_event){EPOLLIN, {.fd = -1 - listeners[i]}});
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(loop, events, 64, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd < 0) {
                int client = accept4(-1 - fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (client < 0)
                    continue;
                epoll_ctl(loop, EPOLL_CTL_ADD, client, &(struct epoll_event){EPOLLIN, {.fd = client}});
                continue;
            }
            if (recv(fd, request, sizeof request, 0) > 0)
                (void)!send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
            close(fd);
        }
    }
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_state(void *arg, const struct instance_key *key, enum discover_state state)
{
    (void)arg;
    fprintf(stderr, "%s is %d\n", key->instance, (int)state);
}

static void add_all(struct checks *checks, size_t n, const char *kind)
{
    for (size_t i = 0; i < n; i++) {
        struct check_subject subject = {{.domain = "shop", .service = "payment", .host = "web-1"}, 80};
        char text[128], *texts[] = {text}, why[CONFIG_WHY_CAP] = "";
        enum discover_state state;
        snprintf(subject.key.instance, sizeof subject.key.instance, "p%zu", i);
        snprintf(text, sizeof text, strcmp(kind, "tcp") == 0 ? "tcp=127.0.0.1:%u" : "http=http://127.0.0.1:%u/",
                 ports[i % PORTS]);
        if (checks_set(checks, &subject, texts, 1, 0, &state, why) < 0) {
            fprintf(stderr, "%s\n", why);
            exit(1);
        }
    }
}

static void find_starts(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    (void)h;
    if (strcmp(metric->name, "discoverd_check_starts_total") == 0)
        *(uint64_t *)arg = value;
}

/* A turn of the loop is far shorter than a bin. */
static void run_loop(struct event_base *base, const struct metrics *metrics, int64_t until_ns)
{
    for (int64_t now_ns; (now_ns = clock_now_ns()) < until_ns;) {
        uint64_t starts = 0;
        event_base_loop(base, EVLOOP_ONCE);
        metrics_each(metrics, find_starts, &starts);
        started[(now_ns - began_ns) / BIN_NS] += starts - before;
        before = starts;
    }
}

/* The share of a core, after the first rounds; and the most that came in any 100 ms, from the beginning. */
static double measure(const char *kind, size_t n, uint32_t *ret_most)
{
    const struct checks_options options = {
        .all_max = 100000, .per_instance_max = 8, .running_max = 1000, .recoveries = 6, .seed = 4711};
    const struct checks_ops ops = {.state = on_state};
    struct event_base *base = loop_new();
    struct metrics *metrics;
    struct checks *checks;
    if (metrics_new(&metrics) < 0 || checks_new(base, metrics, &options, &ops, &checks) < 0)
        exit(1);
    memset(started, 0, sizeof started);
    before = 0;
    add_all(checks, n, kind);
    began_ns = clock_now_ns();
    run_loop(base, metrics, began_ns + WARM_NS);
    double began = cpu_seconds();
    run_loop(base, metrics, began_ns + WARM_NS + ROUNDS * INTERVAL_S * NS_PER_S);
    double share = (cpu_seconds() - began) / (ROUNDS * INTERVAL_S);
    int64_t bins = (clock_now_ns() - began_ns) / BIN_NS;
    *ret_most = 0;
    for (int64_t i = 0; i + 10 <= bins && i + 10 <= BINS; i++) {
        uint32_t sum = 0;
        for (int64_t k = i; k < i + 10; k++)
            sum += (uint32_t)started[k];
        *ret_most = sum > *ret_most ? sum : *ret_most;
    }
    checks_free(checks);
    metrics_free(metrics);
    loop_free(base);
    return share;
}

static void print_result(const char *name, double value, const char *unit, double floor, double target)
{
    printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"%s\",\"p99\":null,\"floor\":%.2f,\"ratio\":%.2f,\"target\":%.2f,"
           "\"ok\":%s}\n",
           name, value, unit, floor, value / floor, target, value <= target ? "true" : "false");
    fflush(stdout);
}

int main(void)
{
    struct rlimit files;
    uint32_t most;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    listen_all();
    pid_t server = fork();
    if (server == 0)
        serve();
    double share = measure("tcp", TCP_CHECKS, &most);
    double mean = TCP_CHECKS / (INTERVAL_S * 10.0);
    double bare = bare_connects(ports, PORTS, TCP_CHECKS * ROUNDS, ROUNDS * INTERVAL_S * NS_PER_S);
    print_result("5,000 tcp checks every 5 s", 100 * share, "% of a core", 100 * bare / (ROUNDS * INTERVAL_S), 8);
    print_result("of these, most in any 100 ms", most, "starts", mean, 2 * mean);
    share = measure("http", HTTP_CHECKS, &most);
    mean = HTTP_CHECKS / (INTERVAL_S * 10.0);
    bare = bare_gets(ports[0], HTTP_CHECKS * ROUNDS, ROUNDS * INTERVAL_S * NS_PER_S);
    print_result("1,000 http checks every 5 s", 100 * share, "% of a core", 100 * bare / (ROUNDS * INTERVAL_S), 15);
    print_result("of these http, most in any 100 ms", most, "starts", mean, 2 * mean);
    kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restarts of a daemon whose sockets are systemd's (here: the test's). Nobody who looks something up notices: no query is
 * lost, no answer lacks an instance, no call of the library fails; the same while a new binary takes over.
 */
#include <arpa/inet.h>
#include <discover/discover.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/nats_server.h"
#include "tests/support/passed_sockets.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define RESTARTS      20
#define RATE          20000 /* queries a second */
#define BATCH_NS      (2 * NS_PER_MS)
#define REST_MS       1000
#define INSTANCES     3
#define LATE_NS       (5 * NS_PER_S) /* as long as resolvers wait: who has no answer then has lost it */
#define RECEIVE_BYTES (16 << 20)
#define QUERY_CAP     512

static struct nats nats;
static struct host a, b;
static struct passed_sockets sockets;
static struct proc holder;

/* --- queries at a rate --- */

struct load {
    int port, sock;
    atomic_bool stop, all_sent;
    atomic_ullong sent, answered, wrong;
    atomic_llong slowest_ns;
    int64_t sent_ns[65536];
    pthread_t sender, receiver;
};

static int open_socket(int port)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval wake = {.tv_usec = 100000};
    const int bytes = RECEIVE_BYTES;
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &wake, sizeof wake);
    if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        (void)setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    ck_assert_int_eq(connect(sock, (struct sockaddr *)&sa, sizeof sa), 0);
    return sock;
}

static void *send_queries(void *arg)
{
    struct load *l = arg;
    uint8_t query[QUERY_CAP];
    size_t n = dnsq_build("payment.shop.discover.internal", DNSQ_A, 0, query, sizeof query);
    int64_t begun_ns = clock_now_ns();
    uint64_t sent = 0;

    while (!atomic_load(&l->stop)) {
        uint64_t due = (uint64_t)((clock_now_ns() - begun_ns) / (NS_PER_S / RATE));
        for (; sent < due; sent++) {
            uint16_t id = (uint16_t)sent;
            query[0] = (uint8_t)(id >> 8);
            query[1] = (uint8_t)id;
            l->sent_ns[id] = clock_now_ns();
            (void)!send(l->sock, query, n, 0);
            atomic_fetch_add(&l->sent, 1);
        }
        nanosleep(&(struct timespec){.tv_nsec = BATCH_NS}, NULL);
    }
    return NULL;
}

static void look_at(struct load *l, const uint8_t *reply, size_t n)
{
    int64_t took_ns = clock_now_ns() - l->sent_ns[reply[0] << 8 | reply[1]];

    atomic_fetch_add(&l->answered, 1);
    if (n < 12 || (reply[3] & 15) != 0 || (reply[6] << 8 | reply[7]) != INSTANCES)
        atomic_fetch_add(&l->wrong, 1);
    if (took_ns > atomic_load(&l->slowest_ns))
        atomic_store(&l->slowest_ns, took_ns);
}

static void *receive_answers(void *arg)
{
    struct load *l = arg;
    uint8_t reply[2048];
    int64_t end_ns = 0;

    while (end_ns == 0 || (clock_now_ns() < end_ns && atomic_load(&l->answered) < atomic_load(&l->sent))) {
        ssize_t n = recv(l->sock, reply, sizeof reply, 0);
        if (n >= 2)
            look_at(l, reply, (size_t)n);
        if (end_ns == 0 && atomic_load(&l->all_sent))
            end_ns = clock_now_ns() + LATE_NS;
    }
    return NULL;
}

static void load_start(struct load *l, int port)
{
    memset(l, 0, sizeof *l);
    l->sock = open_socket(port);
    ck_assert_int_eq(pthread_create(&l->receiver, NULL, receive_answers, l), 0);
    ck_assert_int_eq(pthread_create(&l->sender, NULL, send_queries, l), 0);
}

/* Returns how many got no answer at all. */
static uint64_t load_stop(struct load *l)
{
    atomic_store(&l->stop, true);
    pthread_join(l->sender, NULL);
    atomic_store(&l->all_sent, true);
    pthread_join(l->receiver, NULL);
    close(l->sock);
    ck_assert_msg(atomic_load(&l->wrong) == 0, "%llu answers with an instance less, or none",
                  (unsigned long long)atomic_load(&l->wrong));
    return atomic_load(&l->sent) - atomic_load(&l->answered);
}

/* --- a program that looks up, and calls the daemon, without a pause --- */

struct program {
    atomic_bool stop;
    atomic_ullong look_ups, calls;
    char failed[256];
    pthread_t thread;
};

static void ignore_status(void *arg, const struct discover_status *status)
{
    (void)arg, (void)status;
}

static bool one_round(struct program *p, struct discover *d, struct discover_registration *r)
{
    struct discover_endpoint endpoints[16];
    size_t n = 0;
    int result = discover_resolve(d, "shop/payment", endpoints, 16, &n);

    p->look_ups++;
    if (result < 0 || n != INSTANCES)
        snprintf(p->failed, sizeof p->failed, "resolve: %s, %zu instances", discover_strerror(result), n);
    bool dispatched = discover_dispatch(d) >= 0; /* it may tell of a daemon that is away: no look-up fails by that */
    if (dispatched && !*p->failed && p->look_ups % 64 == 0) {
        int status = discover_status(d, ignore_status, NULL), registered = discover_register(d, r);
        p->calls += 2;
        if (status < 0 || registered < 0)
            snprintf(p->failed, sizeof p->failed, "status: %s, register: %s", discover_strerror(status),
                     discover_strerror(registered));
    }
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    return !*p->failed;
}

static void *run_program(void *arg)
{
    struct program *p = arg;
    struct discover_registration *r;
    struct discover *d;

    if (discover_new(&d) < 0 || discover_set_socket(d, a.socket) < 0 || discover_set_timeout(d, 5000) < 0 ||
        discover_start(d) < 0 || discover_registration_new("shop/caller", 9, &r) < 0) {
        snprintf(p->failed, sizeof p->failed, "it cannot begin");
        return NULL;
    }
    while (!atomic_load(&p->stop) && one_round(p, d, r))
        continue;
    discover_registration_free(r);
    discover_free(d);
    return NULL;
}

/* --- the tests --- */

static void restart(struct host *h)
{
    ck_assert_int_eq(proc_stop(&h->proc, 10000), 0);
    passed_sockets_launch(&sockets, h);
}

static void stop_a(void *arg)
{
    struct host *h = arg;

    discover_free(h->lib);
    h->lib = NULL;
    if (proc_running(&h->proc))
        host_stop(h);
}

/* payment is on A by its configuration and by a program, and on B. */
static void two_hosts(const char *dns)
{
    nats_start(&nats, 1);
    host_init(&a,
              &(struct host_options){
                  .name = "a",
                  .nats = nats.urls,
                  .dns = dns,
                  .services = "{ name = \"shop/payment\"; instance = \"p1\"; port = 1; address = [\"10.0.0.1\"]; }"});
    passed_sockets_open(&sockets, &a);
    passed_sockets_launch(&sockets, &a);
    e2e_at_end(stop_a, &a);
    host_wait_live(&a);
    host_start(&b,
               &(struct host_options){
                   .name = "b",
                   .nats = nats.urls,
                   .services = "{ name = \"shop/payment\"; instance = \"p2\"; port = 1; address = [\"10.0.0.2\"]; }"});
    ctl_start(&a, &holder, "holder", "register", "shop/payment", "--port", "1", "--address", "10.0.0.3", "--instance",
              "p3", NULL);
    (void)wait_until(5000, seen_by_all(&a, "shop/payment", INSTANCES), a.seen);
}

static void restart_under_load(const char *what)
{
    static struct load at_rest, load;
    struct program program = {0};
    char text[160];

    load_start(&at_rest, a.dns_port);
    nanosleep(&(struct timespec){.tv_sec = REST_MS / 1000}, NULL);
    uint64_t lost_at_rest = load_stop(&at_rest);
    ck_assert_int_eq(pthread_create(&program.thread, NULL, run_program, &program), 0);
    load_start(&load, a.dns_port);
    for (int i = 0; i < RESTARTS && !*program.failed; i++) {
        struct dnsq_reply reply;
        restart(&a);
        ck_assert_int_eq(dnsq_tcp(a.dns_port, "payment.shop.discover.internal", DNSQ_SRV, &reply), 0);
        ck_assert_uint_eq(reply.n_answers, INSTANCES);
        if (i % 4 != 3)
            continue; /* it is restarted again before it knows of the others */
        host_wait_live(&a);
        uint64_t calls = program.calls;
        (void)wait_until(5000, program.calls > calls || *program.failed, program.failed);
    }
    uint64_t lost = load_stop(&load);
    atomic_store(&program.stop, true);
    pthread_join(program.thread, NULL);
    ck_assert_msg(!*program.failed, "%s", program.failed);
    printf("-- %s: %d restarts, %llu queries, %llu lost (%llu of %llu at rest), %llu look-ups and %llu calls of the "
           "library\n",
           what, RESTARTS, (unsigned long long)load.sent, (unsigned long long)lost, (unsigned long long)lost_at_rest,
           (unsigned long long)at_rest.sent, (unsigned long long)program.look_ups, (unsigned long long)program.calls);
    snprintf(text, sizeof text, "%s: slowest DNS answer", what);
    measured(text, load.slowest_ns);
    ck_assert_uint_le(lost, lost_at_rest);
    ck_assert_uint_gt(program.calls, 0);
}

START_TEST(nobody_notices)
{
    two_hosts("");
    restart_under_load("sockets held, one DNS worker");
}
END_TEST

START_TEST(nor_with_several_workers)
{
    two_hosts("workers = 3;");
    restart_under_load("sockets held, three DNS workers");
}
END_TEST

/* What is asked while no daemon runs is answered by the next one, whichever way it was asked. */
START_TEST(who_comes_in_between_waits)
{
    struct proc resolve;
    struct output o;
    two_hosts("");
    ck_assert_int_eq(proc_stop(&a.proc, 10000), 0);
    ctl_start(&a, &resolve, "resolve", "resolve", "shop/payment", NULL);
    struct proc curl;
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1/services/shop/payment", a.http_port);
    const char *argv[] = {"curl", "-sf", "-m", "10", url, NULL};
    proc_start(&curl, "curl", argv, NULL);
    (void)wait_until(
        5000,
        shell(&o, "ss -xn src %s | grep -q ESTAB; ss -tn dst 127.0.0.1:%d | grep -q ESTAB", a.socket, a.http_port) == 0,
        "not connected");
    passed_sockets_launch(&sockets, &a);
    ck_assert_int_eq(proc_wait(&resolve, 10000), 0);
    ck_assert_int_eq(proc_wait(&curl, 10000), 0);
    (void)wait_until(5000, seen_by_all(&a, "shop/payment", INSTANCES), a.seen);
}
END_TEST

/* No restart at all, but the end of a daemon by a signal that it cannot handle. */
START_TEST(a_crash_loses_what_it_had_in_hand_alone)
{
    two_hosts("");
    host_kill(&a);
    struct dnsq_reply reply;
    passed_sockets_launch(&sockets, &a);
    ck_assert_int_eq(dnsq_udp(a.dns_port, "payment.shop.discover.internal", DNSQ_SRV, &reply), 0);
    (void)wait_until(5000, seen_by_all(&a, "shop/payment", INSTANCES), a.seen);
}
END_TEST

E2E_TESTS("restarts", 60, {"nobody_notices", nobody_notices}, {"nor_with_several_workers", nor_with_several_workers},
          {"who_comes_in_between_waits", who_comes_in_between_waits},
          {"a_crash_loses_what_it_had_in_hand_alone", a_crash_loses_what_it_had_in_hand_alone})

/* SPDX-License-Identifier: Apache-2.0 */
/* Nonsense on every input: each is refused, counted, and the daemon goes on and loses nothing. */
#include <discover/discover.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"

static struct nats nats;
static struct host a;

static void one_host(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls,
                                          .services = "{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; "
                                                      "address = [\"10.1.2.3\"]; }"});
    (void)wait_until(3000, seen_by_all(&a, SERVICE, 1), a.seen);
}

/* The daemon is the one that was started, and answers as before. */
static void goes_on(const char *after)
{
    ck_assert_msg(proc_running(&a.proc), "the daemon has died of %s", after);
    ck_assert_msg(seen_by_all(&a, SERVICE, 1), "after %s: %s", after, a.seen);
}

struct bytes {
    const char *what;
    const char *bytes;
    size_t n;
    const char *counter; /* the one that grows */
};

#define BYTES(text) text, sizeof(text) - 1

/* --- the Unix socket --- */

static int open_socket(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(sa.sun_path, a.socket, strlen(a.socket));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

/* Reads until the daemon closes, which it must do in time. */
static void closed_by_the_daemon(int fd, const char *what)
{
    char buffer[4096];
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    for (;;) {
        ck_assert_msg(poll(&readable, 1, 10000) == 1, "after %s the connection stays open", what);
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            break;
        ck_assert_msg(n > 0, "%s: %s", what, strerror(errno));
    }
    close(fd);
}

#define HELLO "\x08\x00\x00\x00\x08\x01\x12\x04\x08\x01\x10\x01" /* id 1, versions 1 to 1 */

#define BAD_FRAMES "discoverd_api_connections_closed_total{reason=\"bad_frame\"}"

static const struct bytes frames[] = {
    {"a frame of 4 GB", BYTES("\xff\xff\xff\xff"), BAD_FRAMES},
    {"a frame of nothing", BYTES("\x00\x00\x00\x00"), BAD_FRAMES},
    {"garbage", BYTES("\x05\x00\x00\x00\xff\xff\xff\xff\xff"), BAD_FRAMES},
    {"a message of an unknown type", BYTES("\x05\x00\x00\x00\x08\x01\xfa\x07\x00"), BAD_FRAMES},
    {"a request before the handshake", BYTES("\x04\x00\x00\x00\x08\x01\x32\x00"), BAD_FRAMES},
    {"a version from the future", BYTES("\x0a\x00\x00\x00\x08\x01\x12\x06\x08\xe8\x07\x10\xe9\x07"),
     "discoverd_api_refused_total"},
    {"garbage after the handshake", BYTES(HELLO "\x03\x00\x00\x00\xff\xff\xff"), BAD_FRAMES},
    {"HTTP", BYTES("GET / HTTP/1.1\r\n\r\n"), BAD_FRAMES},
};

START_TEST(frames_on_the_socket)
{
    one_host();
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        int64_t before = host_counter(&a, frames[i].counter);
        int fd = open_socket();
        ck_assert_int_eq(send(fd, frames[i].bytes, frames[i].n, MSG_NOSIGNAL), (ssize_t)frames[i].n);
        closed_by_the_daemon(fd, frames[i].what);
        ck_assert_msg(host_counter(&a, frames[i].counter) == before + 1, "%s is not counted: %s", frames[i].what,
                      a.seen);
        goes_on(frames[i].what);
    }
}
END_TEST

START_TEST(frames_cut_short)
{
    one_host();
    for (size_t n = 0; n < sizeof HELLO - 1; n++) {
        int fd = open_socket();
        ck_assert_int_eq(send(fd, HELLO, n, MSG_NOSIGNAL), (ssize_t)n);
        close(fd);
    }
    goes_on("frames cut short");
}
END_TEST

/* Sends half a frame and falls silent: it may not keep a place for ever. */
START_TEST(a_client_that_falls_silent)
{
    one_host();
    int fd = open_socket();
    ck_assert_int_eq(send(fd, HELLO, 5, MSG_NOSIGNAL), 5);
    closed_by_the_daemon(fd, "half a handshake");
    goes_on("half a handshake");
}
END_TEST

static int connect_to(int port)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

static void falls_silent(int fd, const char *bytes, size_t n, const char *what, const char *counter)
{
    ck_assert_int_eq(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
    int64_t start_ns = clock_now_ns();
    closed_by_the_daemon(fd, what);
    ck_assert_msg(clock_now_ns() - start_ns < 4 * NS_PER_S, "%s: closed too late", what); /* the defaults: 5 s, 10 s */
    ck_assert_msg(host_counter(&a, counter) == 1, "%s: %s", what, counter);
}

static void no_change(void *arg, const struct discover_change *change)
{
    (void)arg, (void)change;
}

START_TEST(limits_are_those_of_the_configuration)
{
    struct discover_watch *w[2];

    host_start(&a, &(struct host_options){.dns = "tcp_message = \"200ms\";",
                                          .extra = "limits = { api_handshake = \"200ms\"; http_time = \"200ms\"; "
                                                   "api_watches = 1; };"});
    falls_silent(open_socket(), HELLO, 5, "half a handshake",
                 "discoverd_api_connections_closed_total{reason=\"no_hello\"}");
    falls_silent(connect_to(a.http_port), "GET /", 5, "half a request",
                 "discoverd_http_connections_closed_total{reason=\"timeout\"}");
    falls_silent(connect_to(a.dns_port), "\0\x20", 2, "half a query",
                 "discoverd_dns_tcp_closed_total{reason=\"timeout\"}");

    ck_assert_int_eq(discover_watch(host_lib(&a), "shop/a", no_change, NULL, &w[0]), 0);
    ck_assert_int_eq(discover_watch(host_lib(&a), "shop/b", no_change, NULL, &w[1]), 0);
    wait_until(2000, host_counter(&a, "discoverd_api_watches_limited_total") == 1, a.seen);
    discover_unwatch(w[0]);
    discover_unwatch(w[1]);
}
END_TEST

/* --- DNS --- */

#define QUESTION                                                                                                       \
    "\x07payment\x04shop\x08"                                                                                          \
    "discover\x08internal\x00\x00\x21\x00\x01"

static const struct bytes silent[] = {
    {"an empty datagram", BYTES(""), "discoverd_dns_ignored_total"},
    {"a short one", BYTES("\x12\x34\x01"), "discoverd_dns_ignored_total"},
    {"half a header", BYTES("\x12\x34\x01\x00\x00\x01"), "discoverd_dns_ignored_total"},
    {"a response", BYTES("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00" QUESTION), "discoverd_dns_ignored_total"},
};

struct malformed {
    const char *what;
    const char *bytes;
    size_t n;
    int rcode;
};

static const struct malformed malformed[] = {
    {"a header and nothing behind", BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"), DNSQ_FORMERR},
    {"a pointer onto itself", BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x21\x00\x01"),
     DNSQ_FORMERR},
    {"a label beyond the end", BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x3fpayment"), DNSQ_FORMERR},
    {"a label of a reserved kind", BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x80x\x00\x00\x21\x00\x01"),
     DNSQ_FORMERR},
    {"two questions", BYTES("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" QUESTION QUESTION), DNSQ_FORMERR},
    {"no question", BYTES("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), DNSQ_FORMERR},
    {"a status request", BYTES("\x12\x34\x11\x00\x00\x01\x00\x00\x00\x00\x00\x00" QUESTION), DNSQ_NOTIMP},
    {"an update", BYTES("\x12\x34\x29\x00\x00\x01\x00\x00\x00\x00\x00\x00" QUESTION), DNSQ_NOTIMP},
};

START_TEST(dns_without_an_answer)
{
    uint8_t answer[512];

    one_host();
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        int64_t before = host_counter(&a, silent[i].counter);
        int n = dnsq_raw(a.dns_port, silent[i].bytes, silent[i].n, 200, answer, sizeof answer);
        ck_assert_msg(n == -ETIMEDOUT, "%s is answered with %d bytes", silent[i].what, n);
        ck_assert_msg(host_counter(&a, silent[i].counter) == before + 1, "%s is not counted: %s", silent[i].what,
                      a.seen);
        goes_on(silent[i].what);
    }
}
END_TEST

START_TEST(dns_refused)
{
    uint8_t answer[512];

    one_host();
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        const struct malformed *m = &malformed[i];
        const char *counter = m->rcode == DNSQ_FORMERR ? "discoverd_dns_responses_total{rcode=\"formerr\"}"
                                                       : "discoverd_dns_responses_total{rcode=\"notimp\"}";
        int64_t before = host_counter(&a, counter);
        int n = dnsq_raw(a.dns_port, m->bytes, m->n, 1000, answer, sizeof answer);
        ck_assert_msg(n >= 12, "%s is not answered", m->what);
        ck_assert_msg((answer[3] & 15) == m->rcode, "%s: rcode %d", m->what, answer[3] & 15);
        ck_assert_msg(answer[0] == 0x12 && answer[1] == 0x34 && (answer[2] & 0x80), "%s: not its answer", m->what);
        ck_assert_msg(host_counter(&a, counter) == before + 1, "%s is not counted: %s", m->what, a.seen);
        goes_on(m->what);
    }
}
END_TEST

/* --- values in the buckets --- */

struct value {
    const char *what;
    const char *bucket, *key;
    const char *bytes;
    size_t n;
    const char *counter;
};

#define VALUES "discoverd_feed_refused_total{what=\"record\"}"
#define KEYS   "discoverd_feed_refused_total{what=\"key\"}"
#define LEASES "discoverd_feed_refused_total{what=\"lease\"}"

static const struct value values[] = {
    {"garbage as a record", "SERVICES", "shop.payment.x.i1", BYTES("\xff\xff\xff\xff"), VALUES},
    {"a record without a port", "SERVICES", "shop.payment.x.i1", BYTES("\x08\x01\x10\x01"), VALUES},
    {"a record cut short", "SERVICES", "shop.payment.x.i1", BYTES("\x08\x01\x10\x01\x1a\x04\x0a"), VALUES},
    {"an address of three bytes", "SERVICES", "shop.payment.x.i1",
     BYTES("\x08\x01\x10\x01\x1a\x03\x0a\x01\x02\x30\x50"), VALUES},
    {"half a JSON object", "SERVICES", "shop.payment.x.i1", BYTES("{\"host\":\"10.0.0.1\",\"port\":"), VALUES},
    {"JSON without a port", "SERVICES", "shop.payment.x.i1", BYTES("{\"host\":\"10.0.0.1\"}"), VALUES},
    {"a key of two tokens", "SERVICES", "shop.payment", BYTES("\x08\x01\x10\x01\x30\x50"), KEYS},
    {"a key with capitals", "SERVICES", "Shop.payment.x.i1", BYTES("\x08\x01\x10\x01\x30\x50"), KEYS},
    {"garbage as a lease", "HOSTS", "x", BYTES("\xff\xff\xff\xff"), LEASES},
    {"a lease for no time", "HOSTS", "x", BYTES("\x08\x01\x10\x01"), LEASES},
};

START_TEST(values_in_the_buckets)
{
    struct kv kv;

    one_host();
    kv_open(&kv, nats.server[0].url);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct value *v = &values[i];
        int64_t before = host_counter(&a, v->counter);
        (void)kv_put(&kv, v->bucket, v->key, v->bytes, v->n);
        (void)wait_until(2000, host_counter(&a, v->counter) > before, v->what);
        goes_on(v->what);
    }
    kv_close(&kv);
}
END_TEST

/* What was refused live is refused in a snapshot, too, and does not keep a daemon from becoming live. */
START_TEST(values_found_at_the_start)
{
    struct kv kv;

    one_host();
    kv_open(&kv, nats.server[0].url);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        (void)kv_put(&kv, values[i].bucket, values[i].key, values[i].bytes, values[i].n);
    kv_close(&kv);
    host_stop(&a);
    host_launch(&a);
    host_wait_up(&a);
    host_wait_live(&a);
    (void)wait_until(3000, seen_by_all(&a, SERVICE, 1), a.seen);
    ck_assert_int_gt(host_counter(&a, VALUES), 0);
}
END_TEST

E2E_TESTS("bad input", 60, {"frames_on_the_socket", frames_on_the_socket}, {"frames_cut_short", frames_cut_short},
          {"a_client_that_falls_silent", a_client_that_falls_silent},
          {"limits_are_those_of_the_configuration", limits_are_those_of_the_configuration},
          {"dns_without_an_answer", dns_without_an_answer}, {"dns_refused", dns_refused},
          {"values_in_the_buckets", values_in_the_buckets}, {"values_found_at_the_start", values_found_at_the_start})

/* SPDX-License-Identifier: Apache-2.0 */
/* What dashboards and Prometheus get: nothing that could be taken for an empty list before the registry was asked. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/large_services.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/proc.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats nats;
static struct host a, b;
static char answer[256 * 1024];

static int get(struct host *h, const char *path)
{
    int code = http_get(h->http_port, path, answer, sizeof answer);

    snprintf(h->seen, sizeof h->seen, "%s on %s: %d, %.600s", path, h->name, code, answer);
    return code;
}

static bool has(struct host *h, const char *path, const char *part)
{
    return get(h, path) == 200 && strstr(answer, part);
}

START_TEST(before_and_after_the_first_synchronisation)
{
    nats_init(&nats, 1);
    host_init(&a, &(struct host_options){.nats = nats.urls});
    host_run_offline(&a);
    ck_assert_int_eq(get(&a, "/healthz"), 200);
    ck_assert_int_eq(get(&a, "/readyz"), 503);
    ck_assert_int_eq(get(&a, "/v1/http_sd"), 503);
    ck_assert_msg(has(&a, "/v1/status", "unsynced"), "%s", a.seen);
    nats_server_launch(&nats, 0);
    host_wait_live(&a);
    ck_assert_int_eq(get(&a, "/readyz"), 200);
    ck_assert_int_eq(get(&a, "/v1/http_sd"), 200);
    ck_assert_msg(has(&a, "/v1/status", "\"live\""), "%s", a.seen);
}
END_TEST

START_TEST(what_another_host_registered)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls,
                                          .services = "{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; "
                                                      "address = [\"10.1.2.3\"]; meta = { version = \"1.4\"; }; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    (void)wait_until(3000, seen_by_dns(&b, "shop/payment") == 1, b.seen);
    ck_assert_msg(has(&b, "/v1/services", "shop/payment"), "%s", b.seen);
    ck_assert_msg(has(&b, "/v1/services/shop/payment", "10.1.2.3"), "%s", b.seen);
    ck_assert_msg(strstr(answer, "\"version\":\"1.4\""), "%s", b.seen);
    ck_assert_msg(has(&b, "/v1/http_sd", "10.1.2.3:8080"), "%s", b.seen);
    ck_assert_msg(has(&b, "/v1/hosts", "\"a\""), "%s", b.seen);
    ck_assert_int_eq(get(&b, "/v1/services/shop/none"), 404);
    ck_assert_int_eq(get(&b, "/none"), 404);
}
END_TEST

/* Stale is reported, and is no reason to take a target away. */
START_TEST(without_nats)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls,
                                          .services = "{ name = \"shop/payment\"; port = 8080; "
                                                      "address = [\"10.1.2.3\"]; }"});
    nats_server_kill(&nats, 0);
    (void)wait_until(5000, has(&a, "/v1/status", "\"stale\""), a.seen);
    ck_assert_int_eq(get(&a, "/readyz"), 200);
    ck_assert_msg(has(&a, "/v1/http_sd", "10.1.2.3:8080"), "%s", a.seen);
}
END_TEST

/* The number behind a metric's name, or -1. */
static long metric(struct host *h, const char *name)
{
    long value = -1;
    char line[128];

    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = get(h, "/metrics") == 200 ? strstr(answer, line) : NULL;
    if (at)
        (void)sscanf(at + strlen(line), "%ld", &value);
    return value;
}

START_TEST(metrics_count)
{
    host_start(&a, &(struct host_options){0});
    long before = metric(&a, "discoverd_dns_queries_total{transport=\"udp\"}");
    ck_assert_int_ge(before, 0);
    (void)seen_by_dns(&a, "shop/payment");
    ck_assert_int_eq(metric(&a, "discoverd_dns_queries_total{transport=\"udp\"}"), before + 1);
    ck_assert_int_eq(metric(&a, "discoverd_dns_answers_bytes"), 0); /* of a name that is not there */
}
END_TEST

/* An answer is kept when it was made in one piece, which a busy machine may not let it. */
static bool takes_memory(const char *name)
{
    return get(&a, "/v1/services/shop/payment") == 200 && metric(&a, name) > 100;
}

/* A name, its help, its type, its unit: all as Prometheus's own checker wants them, of a daemon that has done a little. */
START_TEST(metrics_are_as_prometheus_wants_them)
{
    char path[300], command[1600];
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls,
                                          .services = "{ name = \"shop/payment\"; port = 8080; "
                                                      "address = [\"10.1.2.3\"]; }"});
    (void)wait_until(10000, seen_by_dns(&a, "shop/payment") == 1, a.seen);
    static const char *const memory[] = {"discoverd_catalog_bytes", "discoverd_table_bytes",
                                         "discoverd_dns_answers_bytes", "discoverd_http_answers_bytes"};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) /* they are looked at now and then */
        (void)wait_until(3000, takes_memory(memory[i]), memory[i]);
    ck_assert_int_eq(get(&a, "/metrics"), 200);
    const char *body = strstr(answer, "\r\n\r\n") + 4;
    ck_assert_uint_lt(strlen(body), 60000);
    snprintf(path, sizeof path, "%s/metrics.txt", a.state_dir);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(body, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    snprintf(command, sizeof command, "promtool check metrics < %s >&2", path);
    ck_assert_int_eq(system(command), 0);
    snprintf(command, sizeof command, /* and none of them is missing in the manual */
             "%s --metrics | sed 's/[{\t].*//' | sort -u > %s.listed; "
             "sed -n 's/^# TYPE \\([^ ]*\\) .*/\\1/p' %s | sort | comm -23 - %s.listed | grep . >&2",
             e2e_binary("discoverd"), path, path, path);
    ck_assert_int_ne(system(command), 0);
}
END_TEST

/* As http_schemas.py asks for them and checks them, events from before the last change of a service on. */
START_TEST(documents_are_what_their_schemas_say)
{
    static struct proc script;
    char port[16], index[32];
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls,
                                          .services = "{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; "
                                                      "address = [\"10.1.2.3\"]; tags = [\"canary\"]; "
                                                      "meta = { version = \"1.4\"; }; "
                                                      "checks = ( { tcp = \"127.0.0.1:1\"; interval = \"1h\"; initial "
                                                      "= \"passing\"; start_period = \"1h\"; } ); }"});
    (void)wait_until(10000, seen_by_dns(&a, "shop/payment") == 1, a.seen);
    ck_assert_int_eq(get(&a, "/v1/services/shop/payment"), 200);
    const char *at = strstr(answer, "Discoverd-Index: ");
    ck_assert_ptr_nonnull(at);
    snprintf(index, sizeof index, "%llu", strtoull(at + strlen("Discoverd-Index: "), NULL, 10) - 1);
    snprintf(port, sizeof port, "%d", a.http_port);
    const char *const argv[] = {"python3", SOURCE_DIR "/tests/e2e/http_schemas.py", port, index, NULL};
    proc_start(&script, "http_schemas", argv, NULL);
    ck_assert_int_eq(proc_wait(&script, 20000), 0);
}
END_TEST

static atomic_bool flood_over;

/* Sends short requests without waiting for their answers, which it throws away. */
static void *flood(void *arg)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)a.http_port)};
    char requests[100 * (sizeof request - 1) + 1] = "", answers[65536];
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)arg;
    for (int i = 0; i < 100; i++)
        memcpy(requests + (size_t)i * (sizeof request - 1), request, sizeof request);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(sock, (struct sockaddr *)&to, sizeof to), 0);
    for (size_t at = 0; !atomic_load(&flood_over);) {
        struct pollfd fd = {.fd = sock, .events = POLLIN | POLLOUT};
        (void)poll(&fd, 1, 100); /* the processors are the daemon's */
        ssize_t n = send(sock, requests + at, strlen(requests) - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        at = n > 0 ? (at + (size_t)n) % strlen(requests) : at;
        (void)!recv(sock, answers, sizeof answers, MSG_DONTWAIT);
    }
    close(sock);
    return NULL;
}

START_TEST(requests_without_an_end_let_a_long_answer_through)
{
    enum { FLOODS = 12, SERVICES = 2000 };
    static struct kv kv;
    pthread_t threads[FLOODS];
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls});
    kv_open(&kv, nats.server[0].url);
    large_services_put(&kv, SERVICES);
    (void)wait_until(20000, services_known(&a) == SERVICES, a.seen);
    for (int i = 0; i < FLOODS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, flood, NULL), 0);
    (void)wait_until(20000, metric(&a, "discoverd_http_requests_total") > 2000, a.seen);
    for (int i = 0; i < 5; i++)
        ck_assert_msg(has(&a, "/v1/services", "shop/s1999"), "%s", a.seen);
    atomic_store(&flood_over, true);
    for (int i = 0; i < FLOODS; i++)
        pthread_join(threads[i], NULL);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("HTTP", 60, {"before_and_after_the_first_synchronisation", before_and_after_the_first_synchronisation},
          {"what_another_host_registered", what_another_host_registered}, {"without_nats", without_nats},
          {"metrics_count", metrics_count},
          {"requests_without_an_end_let_a_long_answer_through", requests_without_an_end_let_a_long_answer_through},
          {"documents_are_what_their_schemas_say", documents_are_what_their_schemas_say},
          {"metrics_are_as_prometheus_wants_them", metrics_are_as_prometheus_wants_them})

/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for a change, and streams of changes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/catalog/catalog_changes.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/http/http_fixture.h"

static char bytes[1 << 20];
static size_t n_bytes;

static void read_until(int sock, const char *text)
{
    int64_t give_up_ns = clock_now_ns() + 10 * NS_PER_S;
    for (bytes[n_bytes] = '\0'; !strstr(bytes, text); bytes[n_bytes] = '\0') {
        turn();
        ssize_t n = recv(sock, bytes + n_bytes, sizeof bytes - 1 - n_bytes, MSG_DONTWAIT);
        n_bytes += n > 0 ? (size_t)n : 0;
        ck_assert_msg(n != 0 && clock_now_ns() < give_up_ns, "no %s in %s", text, bytes);
    }
}

/* Nothing of it comes. */
static void read_nothing(int sock)
{
    for (int i = 0; i < 20; i++)
        turn();
    ck_assert_int_eq(recv(sock, bytes, 1, MSG_DONTWAIT | MSG_PEEK), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

static int request(const char *path, const char *field)
{
    char text[512];
    int sock = dial(), n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, field);
    n_bytes = 0;
    ck_assert_int_eq(send(sock, text, (size_t)n, MSG_NOSIGNAL), n);
    return sock;
}

static uint64_t index_reported(void)
{
    uint64_t index = 0;
    const char *at = strstr(head, "Discoverd-Index: ");
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(at, "Discoverd-Index: %" SCNu64, &index), 1);
    return index;
}

static uint64_t index_of(const char *path, int status)
{
    ck_assert_int_eq(get(path), status);
    return index_reported();
}

static int hold(const char *path, uint64_t index)
{
    char target[256];
    snprintf(target, sizeof target, "%s?wait=60s&index=%" PRIu64, path, index);
    int sock = request(target, "");
    read_nothing(sock);
    return sock;
}

static void settle(int sock)
{
    close(sock);
    turn();
    turn();
}

static void change(const char *service, const char *instance, enum discover_state state)
{
    add(service, instance, state);
    (void)catalog_flush(catalog);
}

static void begin(struct http_options options)
{
    restart(options);
    set_sync(TABLE_LIVE);
    change("payment", "a", DISCOVER_PASSING);
}

static void remove_it(const char *service, const char *instance)
{
    struct instance_key key = {.domain = "shop", .host = "web-1"};
    snprintf(key.service, sizeof key.service, "%s", service);
    snprintf(key.instance, sizeof key.instance, "%s", instance);
    catalog_remove(catalog, &key);
    (void)catalog_flush(catalog);
}

START_TEST(a_request_waits_for_a_change_of_its_service)
{
    begin((struct http_options){0});
    int sock = hold("/v1/services/shop/payment", index_of("/v1/services/shop/payment", 200));
    ck_assert_uint_eq(counter("discoverd_http_requests_held"), 1);
    change("orders", "a", DISCOVER_PASSING);
    read_nothing(sock);
    change("payment", "b", DISCOVER_PASSING);
    read_until(sock, "\"instance\":\"b\"");
    ck_assert_uint_eq(counter("discoverd_http_requests_held"), 0);
    settle(sock);
}
END_TEST

START_TEST(it_is_answered_at_once)
{
    begin((struct http_options){0});
    uint64_t index = index_of("/v1/services/shop/payment", 200);
    char path[128];
    /* as something has changed since; of another life, before or behind this one; when it says so itself */
    for (uint64_t known = index - 2; known <= index + 2; known++) {
        if (known == index)
            continue;
        snprintf(path, sizeof path, "/v1/services/shop/payment?index=%" PRIu64, known);
        ck_assert_int_eq(get(path), 200);
    }
    snprintf(path, sizeof path, "/v1/services/shop/payment?index=%" PRIu64 "&wait=0", index);
    ck_assert_int_eq(get(path), 200);
    ck_assert_int_eq(get("/v1/services/shop/payment?index=0&wait=60s"), 200);
    ck_assert_int_eq(get("/v1/services/shop/payment?index=x"), 400);
    ck_assert_int_eq(get("/v1/services/shop/payment?index=-1"), 400);
    ck_assert_int_eq(get("/v1/services/shop/payment?index=1&wait=soon"), 400);
    ck_assert_int_eq(get("/v1/services/shop/payment?index=1&wait=%"), 400);
}
END_TEST

START_TEST(its_time_is_over)
{
    begin((struct http_options){0});
    uint64_t index = index_of("/v1/services/shop/payment", 200);
    char path[128];
    snprintf(path, sizeof path, "/v1/services/shop/payment?index=%" PRIu64 "&wait=20ms", index);
    int64_t began_ns = clock_now_ns();
    ck_assert_int_eq(get(path), 200);
    ck_assert_int_ge(clock_now_ns() - began_ns, 20 * NS_PER_MS);
    ck_assert_uint_eq(index_reported(), index);
}
END_TEST

/* A watch may be there before the service, and after it. */
START_TEST(what_comes_and_what_goes)
{
    begin((struct http_options){0});
    int sock = hold("/v1/services/shop/orders", index_of("/v1/services/shop/orders", 404));
    change("orders", "a", DISCOVER_PASSING);
    read_until(sock, "HTTP/1.1 200 ");
    settle(sock);
    uint64_t index = index_of("/v1/services/shop/orders", 200);
    sock = hold("/v1/services/shop/orders", index);
    remove_it("orders", "a");
    read_until(sock, "HTTP/1.1 404 ");
    settle(sock);
    char path[128]; /* and who was away meanwhile */
    snprintf(path, sizeof path, "/v1/services/shop/orders?index=%" PRIu64, index);
    ck_assert_int_eq(get(path), 404);
}
END_TEST

START_TEST(any_change_wakes_who_waits_for_all)
{
    begin((struct http_options){0});
    int sock = hold("/v1/services", index_of("/v1/services", 200));
    change("orders", "a", DISCOVER_PASSING);
    read_until(sock, "shop/orders");
    settle(sock);
    sock = hold("/v1/hosts", index_of("/v1/hosts", 200));
    const struct lease lease = {.epoch = 1, .ttl_ms = 10000, .region = "eu", .zone = "z2"};
    ck_assert_int_eq(catalog_set_host(catalog, "web-2", &lease, true, clock_now_ns()), 0);
    (void)catalog_flush(catalog);
    read_until(sock, "web-2");
    settle(sock);
}
END_TEST

START_TEST(who_hangs_up_is_let_go_at_once)
{
    begin((struct http_options){.held_max = 4});
    uint64_t index = index_of("/v1/services/shop/payment", 200);
    for (int i = 0; i < 20; i++) {
        int sock = hold("/v1/services/shop/payment", index);
        settle(sock);
        ck_assert_uint_eq(counter("discoverd_http_requests_held"), 0);
        ck_assert_uint_eq(counter("discoverd_http_connections"), 0);
    }
}
END_TEST

/* They have a limit of their own, and take nothing from the others'. */
START_TEST(how_many_may_wait)
{
    enum { HELD = 8 };
    int socks[HELD];
    begin((struct http_options){.held_max = HELD, .connections_max = 2});
    uint64_t index = index_of("/v1/services/shop/payment", 200);
    for (int i = 0; i < HELD; i++)
        socks[i] = hold("/v1/services/shop/payment", index);
    int sock = request("/v1/events", "");
    read_until(sock, "limits.http_held");
    settle(sock);
    ck_assert_uint_eq(counter("discoverd_http_held_limited_total"), 1);
    ck_assert_int_eq(get("/healthz"), 200);
    change("payment", "b", DISCOVER_PASSING);
    for (int i = 0; i < HELD; i++) {
        n_bytes = 0;
        read_until(socks[i], "\"instance\":\"b\"");
        settle(socks[i]);
    }
    ck_assert_uint_eq(counter("discoverd_http_connections"), 0);
}
END_TEST

START_TEST(a_stream_tells_what_changes)
{
    begin((struct http_options){0});
    int sock = request("/v1/events", "");
    read_until(sock, "\"resumed\":false");
    ck_assert_ptr_nonnull(strstr(bytes, "Content-Type: text/event-stream\r\n"));
    read_until(sock, "event: status\ndata: {\"sync\":\"live\"");
    ck_assert_uint_eq(counter("discoverd_http_streams"), 1);
    change("orders", "a", DISCOVER_PASSING);
    read_until(sock, "event: instance\n");
    read_until(sock, "\"service\":\"shop/orders\"");
    change("orders", "a", DISCOVER_CRITICAL);
    read_until(sock, "\"service\":\"shop/orders\"");
    remove_it("orders", "a");
    read_until(sock, "event: gone\n");
    set_sync(TABLE_STALE);
    read_until(sock, "{\"sync\":\"stale\"");
    settle(sock);
    ck_assert_uint_eq(counter("discoverd_http_streams"), 0);
}
END_TEST

/* Who was away for a while hears what he missed, from where he was. */
START_TEST(a_stream_goes_on)
{
    char field[64];
    begin((struct http_options){0});
    snprintf(field, sizeof field, "Last-Event-ID: %" PRIu64 "\r\n", catalog_index(catalog));
    change("orders", "a", DISCOVER_PASSING);
    int sock = request("/v1/events", field);
    read_until(sock, "\"resumed\":true");
    read_until(sock, "\"service\":\"shop/orders\"");
    ck_assert_ptr_null(strstr(bytes, "shop/payment"));
    settle(sock);
}
END_TEST

START_TEST(a_stream_that_missed_too_much_begins_anew)
{
    begin((struct http_options){0});
    uint64_t index = catalog_index(catalog);
    char field[64];
    int behind = request("/v1/events", "");
    read_until(behind, "event: status");
    for (int i = 0; i < 40000; i++) /* the loop does not turn meanwhile */
        add("payment", i & 1 ? "a" : "b", i & 2 ? DISCOVER_PASSING : DISCOVER_CRITICAL);
    (void)catalog_flush(catalog);
    snprintf(field, sizeof field, "Last-Event-ID: %" PRIu64 "\r\n", index);
    int sock = request("/v1/events", field);
    read_until(sock, "\"resumed\":false");
    settle(sock);
    n_bytes = 0;
    read_until(behind, "\"resumed\":false");
    ck_assert_uint_eq(counter("discoverd_http_stream_resets_total"), 1);
    settle(behind);
    snprintf(field, sizeof field, "Last-Event-ID: %" PRIu64 "\r\n", catalog_index(catalog) + 1); /* of another life */
    sock = request("/v1/events", field);
    read_until(sock, "\"resumed\":false");
    settle(sock);
}
END_TEST

START_TEST(a_stream_says_that_it_is_there)
{
    begin((struct http_options){.heartbeat_ns = 10 * NS_PER_MS});
    int sock = request("/v1/events", "");
    read_until(sock, "event: status");
    for (int i = 0; i < 3; i++) {
        n_bytes = 0;
        read_until(sock, ":\n\n");
    }
    settle(sock);
}
END_TEST

/* What is not taken is not made, and who takes nothing is let go. */
START_TEST(a_stream_that_nobody_reads)
{
    begin((struct http_options){.timeout_ns = 100 * NS_PER_MS});
    int sock = request("/v1/events", "");
    int64_t give_up_ns = clock_now_ns() + 10 * NS_PER_S;
    while (counter("discoverd_http_connections_closed_total{reason=\"timeout\"}") == 0 && clock_now_ns() < give_up_ns) {
        for (int i = 0; i < 500; i++)
            change("payment", i & 1 ? "a" : "b", i & 2 ? DISCOVER_PASSING : DISCOVER_CRITICAL);
        turn();
    }
    ck_assert_uint_eq(counter("discoverd_http_streams"), 0);
    settle(sock);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "http/changes", a_stream_says_that_it_is_there, a_stream_that_nobody_reads,
              a_request_waits_for_a_change_of_its_service, it_is_answered_at_once, its_time_is_over,
              what_comes_and_what_goes, any_change_wakes_who_waits_for_all, who_hangs_up_is_let_go_at_once,
              how_many_may_wait, a_stream_tells_what_changes, a_stream_goes_on,
              a_stream_that_missed_too_much_begins_anew)

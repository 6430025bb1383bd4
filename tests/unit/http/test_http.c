/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP interface over real connections, in front of a real catalog. */
#include "daemon/http/http.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/clock.h"
#include "tests/support/options.h"
#include "tests/support/unit.h"
#include "tests/unit/http/http_fixture.h"

/* More than the kernel takes into the buffers of a connection. */
#define MANY 20000

/* --- pages --- */

START_TEST(health_and_readiness)
{
    ck_assert_int_eq(get("/healthz"), 200);
    set_sync(TABLE_UNSYNCED);
    ck_assert_int_eq(get("/readyz"), 503);
    ck_assert_str_eq(answer, "unsynced\n");
    ck_assert_ptr_nonnull(
        strstr(head, "Discoverd-Sync: unsynced\r\nDiscoverd-Age-Ms: -1\r\n")); /* not as fresh as can be */
    ck_assert_int_eq(get("/v1/services"), 200);
    ck_assert_ptr_nonnull(strstr(answer, "\"sync\":\"unsynced\",\"age_ms\":-1,"));
    set_sync(TABLE_LIVE);
    ck_assert_int_eq(get("/readyz"), 200);
    ck_assert_ptr_nonnull(strstr(head, "Discoverd-Sync: live\r\nDiscoverd-Age-Ms: 0"));
    set_sync(TABLE_STALE);
    ck_assert_int_eq(get("/readyz"), 200);
    ck_assert_str_eq(answer, "stale\n");
    ck_assert_ptr_nonnull(strstr(head, "Discoverd-Sync: stale\r\nDiscoverd-Age-Ms: 70"));
}
END_TEST

START_TEST(metrics_in_prometheus_format)
{
    ck_assert_int_eq(get("/metrics"), 200);
    ck_assert_ptr_nonnull(strstr(head, "text/plain; version=0.0.4"));
    ck_assert_ptr_nonnull(strstr(answer, "# HELP discoverd_http_requests_total HTTP requests"));
    ck_assert_ptr_nonnull(
        strstr(answer, "# TYPE discoverd_http_requests_total counter\ndiscoverd_http_requests_total 1\n"));
    ck_assert_ptr_nonnull(strstr(answer, "# TYPE discoverd_services gauge\ndiscoverd_services 2\n"));
    ck_assert_ptr_nonnull(strstr(answer, "discoverd_sync{state=\"live\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(answer, "discoverd_build_info{version=\"0.1.0\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(answer, "discoverd_host_info{host=\"web-1\",address=\"\"} 1\n"));
}
END_TEST

START_TEST(services_and_one_of_them)
{
    set_sync(TABLE_LIVE);
    add("payment", "a", DISCOVER_PASSING);
    add("payment", "b", DISCOVER_CRITICAL);
    (void)catalog_flush(catalog);
    json_t *json = get_json("/v1/services");
    ck_assert_str_eq(text_of(json, "sync"), "live");
    json_t *list = json_object_get(json, "services");
    ck_assert_uint_eq(json_array_size(list), 1);
    ck_assert_str_eq(text_of(json_array_get(list, 0), "service"), "shop/payment");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 0), "usable")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 0), "instances")), 2);
    json_decref(json);

    json = get_json("/v1/services/shop/payment");
    list = json_object_get(json, "instances");
    ck_assert_uint_eq(json_array_size(list), 2);
    const json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
    ck_assert_str_eq(text_of(first, "instance"), "a");
    ck_assert_str_eq(text_of(first, "ipv4"), "10.0.0.1");
    ck_assert_str_eq(text_of(first, "ipv6"), "2001:db8::1");
    ck_assert_str_eq(text_of(first, "state"), "passing");
    ck_assert(json_is_true(json_object_get(first, "usable")));
    ck_assert_str_eq(text_of(second, "state"), "critical");
    ck_assert(json_is_false(json_object_get(second, "usable")));
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(first, "tags"), 0)), "canary");
    ck_assert_str_eq(text_of(json_object_get(first, "meta"), "app-version"), "1.4 \"x\"");
    json_decref(json);
}
END_TEST

/* "I could not ask" is not "nobody is there". */
START_TEST(unknown_is_not_the_same_as_not_known_yet)
{
    ck_assert_int_eq(get("/v1/services/shop/payment"), 503);
    ck_assert_int_eq(get("/v1/http_sd"), 503);
    set_sync(TABLE_LIVE);
    ck_assert_int_eq(get("/v1/services/shop/payment"), 404);
    ck_assert_int_eq(get("/v1/services/shop"), 400);
    ck_assert_int_eq(get("/v1/services/shop/payment/x"), 400);
    ck_assert_int_eq(get("/v1/services/host/payment"), 400);
    ck_assert_int_eq(get("/v1/http_sd"), 200);
    ck_assert_str_eq(answer, "[]\n");
    ck_assert_int_eq(get("/v1"), 404);
    ck_assert_int_eq(get("/metrics/"), 404);
}
END_TEST

START_TEST(hosts)
{
    const struct lease lease = {.epoch = 1,
                                .ttl_ms = 10000,
                                .region = "eu",
                                .zone = "z2",
                                .addresses.ipv4 = {10, 0, 0, 2},
                                .addresses.families = DISCOVER_HAS_IPV4};
    ck_assert_int_eq(catalog_set_host(catalog, "web-2", &lease, false, clock_now_ns()), 0);
    ck_assert_int_eq(catalog_set_host(catalog, "web-3", &lease, true, clock_now_ns()), 0);
    (void)catalog_flush(catalog);
    set_sync(TABLE_DEGRADED);
    json_t *json = get_json("/v1/hosts"), *list = json_object_get(json, "hosts");
    ck_assert_str_eq(text_of(json, "sync"), "degraded");
    size_t found = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *host = json_array_get(list, i);
        if (strcmp(text_of(host, "host"), "web-1") == 0)
            continue;
        found++;
        ck_assert(json_is_true(json_object_get(host, "alive")) == (strcmp(text_of(host, "host"), "web-3") == 0));
        ck_assert_str_eq(text_of(host, "zone"), "z2");
        ck_assert_str_eq(text_of(host, "ipv4"), "10.0.0.2");
    }
    ck_assert_uint_eq(found, 2);
    json_decref(json);
}
END_TEST

START_TEST(prometheus_service_discovery)
{
    set_sync(TABLE_LIVE);
    add("payment", "a", DISCOVER_PASSING);
    add("payment", "b", DISCOVER_MAINTENANCE);
    (void)catalog_flush(catalog);
    json_t *json = get_json("/v1/http_sd");
    ck_assert_uint_eq(json_array_size(json), 1);
    const json_t *group = json_array_get(json, 0), *labels = json_object_get(group, "labels");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(group, "targets"), 0)), "10.0.0.1:8080");
    ck_assert_str_eq(text_of(labels, "__meta_discoverd_service"), "shop/payment");
    ck_assert_str_eq(text_of(labels, "__meta_discoverd_instance"), "a");
    ck_assert_str_eq(text_of(labels, "__meta_discoverd_tags"), ",canary,");
    ck_assert_str_eq(text_of(labels, "__meta_discoverd_meta_app_version"), "1.4 \"x\"");
    json_decref(json);
    ck_assert_int_eq(get("/v1/http_sd?domain=sho"), 200);
    ck_assert_str_eq(answer, "[]\n");
    ck_assert_int_eq(get("/v1/http_sd?tag=canary&tag=blue"), 200);
    ck_assert_str_eq(answer, "[]\n");
    json = get_json("/v1/http_sd?domain=shop&tag=can%61ry");
    ck_assert_uint_eq(json_array_size(json), 1);
    json_decref(json);
    ck_assert_int_eq(get("/v1/http_sd?tag=%"), 400);
    ck_assert_int_eq(get("/v1/http_sd?tag=1&tag=2&tag=3&tag=4&tag=5&tag=6&tag=7&tag=8&tag=9"), 400);
}
END_TEST

START_TEST(status)
{
    json_t *json = get_json("/v1/status");
    ck_assert_str_eq(text_of(json, "host"), "web-1");
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(json, "counters"), "discoverd_http_requests_total")), 1);
    json_decref(json);
}
END_TEST

START_TEST(long_lists_come_in_pieces)
{
    set_sync(TABLE_LIVE);
    add_many("service", 3000);
    set_sync(TABLE_LIVE);
    json_t *json = get_json("/v1/http_sd");
    ck_assert_uint_eq(json_array_size(json), 3000);
    json_decref(json);
    json = get_json("/v1/services");
    ck_assert_uint_eq(json_array_size(json_object_get(json, "services")), 3000);
    json_decref(json);
    json = get_json("/v1/hosts");
    ck_assert_uint_le(json_array_size(json_object_get(json, "hosts")), 1);
    json_decref(json);

    ck_assert_int_eq(ask("GET /v1/services HTTP/1.0\r\n\r\n"), 200);
    ck_assert_ptr_null(strstr(head, "chunked"));
    json = json_loads(answer, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "services")), 3000);
    json_decref(json);
}
END_TEST

/* Who is there from the first byte to the last is listed once, however far the table grows meanwhile. */
START_TEST(table_that_moves_under_a_list)
{
    set_sync(TABLE_LIVE);
    add_many("service", MANY);
    int sock = dial();
    const char *request = "GET /v1/http_sd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    ck_assert_int_eq(send(sock, request, strlen(request), 0), (ssize_t)strlen(request));
    for (int i = 0; i < 20; i++)
        turn();
    const table_word *before = table_writer_table(catalog_table(catalog))->words;
    for (int i = 0; table_writer_table(catalog_table(catalog))->words == before; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "more-%d", i);
        add_many(prefix, 1000);
    }
    (void)read_all(sock, answer, ANSWER_MAX);
    close(sock);
    turn();
    char *body = strstr(answer, "\r\n\r\n") + 4;
    ck_assert(unchunk(body));
    json_t *json = json_loads(body, 0, NULL);
    ck_assert_uint_ge(json_array_size(json), MANY);
    json_decref(json);
    ck_assert_uint_eq(counter("discoverd_http_connections_closed_total{reason=\"aborted\"}"), 0);
    ck_assert_uint_eq(counter("discoverd_http_connections"), 0);
}
END_TEST

/* --- clients --- */

START_TEST(head_has_no_body)
{
    ck_assert_int_eq(ask("HEAD /healthz HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n"), 200);
    ck_assert_ptr_nonnull(strstr(head, "Content-Length: 3"));
    ck_assert_str_eq(answer, "");
    ck_assert_int_eq(ask("HEAD /v1/services HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"), 200);
    ck_assert_str_eq(answer, "");
}
END_TEST

START_TEST(what_is_not_understood_is_refused_and_told)
{
    ck_assert_int_eq(ask("POST /v1/services HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"), 405);
    ck_assert_ptr_nonnull(strstr(head, "Allow: GET, HEAD"));
    ck_assert_int_eq(ask("GET / HTTP/3.0\r\n\r\n"), 505);
    ck_assert_int_eq(ask("nonsense\r\n\r\n"), 400);
    ck_assert_int_eq(ask("\x16\x03\x01\x02\n\n"), 400);
    static char large[100000];
    memset(large, 'a', sizeof large - 1);
    memcpy(large, "GET / HTTP/1.1\r\nX: ", 19);
    ck_assert_int_eq(ask(large), 431);
    ck_assert_uint_eq(counter("discoverd_http_refused_total"), 5);
    /* A page whose name was made to point here (DNS rebinding). */
    ck_assert_int_eq(ask("GET /v1/services HTTP/1.1\r\nHost: evil.example:8054\r\n\r\n"), 421);
    ck_assert_ptr_null(strstr(answer, "shop"));
    ck_assert_int_eq(ask("GET http://evil.example/v1/services HTTP/1.1\r\nHost: localhost\r\n\r\n"), 421);
    ck_assert_uint_eq(counter("discoverd_http_refused_total"), 7);
    ck_assert_int_eq(ask("GET http://localhost/v1/services HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 200);
    ck_assert_int_eq(get("/healthz"), 200);
    ck_assert_uint_eq(counter("discoverd_http_connections"), 0);
}
END_TEST

START_TEST(slow_ones_are_ended)
{
    restart((struct http_options){.timeout_ns = 30 * NS_PER_MS});
    int sock = dial();
    ck_assert_int_eq(send(sock, "GET /he", 7, 0), 7);
    ck_assert_int_eq(take_answer(sock), 408);
    ck_assert_uint_eq(counter("discoverd_http_connections_closed_total{reason=\"timeout\"}"), 1);
}
END_TEST

START_TEST(who_does_not_read_is_ended)
{
    restart((struct http_options){.timeout_ns = 30 * NS_PER_MS});
    set_sync(TABLE_LIVE);
    add_many("service", MANY);
    int sock = dial();
    const char *request = "GET /v1/http_sd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    ck_assert_int_eq(send(sock, request, strlen(request), 0), (ssize_t)strlen(request));
    int64_t give_up_ns = clock_now_ns() + 10 * NS_PER_S;
    while (counter("discoverd_http_connections_closed_total{reason=\"timeout\"}") == 0 && clock_now_ns() < give_up_ns)
        turn();
    ck_assert_uint_eq(counter("discoverd_http_connections_closed_total{reason=\"timeout\"}"), 1);
    ck_assert_uint_eq(counter("discoverd_http_connections"), 0);
    close(sock);
}
END_TEST

START_TEST(too_many_at_once)
{
    restart((struct http_options){.connections_max = 2});
    int a = dial(), b = dial();
    turn();
    int c = dial();
    ck_assert_int_eq(take_answer(c), 503);
    ck_assert_ptr_nonnull(strstr(answer, "limits.http_clients"));
    ck_assert_uint_eq(counter("discoverd_http_connections_closed_total{reason=\"limit\"}"), 1);
    close(a);
    close(b);
    turn();
    turn();
    ck_assert_int_eq(get("/healthz"), 200);
}
END_TEST

static int dial_as(uid_t uid)
{
    ck_assert_int_eq(seteuid(uid), 0);
    int sock = dial();
    ck_assert_int_eq(seteuid(0), 0);
    turn();
    return sock;
}

/* All come from one address, so it is users that have shares; and root a reserve. */
START_TEST(a_user_does_not_take_all_connections)
{
    int socks[7];
    if (geteuid() != 0)
        return;
    restart((struct http_options){.connections_max = 8, .per_user_max = 4, .reserve = 2});
    for (uid_t i = 0; i < 6; i++)
        socks[i] = dial_as(i < 4 ? 4321 : 4322);
    ck_assert_int_eq(take_answer(dial_as(4321)), 503);
    ck_assert_int_eq(get("/healthz"), 200); /* root's */
    socks[6] = dial_as(4323);               /* takes the place of the oldest of who has the most */
    ck_assert_uint_eq(read_all(socks[0], answer, ANSWER_MAX), 0);
    ck_assert_uint_eq(counter("discoverd_http_connections_closed_total{reason=\"displaced\"}"), 1);
}
END_TEST

START_TEST(clients_that_vanish)
{
    for (int i = 0; i < 50; i++) {
        int sock = dial();
        if (i & 1)
            ck_assert_int_eq(send(sock, "GET /metrics HTTP/1.0\r\n\r\n", i & 2 ? 25 : 10, 0), i & 2 ? 25 : 10);
        if (i & 4)
            turn();
        close(sock);
        turn();
    }
    int64_t give_up_ns = clock_now_ns() + 10 * NS_PER_S;
    while (counter("discoverd_http_connections") > 0 && clock_now_ns() < give_up_ns)
        turn();
    ck_assert_uint_eq(counter("discoverd_http_connections"), 0);
}
END_TEST

START_TEST(listening_where_it_cannot)
{
    char taken[32];
    struct http *other;
    const struct http_ops ops = {.catalog = catalog, .status = status_op};
    snprintf(taken, sizeof taken, "127.0.0.1:%d", port);
    struct http_options options = http_complete((struct http_options){.listen = taken});
    ck_assert_int_eq(http_new(base, &options, &ops, metrics, &other), -EADDRINUSE);
    options.listen = "nonsense";
    ck_assert_int_eq(http_new(base, &options, &ops, metrics, &other), -EINVAL);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "http/http", health_and_readiness, metrics_in_prometheus_format,
              services_and_one_of_them, unknown_is_not_the_same_as_not_known_yet, hosts, prometheus_service_discovery,
              status, long_lists_come_in_pieces, table_that_moves_under_a_list, head_has_no_body,
              what_is_not_understood_is_refused_and_told, slow_ones_are_ended, who_does_not_read_is_ended,
              too_many_at_once, a_user_does_not_take_all_connections, clients_that_vanish, listening_where_it_cannot)

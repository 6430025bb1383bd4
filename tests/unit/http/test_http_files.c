/* SPDX-License-Identifier: Apache-2.0 */
/* What is served as it is, what a client has already, and what is remembered of what was asked for. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/http/answer_cache.h"
#include "daemon/http/history.h"
#include "daemon/catalog/catalog_changes.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/http/http_fixture.h"

static int get_if_not(const char *path, const char *tag)
{
    char request[512];
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nIf-None-Match: %s\r\n\r\n", path, tag);
    return ask(request);
}

static void tag_reported(char ret_tag[static 80])
{
    const char *at = strstr(head, "ETag: ");
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(at, "ETag: %79[^\r]", ret_tag), 1);
}

/* It may run its own script and ask this origin, and nothing else; no other page may frame it. */
START_TEST(the_page_says_what_it_may)
{
    char tag[80];
    ck_assert_int_eq(get("/"), 200);
    ck_assert_ptr_nonnull(strstr(head, "Content-Type: text/html; charset=utf-8\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "Content-Security-Policy: default-src 'none'; connect-src 'self';"));
    ck_assert_ptr_nonnull(strstr(head, "script-src 'sha256-"));
    ck_assert_ptr_nonnull(strstr(head, "frame-ancestors 'none'"));
    ck_assert_ptr_null(strstr(head, "unsafe"));
    ck_assert_ptr_nonnull(strstr(answer, "</html>"));
    ck_assert_ptr_null(strstr(answer, "https://"));
    tag_reported(tag);
    ck_assert_int_eq(get_if_not("/", tag), 304);
    ck_assert_str_eq(answer, "");
    ck_assert_int_eq(get_if_not("/", "\"other\""), 200);
    ck_assert_int_eq(get("/?q=payment&view=hosts"), 200);
    ck_assert_int_eq(get("/page.html"), 404);
    ck_assert_int_eq(ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421);
}
END_TEST

START_TEST(schemas_are_served)
{
    ck_assert_int_eq(get("/v1/schema/services"), 200);
    ck_assert_ptr_nonnull(strstr(head, "Content-Type: application/schema+json\r\n"));
    json_t *schema = json_loads(answer, 0, NULL);
    ck_assert_str_eq(text_of(schema, "title"), "services");
    json_decref(schema);
    ck_assert_int_eq(get("/v1/schema/"), 404);
    ck_assert_int_eq(get("/v1/schema/none"), 404);
}
END_TEST

/* Until the service changes; and not when nobody knows whether it has. */
START_TEST(who_has_it_is_told_so)
{
    char tag[80], before[80];
    set_sync(TABLE_LIVE);
    add("payment", "a", DISCOVER_PASSING);
    (void)catalog_flush(catalog);
    ck_assert_int_eq(get("/v1/services/shop/payment"), 200);
    tag_reported(tag);
    ck_assert_int_eq(get_if_not("/v1/services/shop/payment", tag), 304);
    strcpy(before, tag);
    add("orders", "a", DISCOVER_PASSING);
    add("payment", "b", DISCOVER_PASSING);
    (void)catalog_flush(catalog);
    ck_assert_int_eq(get_if_not("/v1/services/shop/payment", tag), 200);
    ck_assert_ptr_nonnull(strstr(answer, "\"instance\":\"b\""));
    tag_reported(tag);
    ck_assert_str_ne(tag, before);
    set_sync(TABLE_STALE);
    ck_assert_int_eq(get_if_not("/v1/services/shop/payment", tag), 200);
    ck_assert_ptr_nonnull(strstr(answer, "\"sync\":\"stale\""));
    ck_assert_ptr_null(strstr(head, "ETag"));
}
END_TEST

START_TEST(what_is_remembered_is_what_is_there)
{
    set_sync(TABLE_LIVE);
    for (int round = 0; round < 20; round++) {
        char name[16];
        snprintf(name, sizeof name, "i%d", round);
        add("payment", name, DISCOVER_PASSING);
        (void)catalog_flush(catalog);
        for (int again = 0; again < 3; again++) {
            json_t *json = get_json("/v1/services/shop/payment");
            ck_assert_uint_eq(json_array_size(json_object_get(json, "instances")), (size_t)round + 1);
            json_decref(json);
        }
    }
    set_sync(TABLE_STALE);
    ck_assert_int_eq(get("/v1/services/shop/payment"), 200);
    ck_assert_ptr_nonnull(strstr(answer, "\"sync\":\"stale\""));
}
END_TEST

START_TEST(the_cache_forgets)
{
    struct answer_cache *cache = answer_cache_new();
    struct evbuffer *body = evbuffer_new(), *out = evbuffer_new();
    char name[32];
    evbuffer_add_printf(body, "text");
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "shop/s%d", i);
        answer_cache_put(cache, name, 7, body);
        ck_assert_int_eq(answer_cache_get(cache, name, 7, out), 0);
        ck_assert_int_lt(answer_cache_get(cache, name, 8, out), 0);
    }
    ck_assert_uint_eq(evbuffer_get_length(out), 2000 * strlen("text"));
    ck_assert_int_lt(answer_cache_get(cache, "shop/other", 7, out), 0);
    evbuffer_expand(body, 1 << 20);
    for (int i = 0; i < 20000; i++)
        evbuffer_add(body, "x", 1);
    size_t bytes = answer_cache_bytes(cache);
    answer_cache_put(cache, "shop/large", 7, body);
    ck_assert_int_lt(answer_cache_get(cache, "shop/large", 7, out), 0);
    ck_assert_uint_eq(answer_cache_bytes(cache), bytes);
    evbuffer_free(body);
    evbuffer_free(out);
    answer_cache_free(cache);
}
END_TEST

/* A change that was before anybody looked has no age. */
START_TEST(changes_have_an_age)
{
    struct history *history;
    add("payment", "a", DISCOVER_PASSING);
    uint64_t before = catalog_index(catalog);
    ck_assert_int_eq(history_new(base, metrics, catalog, &history), 0);
    add("payment", "b", DISCOVER_PASSING);
    int64_t now_ns = clock_now_ns();
    ck_assert_int_eq(history_age_ns(history, before, now_ns), -1);
    ck_assert_int_eq(history_age_ns(history, catalog_index(catalog), now_ns), 0); /* within this second */
    json_t *document = history_document(history);
    ck_assert_uint_eq(json_array_size(json_object_get(document, "changes")), 0);
    json_decref(document);
    history_free(history);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "http/files", the_page_says_what_it_may, schemas_are_served, who_has_it_is_told_so,
              what_is_remembered_is_what_is_there, the_cache_forgets, changes_have_an_age)

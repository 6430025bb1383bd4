/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP interface: requests that wait for a change of what they ask for. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/base/hash.h"
#include "daemon/catalog/catalog_changes.h"
#include "daemon/config/duration.h"
#include "daemon/http/http_impl.h"
#include "daemon/http/query_string.h"
#include "libdiscover/core/clock.h"

/* The same times as Consul's, as clients are written for these. */
#define WAIT_NS     (300 * NS_PER_S)
#define WAIT_MAX_NS (600 * NS_PER_S)
#define JITTER      16 /* up to this part is added, so that clients which began together do not come back together */

/* What some of the held requests wait for. */
struct held_key {
    UT_hash_handle hh;
    struct connection *connections;
    char key[]; /* name of a service; "": any change */
};

static struct held_key *find(const struct http *h, const char *key)
{
    struct held_key *held;
    HASH_FIND_STR(h->held, key, held);
    return held;
}

static struct held_key *find_or_add(struct http *h, const char *key)
{
    struct held_key *held = find(h, key);
    size_t n = strlen(key);
    if (held)
        return held;
    held = calloc(1, sizeof *held + n + 1);
    if (!held)
        return NULL;
    memcpy(held->key, key, n + 1);
    HASH_ADD_KEYPTR(hh, h->held, held->key, n, held);
    if (hash_added(&held->hh))
        return held;
    free(held);
    return NULL;
}

void http_held_end(struct connection *c)
{
    struct http *h = c->http;
    struct held_key *held = c->held;
    if (!held)
        return;
    c->held = NULL;
    metric_set(&h->metrics.held, --h->n_held);
    DL_DELETE2(held->connections, c, prev_held, next_held);
    if (held->connections)
        return;
    HASH_DEL(h->held, held);
    free(held);
}

void http_held_wake(struct connection *c)
{
    http_held_end(c);
    http_connection_deadline(c, INT64_MAX);
    c->woken = true;
    c->state = ASKING;
    http_wait_for_turn(c);
}

static void wake_all(struct http *h, const char *key)
{
    struct held_key *held = find(h, key);
    while (held) {
        bool last = held->connections->next_held == NULL;
        http_held_wake(held->connections);
        held = last ? NULL : held;
    }
}

void http_held_changed(struct http *h, const char *service)
{
    if (!h->held)
        return;
    wake_all(h, service);
    wake_all(h, "");
}

void http_held_fini(struct http *h)
{
    HASH_CLEAR(hh, h->held); /* the keys were freed with their last connections */
}

/* --- what is asked for --- */

/* Parses "5m", "300s", or a number of seconds. */
static int parse_wait(const char *text, int64_t *ret_ns)
{
    char *end;
    unsigned long seconds = strtoul(text, &end, 10);
    if (!*text) {
        *ret_ns = WAIT_NS;
        return 0;
    }
    if (*end || end == text)
        return duration_parse(text, ret_ns);
    *ret_ns = seconds < (unsigned long)(WAIT_MAX_NS / NS_PER_S) ? (int64_t)seconds * NS_PER_S : WAIT_MAX_NS;
    return 0;
}

static int read_index(const struct connection *c, uint64_t *ret_index)
{
    char text[32], *end;
    int found = query_first(c->request.query, "index", text, sizeof text);
    *ret_index = 0;
    if (found <= 0)
        return found;
    *ret_index = strtoull(text, &end, 10);
    return *end || end == text || *text == '-' ? -1 : 0;
}

static int read_wait(const struct connection *c, int64_t *ret_ns)
{
    char text[32] = "";
    if (query_first(c->request.query, "wait", text, sizeof text) < 0 || parse_wait(text, ret_ns) < 0 || *ret_ns < 0)
        return -1;
    if (*ret_ns > WAIT_MAX_NS)
        *ret_ns = WAIT_MAX_NS;
    *ret_ns += (int64_t)((uint64_t)random() % ((uint64_t)*ret_ns / JITTER + 1));
    return 0;
}

static bool refuse(struct connection *c)
{
    metric_inc(&c->http->metrics.held_limited);
    http_send_text(c, 503, "too many requests that wait for a change (limits.http_held)");
    return true;
}

static bool hold(struct connection *c, const char *key, int64_t ns)
{
    if (http_share_move(c, true) < 0)
        return refuse(c);
    struct held_key *held = find_or_add(c->http, key);
    if (!held)
        return refuse(c);
    c->held = held;
    c->state = HELD;
    DL_APPEND2(held->connections, c, prev_held, next_held);
    metric_set(&c->http->metrics.held, ++c->http->n_held);
    http_connection_deadline(c, ns);
    return true;
}

/*
 * The client has the latest state if nothing has changed since its number. A number above all of ours is of another
 * life, and says nothing here.
 */
bool http_hold(struct connection *c, const char *key, uint64_t index)
{
    uint64_t known, latest = catalog_index(c->http->ops.catalog);
    int64_t ns;
    c->index = index;
    if (read_index(c, &known) < 0 || read_wait(c, &ns) < 0) {
        http_send_text(c, 400, "index is a number, wait a time such as 60s or 5m");
        return true;
    }
    bool same = known && known >= index && known <= latest;
    return same && !c->woken && ns > 0 && !c->ended ? hold(c, key, ns) : false;
}

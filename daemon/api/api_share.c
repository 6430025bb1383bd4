/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ejections that processes share. The daemon believes nobody and checks nothing: it passes the word on, and
 * each reader applies it within its own limits. It passes on what a user says to that user's processes; what
 * one says who may register, and so could take instances away by itself, to all. So nobody can starve another
 * user's programs.
 *
 * Said twice it is passed on once, until it has run out: with the limit on how many there are at once this is
 * a limit on what a flood can make others read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/api/api_impl.h"
#include "libdiscover/core/clock.h"

#define FOR_MS_MIN 1000
#define FOR_MS_MAX 300000 /* as the library's longest */

struct api_share {
    struct api_share *next;
    char service[];
};

struct api_ejection {
    struct api_ejection *next;
    uint64_t id;
    int64_t until_ns;
    uid_t uid;
    bool for_all;
    char service[];
};

/* --- who wants to hear --- */

static struct api_share *find_share(struct api_client *c, const char *service)
{
    struct api_share *s = c->shares;
    while (s && strcmp(s->service, service) != 0)
        s = s->next;
    return s;
}

static int add_share(struct api_client *c, const char *service)
{
    size_t n = strlen(service) + 1;
    if (find_share(c, service))
        return 0;
    if (c->n_shares >= c->api->options.watches_max) {
        metric_inc(&c->api->metrics.watches_limited);
        return -E2BIG;
    }
    struct api_share *s = malloc(sizeof *s + n);
    if (!s)
        return -ENOMEM;
    memcpy(s->service, service, n);
    LL_PREPEND(c->shares, s);
    c->n_shares++;
    return 0;
}

static void stop_share(struct api_client *c, const char *service)
{
    struct api_share *s = find_share(c, service);
    if (!s)
        return;
    LL_DELETE(c->shares, s);
    c->n_shares--;
    free(s);
}

void api_share_free(struct api_client *c)
{
    struct api_share *s, *next;
    LL_FOREACH_SAFE(c->shares, s, next)
    free(s);
    c->shares = NULL;
    c->n_shares = 0;
}

/* --- what is said --- */

void api_ejections_free(struct api *api)
{
    struct api_ejection *e, *next;
    LL_FOREACH_SAFE(api->ejections, e, next)
    free(e);
    api->ejections = NULL;
}

/* Drops what has run out. */
static void expire(struct api *api, int64_t now_ns)
{
    struct api_ejection *e, *next;
    LL_FOREACH_SAFE(api->ejections, e, next)
    {
        if (e->until_ns > now_ns)
            continue;
        LL_DELETE(api->ejections, e);
        free(e);
    }
}

/* A client that is behind is not told: it has enough to read, and this is a hint. */
static void pass_on(struct api_client *to, const struct api_ejection *e, int64_t now_ns)
{
    Discover__V1__Ejected ejected = DISCOVER__V1__EJECTED__INIT;
    Discover__V1__ServerMessage message = DISCOVER__V1__SERVER_MESSAGE__INIT;
    bool may_hear = e->for_all || e->uid == to->peer.uid;
    if (!may_hear || to->ended || to->out || !find_share(to, e->service))
        return;
    ejected.service = (char *)e->service;
    ejected.id = e->id;
    ejected.for_ms = (uint32_t)((e->until_ns - now_ns) / NS_PER_MS);
    message.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_EJECTED;
    message.ejected = &ejected;
    api_client_send(to, &message, -1);
}

static bool is_known(const struct api *api, const struct api_client *from, const Discover__V1__Eject *m)
{
    for (const struct api_ejection *e = api->ejections; e; e = e->next)
        if (e->id == m->id && e->uid == from->peer.uid && strcmp(e->service, m->service) == 0)
            return true;
    return false;
}

static bool has_room(const struct api *api, const struct api_client *from)
{
    uint32_t n = 0, own = 0;
    for (const struct api_ejection *e = api->ejections; e; e = e->next) {
        n++;
        own += e->uid == from->peer.uid;
    }
    bool own_room = from->peer.may_register || own < api->options.ejections_max / 4;
    return n < api->options.ejections_max && own_room;
}

static struct api_ejection *add_ejection(struct api_client *from, const Discover__V1__Eject *m, int64_t now_ns)
{
    size_t n = strlen(m->service) + 1;
    struct api_ejection *e = malloc(sizeof *e + n);
    if (!e)
        return NULL;
    int64_t for_ms = m->for_ms < FOR_MS_MIN ? FOR_MS_MIN : m->for_ms > FOR_MS_MAX ? FOR_MS_MAX : m->for_ms;
    e->id = m->id;
    e->until_ns = now_ns + for_ms * NS_PER_MS;
    e->uid = from->peer.uid;
    e->for_all = from->peer.may_register;
    memcpy(e->service, m->service, n);
    LL_PREPEND(from->api->ejections, e);
    metric_inc(&from->api->metrics.ejections);
    return e;
}

/* --- messages --- */

static bool check_service(struct api_client *c, uint32_t id, const char *service)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    if (service_parse(service, domain, name) == 0)
        return true;
    api_client_send_error(c, id, DISCOVER__V1__ERROR__CODE__BAD_REQUEST,
                          "service: not \"domain/service\" of two names, or the domain is reserved");
    return false;
}

void api_share_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    int64_t now_ns = clock_now_ns();
    if (!check_service(c, m->id, m->share->service))
        return;
    if (m->share->stop) {
        stop_share(c, m->share->service);
        return;
    }
    if (add_share(c, m->share->service) < 0) {
        api_client_send_error(c, m->id, DISCOVER__V1__ERROR__CODE__LIMIT,
                              "this connection shares as many services as it may");
        return;
    }
    expire(c->api, now_ns);
    for (const struct api_ejection *e = c->api->ejections; e; e = e->next)
        if (strcmp(e->service, m->share->service) == 0)
            pass_on(c, e, now_ns);
}

void api_eject_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    struct api *api = c->api;
    int64_t now_ns = clock_now_ns();
    if (!check_service(c, m->id, m->eject->service))
        return;
    expire(api, now_ns);
    if (is_known(api, c, m->eject))
        return;
    const struct api_ejection *e = has_room(api, c) ? add_ejection(c, m->eject, now_ns) : NULL;
    if (!e) {
        metric_inc(&api->metrics.ejections_limited);
        api_client_send_error(c, m->id, DISCOVER__V1__ERROR__CODE__LIMIT,
                              "as many ejections are shared as may be (limits.ejections)");
        return;
    }
    struct api_client *other;
    DL_FOREACH(api->clients, other)
    {
        if (other != c)
            pass_on(other, e, now_ns);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ejections that processes share. The daemon does not check them: it passes each on, and every process applies it
 * within its own limits. An ejection by a user who may register, and so could take instances away by himself, goes to
 * all processes; one by any other user goes to that user's processes alone. So nobody can starve another user's
 * programs. An ejection that is in force already is not passed on again: with the limit on their number this limits
 * what a flood can make others read.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/api/api_impl.h"
#include "libdiscover/core/clock.h"

#define FOR_MS_MIN 1000
#define FOR_MS_MAX 300000 /* the longest that the library asks for */

struct api_ejection {
    struct api_ejection *next;
    uint64_t nth; /* its number, of all that there were */
    uint64_t id;
    uint64_t from; /* the client that ejected */
    int64_t until_ns;
    uid_t uid;
    bool for_all;
    char service[];
};

/* --- what is said --- */

void api_ejections_free(struct api *api)
{
    struct api_ejection *e, *next;
    LL_FOREACH_SAFE(api->ejections, e, next)
    free(e);
    api->ejections = NULL;
}

/* Drops ejections whose time is over. */
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

static bool concerns(const struct api_ejection *e, const struct api_subscription *s, int64_t now_ns)
{
    const struct api_client *to = s->client;
    bool may_hear = e->for_all || e->uid == to->peer.uid;
    return may_hear && e->from != to->id && e->until_ns > now_ns && strcmp(e->service, s->key.topic->service) == 0;
}

static void pass_on(struct api_client *to, const struct api_ejection *e, int64_t now_ns)
{
    Discover__V1__Ejected ejected = DISCOVER__V1__EJECTED__INIT;
    ejected.service = (char *)e->service;
    ejected.id = e->id;
    ejected.for_ms = (uint32_t)((e->until_ns - now_ns) / NS_PER_MS);
    api_client_send(to, 0, DISCOVER__V1__SERVER_MESSAGE__BODY_EJECTED, &ejected.base, -1);
}

/* Sends the oldest one that the client has not been sent yet: one in each turn. */
void api_share_deliver(struct api_subscription *s)
{
    const struct api_ejection *oldest = NULL, *e = s->client->api->ejections;
    int64_t now_ns = clock_now_ns();
    for (; e && e->nth > s->heard; e = e->next)
        if (concerns(e, s, now_ns))
            oldest = e;
    if (!oldest)
        return;
    s->heard = oldest->nth;
    api_subscription_due(s); /* there may be more */
    pass_on(s->client, oldest, now_ns);
}

size_t api_ejected(const struct api *api, const char *service, int64_t now_ns, size_t max, struct api_ejected *ret_all)
{
    size_t n = 0;
    for (const struct api_ejection *e = api->ejections; e && n < max; e = e->next)
        if (e->until_ns > now_ns && strcmp(e->service, service) == 0)
            ret_all[n++] = (struct api_ejected){e->id, e->uid, e->for_all, e->until_ns - now_ns};
    return n;
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
    e->nth = ++from->api->last_ejection;
    e->id = m->id;
    e->from = from->id;
    e->until_ns = now_ns + for_ms * NS_PER_MS;
    e->uid = from->peer.uid;
    e->for_all = from->peer.may_register;
    memcpy(e->service, m->service, n);
    LL_PREPEND(from->api->ejections, e);
    metric_inc(&from->api->metrics.ejections);
    return e;
}

/* --- messages --- */

void api_share_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    struct api_subscription *s = api_subscribe(c, m->id, API_EJECTIONS, m->share->service, m->share->stop);
    if (s)
        s->heard = 0; /* a client that asks again, for another picker in its process, is sent those in force again */
}

void api_eject_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    struct api *api = c->api;
    int64_t now_ns = clock_now_ns();
    if (!api_check_service(c, m->id, m->eject->service))
        return;
    expire(api, now_ns);
    if (is_known(api, c, m->eject))
        return;
    if (!has_room(api, c) || !add_ejection(c, m->eject, now_ns)) {
        metric_inc(&api->metrics.ejections_limited);
        api_refuse(c, m->id, DISCOVER__V1__ERROR__CODE__LIMIT,
                   "as many ejections are shared as may be (limits.ejections)");
        return;
    }
    api_topic_due(api, API_EJECTIONS, m->eject->service, NULL);
}

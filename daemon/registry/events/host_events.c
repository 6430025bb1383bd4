/* SPDX-License-Identifier: Apache-2.0 */
/* Events about hosts that are lost, held or back, which one chosen host reports; and about the own host. */
#include "daemon/registry/events/host_events.h"

#include <string.h>

#include "daemon/base/hash.h"
#include "daemon/base/loop.h"
#include "daemon/catalog/catalog_explain.h"
#include "libdiscover/core/clock.h"

static struct reported_host *find(struct host_events *h, const char *host)
{
    uint64_t hash = hash_bytes(host, strlen(host));
    for (size_t i = 0; i < h->n_reported; i++)
        if (h->hashes[i] == hash && strcmp(h->reported[i].host, host) == 0)
            return &h->reported[i];
    return NULL;
}

static void forget(struct host_events *h, struct reported_host *t)
{
    *t = h->reported[--h->n_reported];
    h->hashes[t - h->reported] = h->hashes[h->n_reported];
    h->next = 0;
}

static struct reported_host *room(struct host_events *h)
{
    if (h->n_reported < HOST_EVENTS_MAX)
        return &h->reported[h->n_reported++];
    struct reported_host *oldest = &h->reported[h->next++ % HOST_EVENTS_MAX];
    if (oldest->due)
        events_left_out(h->events);
    return oldest;
}

static void note(struct host_events *h, struct reported_host *t, const char *host, const struct lease *lease,
                 enum event_type what, int64_t gone_ns)
{
    char name[LABEL_CAP];
    size_t instances = 0;
    memcpy(name, host, strlen(host) + 1); /* host may point into *t, which is overwritten below */
    (void)catalog_ids_of_host(h->catalog, name, 0, NULL, &instances);
    *t = (struct reported_host){.what = what,
                                .due = true,
                                .life = lease->life ? lease->life : lease->epoch,
                                .counter = lease->counter,
                                .instances = instances,
                                .gone_ns = gone_ns,
                                .time_ms = clock_wall_ms()};
    memcpy(t->host, name, sizeof name);
    h->hashes[t - h->reported] = hash_bytes(name, strlen(name));
    h->due = true;
}

/* A host that died may not have published yet what it was chosen to report: another is chosen for that. */
static void choose_again(struct host_events *h, const char *dead)
{
    struct liveness_host known;
    if (liveness_host(h->liveness, dead, &known) < 0)
        return;
    for (size_t i = 0; i < h->n_reported; i++)
        if (!h->reported[i].due && strcmp(h->reported[i].chosen, dead) == 0 &&
            h->reported[i].chosen_ns >= known.heard_ns)
            h->reported[i].due = h->due = true;
}

static void gone(struct host_events *h, struct reported_host *t, const char *host, const struct lease *lease,
                 enum event_type what, int64_t now_ns)
{
    if (what == EVENT_HOST_LOST && !catalog_host_alive(h->catalog, host))
        return;
    if (t && t->what == what && t->counter == lease->counter)
        return;
    note(h, t ? t : room(h), host, lease, what, now_ns);
    if (what == EVENT_HOST_LOST)
        choose_again(h, host);
}

/* A host that comes back in another life reports that itself. */
static void alive(struct host_events *h, struct reported_host *t, const struct lease *lease)
{
    uint64_t life = lease->life ? lease->life : lease->epoch;
    if (!t || t->what == EVENT_HOST_UP)
        return;
    if (t->life == life)
        note(h, t, t->host, lease, EVENT_HOST_UP, t->gone_ns);
    else
        forget(h, t);
}

void host_events_changed(struct host_events *h, const char *host, const struct lease *lease, enum host_status status,
                         int64_t now_ns)
{
    if (!events_wanted(h->events))
        return;
    struct reported_host *t = find(h, host);
    if (status == HOST_EXPIRED)
        gone(h, t, host, lease, EVENT_HOST_LOST, now_ns);
    else if (status == HOST_HELD)
        gone(h, t, host, lease, EVENT_HOST_HELD, now_ns);
    else if (status == HOST_ALIVE)
        alive(h, t, lease);
    else if (t)
        forget(h, t);
}

void host_events_guard(struct host_events *h, size_t held, const char *reason, int64_t now_ns)
{
    if (held && !h->guard_on)
        h->guard_ns = now_ns;
    h->guard_due |= (held > 0) != h->guard_on;
    h->guard_on = held > 0;
    h->guard_held = held;
    h->guard_reason = reason;
}

/* The event's id, which is the same on whatever host it is made: FNV-1a. */
static uint64_t id_of(const struct reported_host *t)
{
    uint64_t numbers[] = {t->life, t->counter, (uint64_t)t->what}, hash = UINT64_C(0xcbf29ce484222325);
    const uint8_t *bytes = (const uint8_t *)numbers;
    for (const char *p = t->host; *p; p++)
        hash = (hash ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < sizeof numbers; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static const char *reason_of(enum event_type what)
{
    return what == EVENT_HOST_LOST   ? "its lease has run out"
           : what == EVENT_HOST_HELD ? "its lease has run out, and those of many others"
                                     : "it is heard again";
}

/* Goes on choosing who reports, in pieces. Returns true when the choice is made. */
static bool choose(struct host_events *h, struct reported_host *t, int64_t now_ns)
{
    struct being_chosen *c = &h->choosing;
    if (c->gone_ns != t->gone_ns || strcmp(c->host, t->host) != 0)
        *c = (struct being_chosen){.gone_ns = t->gone_ns};
    memcpy(c->host, t->host, sizeof c->host);
    if (!liveness_choose(h->liveness, h->config->host, t->host, t->gone_ns, now_ns, &c->choice))
        return false;
    t->due = false;
    t->chosen_ns = now_ns;
    memcpy(t->chosen, c->choice.best, sizeof t->chosen);
    *c = (struct being_chosen){0};
    if (strcmp(t->chosen, h->config->host) == 0)
        events_report(h->events, &(struct event){.type = t->what,
                                                 .id = id_of(t),
                                                 .host = t->host,
                                                 .time_ms = t->time_ms,
                                                 .instances = t->instances,
                                                 .reason = reason_of(t->what)});
    return true;
}

/* Each host has a mass-loss guard of its own; most often all see the same, so one chosen host reports it. */
static void report_guard(struct host_events *h, int64_t now_ns)
{
    h->guard_due = false;
    if (liveness_is_chosen(h->liveness, h->config->host, "", h->guard_ns, now_ns))
        events_report(h->events, &(struct event){.type = h->guard_on ? EVENT_GUARD_ON : EVENT_GUARD_OFF,
                                                 .held = h->guard_held,
                                                 .reason = h->guard_on ? h->guard_reason : NULL});
}

int64_t host_events_tick(struct host_events *h, int64_t now_ns)
{
    struct loop_slice slice = loop_slice_begin();
    if (h->guard_due)
        report_guard(h, now_ns);
    if (!h->due)
        return INT64_MAX;
    for (size_t i = 0; i < h->n_reported; i++) {
        while (h->reported[i].due && !choose(h, &h->reported[i], now_ns))
            if (loop_slice_over(&slice))
                return now_ns;
        if (loop_slice_over(&slice))
            return now_ns;
    }
    h->due = false;
    return INT64_MAX;
}

void host_events_bus_lost(struct host_events *h, const char *reason, int64_t now_ns)
{
    h->bus_lost_ns = now_ns;
    events_report(h->events, &(struct event){.type = EVENT_BUS_LOST, .reason = *reason ? reason : "unknown"});
}

void host_events_bus_back(struct host_events *h, int64_t now_ns)
{
    if (h->bus_lost_ns)
        events_report(h->events,
                      &(struct event){.type = EVENT_BUS_BACK, .lost_ms = (now_ns - h->bus_lost_ns) / NS_PER_MS});
    h->bus_lost_ns = 0;
}

void host_events_lease_found(struct host_events *h, const struct lease *lease, int64_t age_ns, int64_t now_ns)
{
    h->lease_ns = lease->leaving || lease->ran_out ? 0 : now_ns - age_ns;
}

/*
 * A host that comes back within its lease is missed by nobody. One that was silent for longer in the same life is
 * reported by others.
 */
void host_events_lease_stored(struct host_events *h, size_t instances, int64_t now_ns)
{
    bool own = h->own_stored, ran_out = h->lease_ns == 0 || now_ns - h->lease_ns > h->config->registry.lease_ttl_ns;
    if (!own && ran_out)
        events_report(h->events, &(struct event){.type = EVENT_HOST_UP,
                                                 .instances = instances,
                                                 .reason = h->lease_ns ? "its lease had run out" : NULL});
    h->own_stored = true;
}

void host_events_leaving(struct host_events *h, size_t instances)
{
    if (!events_wanted(h->events))
        return;
    events_report(h->events, &(struct event){.type = EVENT_HOST_LEFT, .instances = instances});
    events_flush(h->events);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Ejects instances whose calls fail, and lets them back when a probe succeeds. */
#include "libdiscover/balance/outliers.h"

/* So many members of a group have to fail, one after the other, for it to be out as a whole. */
#define GROUP_WITNESSES 3

static void stop_serving(struct backend *p, enum backend_standing standing, int64_t until_ms)
{
    p->standing = standing;
    p->until_ms = until_ms;
    p->with_group = false;
    atomic_store(&p->probe, PROBE_NONE);
}

static void eject(struct backend *p, int64_t now_ms)
{
    int64_t span_ms = (int64_t)EJECT_MS * ++p->ejections;
    stop_serving(p, BACKEND_EJECTED, now_ms + (span_ms < EJECT_MAX_MS ? span_ms : EJECT_MAX_MS));
    p->warned = p->shared = false;
}

static void eject_warned(struct backend *p)
{
    stop_serving(p, BACKEND_EJECTED, p->warned_until_ms);
    p->warned = p->shared = true;
}

static int64_t probe_span_ms(const struct backend *p)
{
    int64_t span_ms = (int64_t)PROBE_MS << (p->probes < 5 ? p->probes : 5);
    return span_ms < PROBE_MAX_MS ? span_ms : PROBE_MAX_MS;
}

static void set_failing(struct backend *p, int64_t now_ms)
{
    stop_serving(p, BACKEND_FAILING, now_ms + probe_span_ms(p));
}

void outlier_warn(struct backend *p, int64_t until_ms, int64_t now_ms)
{
    int64_t most_ms = now_ms + EJECT_MAX_MS;
    if (p->standing == BACKEND_SERVES)
        p->warned_until_ms = until_ms < most_ms ? until_ms : most_ms;
}

static void readmit(struct backend *p, int64_t now_ms)
{
    p->standing = BACKEND_SERVES;
    p->warned = p->with_group = false;
    p->probes = 0;
    p->warned_until_ms = 0;
    p->eased_ms = p->since_ms = now_ms;
    atomic_store(&p->points, 0);
    atomic_store(&p->probe, PROBE_NONE);
}

/* A probe whose caller never reports is given to another one when its time is over. */
static void offer_probe(struct backend *p, int64_t now_ms)
{
    atomic_store(&p->probe, PROBE_READY);
    p->until_ms = now_ms + EJECT_MS;
}

static void review_idle(struct backend *p, int64_t now_ms)
{
    switch (atomic_load(&p->probe)) {
    case PROBE_PASSED:
        readmit(p, now_ms);
        break;
    case PROBE_FAILED:
        p->probes++;
        if (p->standing == BACKEND_EJECTED)
            eject(p, now_ms);
        else
            set_failing(p, now_ms);
        break;
    default:
        if (now_ms >= p->until_ms)
            offer_probe(p, now_ms);
    }
}

static size_t count(struct backend *const *backends, size_t n, enum backend_standing standing)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += backends[i]->standing == standing;
    return found;
}

/* Lets one back in that was ejected on another's word. Returns whether there was one. */
static bool give_way(struct backend *const *backends, size_t n, int64_t now_ms)
{
    for (size_t i = 0; i < n; i++)
        if (backends[i]->standing == BACKEND_EJECTED && backends[i]->warned) {
            readmit(backends[i], now_ms);
            return true;
        }
    return false;
}

static void review_serving(struct backend *p, bool room, int64_t now_ms)
{
    if (backend_is_failing(p)) {
        if (room)
            eject(p, now_ms);
        else
            set_failing(p, now_ms);
    } else if (p->warned_until_ms > now_ms) {
        if (room)
            eject_warned(p);
    } else if (p->ejections > 0 && now_ms - p->eased_ms >= EJECT_MS) {
        p->ejections--;
        p->eased_ms = now_ms;
    }
}

static size_t limit_of(size_t n)
{
    return n < 2 ? 0 : n < 10 ? 1 : n / 10;
}

static void review_all_serving(struct backend *const *backends, size_t n, int64_t now_ms)
{
    size_t most = limit_of(n), ejected = count(backends, n, BACKEND_EJECTED);
    for (size_t i = 0; i < n; i++) {
        if (backends[i]->standing != BACKEND_SERVES)
            continue;
        if (ejected >= most && backend_is_failing(backends[i]) && give_way(backends, n, now_ms))
            ejected--;
        review_serving(backends[i], ejected < most, now_ms);
        ejected += backends[i]->standing == BACKEND_EJECTED;
    }
}

/* So many at once: they are not left alone for long. */
static void review_mass(struct backend *const *backends, size_t n, int64_t now_ms)
{
    if (2 * count(backends, n, BACKEND_SERVES) >= n)
        return;
    for (size_t i = 0; i < n; i++) {
        struct backend *p = backends[i];
        int64_t soon_ms = now_ms + probe_span_ms(p);
        if (p->standing == BACKEND_EJECTED && atomic_load(&p->probe) == PROBE_NONE && p->until_ms > soon_ms)
            p->until_ms = soon_ms;
    }
}

/* For times that wrap around. */
static int32_t ago_ms(uint32_t then_ms, int64_t now_ms)
{
    return (int32_t)((uint32_t)now_ms - then_ms);
}

static int32_t last_success_ago_ms(struct backend *const *backends, size_t n, int64_t now_ms)
{
    int32_t least_ms = INT32_MAX;
    for (size_t i = 0; i < n; i++)
        if (backends[i]->heard && ago_ms(backends[i]->heard_ms, now_ms) < least_ms)
            least_ms = ago_ms(backends[i]->heard_ms, now_ms);
    return least_ms;
}

/* Whether enough members have failed since any last succeeded. */
static bool group_fails(struct backend *const *backends, size_t n, int64_t now_ms)
{
    size_t serving = 0, failing = 0;
    uint32_t points = 0;
    int32_t success_ms = last_success_ago_ms(backends, n, now_ms);
    for (size_t i = 0; i < n; i++) {
        struct backend *p = backends[i];
        uint32_t own = atomic_load(&p->points);
        if (p->standing != BACKEND_SERVES)
            continue;
        serving++;
        if (own == 0 || ago_ms(atomic_load(&p->failed_ms), now_ms) > success_ms)
            continue;
        failing++;
        points += own;
    }
    return serving > 0 && failing >= (serving < GROUP_WITNESSES ? serving : GROUP_WITNESSES) &&
           points >= BACKEND_FAILING_POINTS;
}

static void suspend_group(struct backend *const *backends, size_t n, int64_t now_ms)
{
    for (size_t i = 0; i < n; i++)
        if (backends[i]->standing == BACKEND_SERVES) {
            set_failing(backends[i], now_ms);
            backends[i]->with_group = true;
        }
}

/* One has come back: those that were out just because all were have their chance, too. */
static void resume_group(struct backend *const *backends, size_t n, int64_t now_ms)
{
    if (count(backends, n, BACKEND_SERVES) == 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (backends[i]->standing != BACKEND_SERVES && backends[i]->with_group)
            readmit(backends[i], now_ms);
}

static void review_groups(struct backend *const *backends, size_t n, const uint32_t *ends, size_t n_groups,
                          int64_t now_ms)
{
    size_t serving = count(backends, n, BACKEND_SERVES);
    for (size_t g = 0, first = 0; g < n_groups; first = ends[g++]) {
        struct backend *const *members = backends + first;
        size_t size = ends[g] - first, own = count(members, size, BACKEND_SERVES);
        if (own == 0 || own == serving || !group_fails(members, size, now_ms)) {
            resume_group(members, size, now_ms);
            continue;
        }
        suspend_group(members, size, now_ms);
        serving -= own;
    }
}

void outliers_review(struct backend *const *backends, size_t n, const uint32_t *group_ends, size_t n_groups,
                     int64_t now_ms, int64_t *ret_due_ms)
{
    for (size_t i = 0; i < n; i++)
        if (backends[i]->standing != BACKEND_SERVES)
            review_idle(backends[i], now_ms);
    review_all_serving(backends, n, now_ms);
    review_mass(backends, n, now_ms);
    review_groups(backends, n, group_ends, n_groups, now_ms);
    *ret_due_ms = INT64_MAX;
    for (size_t i = 0; i < n; i++)
        if (backends[i]->standing != BACKEND_SERVES && backends[i]->until_ms < *ret_due_ms)
            *ret_due_ms = backends[i]->until_ms;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who reports what no host can report of itself. Each host chooses by itself, and all choose the same one without talking: of
 * those that are heard, the one with the highest weight, which is a hash of its name and of what is to be reported (rendezvous
 * hashing). Whoever died together with the one that is lost was not heard for two beats by now, so he is not chosen; nor is who
 * was away when a host that is back was lost, and so does not know that it was.
 */
#include <string.h>
#include <xxhash.h>

#include "daemon/sync/liveness_impl.h"

#define PIECE 128 /* hosts in one call: some 30 us */

static uint64_t weight(const char *name, uint64_t seed)
{
    return XXH64(name, strlen(name), seed);
}

/* Whether a host comes before the best one so far: by weight; of equal weights, by name. */
static bool goes_before(const char *name, uint64_t w, const char *best, uint64_t best_w)
{
    return w != best_w ? w > best_w : strcmp(name, best) < 0;
}

/* Whether the host is alive and was already when it happened, was heard lately, and publishes events. */
static bool may_report(const struct liveness *l, const struct host *h, int64_t since_ns, int64_t now_ns)
{
    return h->status == HOST_ALIVE && h->alive_ns <= since_ns && h->lease.publishes_events &&
           !liveness_is_overdue(l, h, now_ns);
}

/* Where it goes on. A name, and not the host: that may be forgotten meanwhile, and then it begins anew. */
static const struct host *resume(const struct liveness *l, const char *own, uint64_t seed, int64_t now_ns,
                                 struct liveness_choice *c)
{
    const struct host *h = c->begun_ns ? liveness_find(l, c->next) : NULL;
    if (h)
        return h;
    c->begun_ns = now_ns;
    c->best_weight = weight(own, seed);
    memcpy(c->best, own, strlen(own) + 1);
    return l->hosts;
}

static void consider(struct liveness_choice *c, const struct host *h, uint64_t seed)
{
    uint64_t w = weight(h->name, seed);
    if (!goes_before(h->name, w, c->best, c->best_weight))
        return;
    c->best_weight = w;
    memcpy(c->best, h->name, sizeof c->best);
}

bool liveness_choose(const struct liveness *l, const char *own, const char *of, int64_t since_ns, int64_t now_ns,
                     struct liveness_choice *c)
{
    uint64_t seed = XXH64(of, strlen(of), 0);
    const struct host *h = resume(l, own, seed, now_ns, c);
    for (size_t n = 0; h && n < PIECE; n++, h = h->hh.next)
        if (may_report(l, h, since_ns, c->begun_ns) && strcmp(h->name, of) != 0)
            consider(c, h, seed);
    if (h)
        memcpy(c->next, h->name, sizeof c->next);
    return !h;
}

bool liveness_is_chosen(const struct liveness *l, const char *own, const char *of, int64_t since_ns, int64_t now_ns)
{
    struct liveness_choice c = {0};
    while (!liveness_choose(l, own, of, since_ns, now_ns, &c))
        ;
    return strcmp(c.best, own) == 0;
}

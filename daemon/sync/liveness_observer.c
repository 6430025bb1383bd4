/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who tells what no host can tell of itself. Each host chooses by itself, and all choose the same one without talking: of
 * those that are heard, the one with the highest weight, which is a hash of its name and of what is to be told (rendezvous
 * hashing). Whoever died together with the one that is lost was not heard for two beats by now, so he is not chosen; nor is who
 * was away when a host that is back was lost, and so does not know that it was.
 */
#include <string.h>
#include <xxhash.h>

#include "daemon/sync/liveness_impl.h"

static uint64_t weight(const char *name, uint64_t seed)
{
    return XXH64(name, strlen(name), seed);
}

/* Of equal weights the name decides. */
static bool goes_before(const char *name, uint64_t w, const char *best, uint64_t best_w)
{
    return w != best_w ? w > best_w : strcmp(name, best) < 0;
}

/* Whether it is there to tell, and knows what to tell. */
static bool may_tell(const struct liveness *l, const struct host *h, int64_t since_ns, int64_t now_ns)
{
    return h->status == HOST_ALIVE && h->alive_ns <= since_ns && h->lease.tells && !liveness_is_overdue(l, h, now_ns);
}

const char *liveness_observer(const struct liveness *l, const char *own, const char *of, int64_t since_ns,
                              int64_t now_ns)
{
    uint64_t seed = XXH64(of, strlen(of), 0), best_w = weight(own, seed);
    const char *best = own;
    for (const struct host *h = l->hosts; h; h = h->hh.next) {
        if (!may_tell(l, h, since_ns, now_ns) || strcmp(h->name, of) == 0)
            continue;
        uint64_t w = weight(h->name, seed);
        if (goes_before(h->name, w, best, best_w)) {
            best = h->name;
            best_w = w;
        }
    }
    return best;
}

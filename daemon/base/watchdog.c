/* SPDX-License-Identifier: Apache-2.0 */
/* Finds threads that hang: those whose count of turns stands still. */
#include "daemon/base/watchdog.h"

#include <stdio.h>
#include <utlist.h>

void watchdog_watch(struct watchdog *w, struct progress *p, const char *name)
{
    if (!w)
        return;
    snprintf(p->name, sizeof p->name, "%s", name);
    p->seen = atomic_load(&p->turns);
    p->seen_ns = clock_now_ns();
    LL_PREPEND(w->threads, p);
}

void watchdog_unwatch(struct watchdog *w, struct progress *p)
{
    if (w)
        LL_DELETE(w->threads, p);
}

static void look(struct progress *p, int64_t now_ns)
{
    uint64_t turns = atomic_load_explicit(&p->turns, memory_order_relaxed);
    if (turns == p->seen && atomic_load_explicit(&p->away_until_ns, memory_order_relaxed) < now_ns)
        return;
    p->seen = turns;
    p->seen_ns = now_ns;
}

const struct progress *watchdog_stuck(struct watchdog *w, int64_t now_ns)
{
    const struct progress *stuck = NULL;
    for (struct progress *p = w->threads; p; p = p->next) {
        look(p, now_ns);
        if (now_ns - p->seen_ns > w->timeout_ns && (!stuck || p->seen_ns < stuck->seen_ns))
            stuck = p;
    }
    return stuck;
}

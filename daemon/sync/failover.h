/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which region answers for one service: the own one as long as it has enough of it, else the first of the others that has
 * any. On the way out it is quick, for checks have damped what they tell; on the way back it takes its time, and ever more
 * of it where that is a way there and back again. Pure: what is known, and time, come in as arguments. Main thread.
 *
 *  - The own region never synchronised: nobody knows what it has, which is no reason to send anybody away.
 *  - The order is the configured one: it can be explained, and does not flap between equals.
 *  - A region is left at once when it fails, and for a better one only when that one has been there all of `wait`.
 *  - A stale region is taken when no live one has any, and the own one has none at all.
 */
#ifndef SYNC_FAILOVER_H
#define SYNC_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAILOVER_HOME (-1) /* the own region; others by their place in the order */
#define FAILOVER_AUTO (-2)

/* How it is to be decided. */
struct failover_rule {
    uint32_t min; /* usable instances that are enough */
    int64_t after_ns, back_after_ns;
    uint32_t jitter_percent; /* of back_after: of this host, 0..20, so that a fleet does not come back at once */
};

/* What is known of a region's instances of the service. */
struct failover_seen {
    size_t usable;
    bool known; /* of the own one: it was synchronised once. Of others: live */
};

/* Of one service. Zeroed but for these two: as when it is seen for the first time. */
struct failover {
    int at; /* FAILOVER_HOME, or a region */
    int forced; /* by an operator: FAILOVER_AUTO, FAILOVER_HOME or a region, also one behind the n that come by themselves */
    int64_t lacking_since_ns; /* the own one has had too few since then; 0: it has not */
    int64_t home_since_ns;    /* away: it has had enough since then; 0: it has not */
    int64_t nearer_since_ns;  /* away: `nearer`, before `at` in the order, could answer since then; 0: none can */
    int nearer;
    int64_t wait_ns;     /* how long one of them has to, by itself */
    int64_t returned_ns; /* when it went to a better one last; 0: never */
    uint64_t switches;
};

/*
 * Works out where to be now. n: of others, in their order. Returns when to call again if nothing else is new; INT64_MAX: not
 * by time. f->at may have changed.
 */
int64_t failover_decide(struct failover *f, const struct failover_rule *rule, const struct failover_seen *home,
                        const struct failover_seen *others, size_t n, int64_t now_ns);

/* When it goes back to the own region or to a nearer one, as things are; INT64_MAX: neither could answer. */
int64_t failover_back_ns(const struct failover *f);

#endif

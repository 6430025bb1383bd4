/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which region answers for one service: the own one as long as it has enough of it, else the first of the others that has
 * any. On the way out it is quick, for checks have damped what they report; on the way back it takes its time, and ever more
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

/* The settings by which it is decided. */
struct failover_rule {
    uint32_t min; /* usable instances that are enough */
    int64_t after_ns,
        back_after_ns;       /* how long the own region lacks instances, or has enough again, before it changes */
    uint32_t jitter_percent; /* added to back_after on this host, 0..20, so that a fleet does not come back at once */
};

/* How many instances of the service a region has. */
struct failover_seen {
    size_t usable;
    bool known; /* the own region: it was synchronised once; another one: it is live */
};

/* The state of one service. For a new service all is zero but `at` and `forced`. */
struct failover {
    int at; /* the region that answers: FAILOVER_HOME, or a place in the order */
    int forced; /* by an operator: FAILOVER_AUTO, FAILOVER_HOME or a region, also one behind the n that come by themselves */
    int64_t lacking_since_ns; /* since when the own region has too few instances; 0: it has enough */
    int64_t home_since_ns;    /* while another one answers: since when the own one has enough; 0: it has too few */
    int64_t nearer_since_ns;  /* while another one answers: since when `nearer` could answer; 0: none can */
    int nearer;               /* a region before `at` in the order */
    int64_t wait_ns;          /* how long the own or the nearer one has to be able to, before it answers again */
    int64_t returned_ns;      /* when it last went to a better region; 0: never */
    uint64_t switches;        /* number of changes of `at` */
};

/*
 * Decides which region answers now: f->at may have changed. others: n regions in their order. Returns when to call
 * again if nothing else is new; INT64_MAX: not by time.
 */
int64_t failover_decide(struct failover *f, const struct failover_rule *rule, const struct failover_seen *home,
                        const struct failover_seen *others, size_t n, int64_t now_ns);

/* When it goes back to the own region or to a nearer one, as things are; INT64_MAX: neither could answer. */
int64_t failover_back_ns(const struct failover *f);

#endif

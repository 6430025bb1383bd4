/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known through DNS of one service, or of its instances that meet conditions, and when to ask again. Time
 * comes in. The source's thread, but for `mappings` and `wanted_ns` (any thread, while it is among the names:
 * dns_names.h).
 *
 *   - An answer holds for its TTL, from 1 second to an hour; then it is asked for again. It is stale if that is
 *     in vain, or takes longer than DNS_GRACE_NS, with its age counted from when it was last known to be true.
 *   - A failure is tried again after a back-off. It never takes away what was found; but that nobody was there is
 *     believed only as long as its TTL, and is then "cannot know".
 */
#ifndef LIBDISCOVER_DNS_DNS_LOOKUP_H
#define LIBDISCOVER_DNS_DNS_LOOKUP_H

#include "libdiscover/core/retry.h"
#include "libdiscover/dns/dns_reply.h"
#include "libdiscover/lookup/mapping.h"

#define DNS_GRACE_NS (500 * NS_PER_MS)

struct dns_service {
    _Atomic(struct dns_service *) next; /* in its bucket (dns_names.h) */
    struct dns_service *next_removed;
    struct mappings mappings;  /* empty: nothing is known yet */
    _Atomic int64_t wanted_ns; /* when somebody last looked it up; of the coarse clock */
    char key[LOOKUP_KEY_CAP];  /* the look-up's key (lookup_key.h) */

    struct retry retry;
    int64_t due_ns;           /* when to ask next */
    int64_t true_ns;          /* when the last answer was last known to be true; 0: never */
    int64_t late_ns;          /* when it becomes stale if no new answer has come by then */
    bool changed;             /* look-ups answer something else, which was not reported yet */
    bool asking;              /* questions are open */
    struct dns_answer answer; /* the parts of the new answer that have come; no targets: none has */
    unsigned n_questions;     /* number of open questions */
    bool unsure;              /* one of the questions could not be answered */
};

/* key is valid. */
void dns_service_init(struct dns_service *s, const char *key, uint64_t seed);

/* No reader may be left. */
void dns_service_fini(struct dns_service *s);

/* Returns whether look-ups answer something else from now on. */
bool dns_service_answered(struct dns_service *s, const struct dns_answer *a, int64_t now_ns);
void dns_service_failed(struct dns_service *s, int64_t now_ns);

/* The answer has not come by late_ns. */
void dns_service_late(struct dns_service *s, int64_t now_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host answers to a look-up, through each of its interfaces. What was seen last stands in h->seen, for
 * messages. Thread: the test's main thread only.
 */
#ifndef SUPPORT_SEEN_H
#define SUPPORT_SEEN_H

#include <stdbool.h>

#include "tests/support/host.h"

/*
 * How many usable instances of "domain/service" a host answers with, through each of its interfaces: 0 when it
 * says that there is none, or one of these:
 */
#define CANNOT_KNOW (-1) /* it says that it cannot know: SERVFAIL, DISCOVER_E_UNSYNCED, exit 4 */
#define NO_ANSWER   (-2) /* nothing, or something else: h->seen has it */

typedef int seen_fn(struct host *h, const char *service);
seen_fn seen_by_dns; /* SRV */
seen_fn seen_by_lib;
seen_fn seen_by_ctl;

struct leg {
    const char *name;
    seen_fn *seen;
};
extern const struct leg legs[]; /* ends with a NULL name */

/* Whether all three say n. */
bool seen_by_all(struct host *h, const char *service, int n);

/* "shop/payment" as DNS writes it: "payment.shop.discover.internal". */
#define DNS_NAME_MAX 256
void dns_name(const char *service, char ret_name[static DNS_NAME_MAX]);

#endif

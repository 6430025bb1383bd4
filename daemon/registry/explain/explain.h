/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why something is in the answers, or is not: a document for people who ask "why is it not in DNS?". Main thread; only reads;
 * the length of a document is limited, so that the loop is not kept.
 *
 *   ""                                   whatever is out, or unusual
 *   "shop/payment"                       a service, its instances, and what clients get
 *   "shop/payment/p1", ".../web-1/p1"    one instance of it (of each host that has one of that name)
 *   "web-1"                              a host
 */
#ifndef REGISTRY_EXPLAIN_H
#define REGISTRY_EXPLAIN_H

#include <jansson.h>

#include "daemon/agent/agent.h"
#include "daemon/api/api.h"
#include "daemon/catalog/catalog.h"
#include "daemon/check/checks.h"
#include "daemon/config/config.h"
#include "daemon/dns/dns.h"
#include "daemon/registry/inbound/inbound.h"
#include "daemon/registry/regions/region_failover.h"
#include "daemon/registry/regions/regions.h"

/* What it reaches; all stay the caller's. */
struct explain_reach {
    const struct config *config;
    const struct metrics *metrics;
    struct catalog *catalog;
    const struct agent *agent;
    const struct inbound *inbound;
    const struct regions *regions;          /* NULL: no other one is read */
    const struct region_failover *failover; /* NULL: as above */
    struct dns *dns;                        /* NULL: DNS is switched off */
    const struct api *api;                  /* NULL: before it is made, and after it is stopped */
    const struct checks *checks;            /* NULL: as above */
    void *arg;
    void (*status)(void *arg, Discover__V1__Status *ret_status);
};

/*
 * Makes the document, which the caller frees. Where nothing has that name it says "known": false, and what may have
 * been meant. -EINVAL: not a name of anything; -ENOMEM.
 */
int explain_document(const struct explain_reach *reach, const char *what, json_t **ret_document);

#endif

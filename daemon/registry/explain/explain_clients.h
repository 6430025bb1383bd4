/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of a service get: the replies of DNS, and the order in which pick goes through its instances. Main thread. */
#ifndef REGISTRY_EXPLAIN_CLIENTS_H
#define REGISTRY_EXPLAIN_CLIENTS_H

#include <jansson.h>

#include "daemon/catalog/catalog.h"
#include "daemon/dns/dns.h"

/*
 * A list of replies, one for each kind of question; empty where DNS is switched off (NULL). usable: how many instances
 * could be in an answer.
 */
json_t *explain_dns(struct dns *dns, const char *domain, const char *service, size_t usable);

/* A list of groups of instances, in pick's order; of the first 256 usable instances. NULL: no memory. */
#define EXPLAIN_PICK_MAX 256
json_t *explain_pick(const struct catalog *c, const char *service);

#endif

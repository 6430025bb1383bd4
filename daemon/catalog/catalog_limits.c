/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on what is taken from other hosts. */
#include <errno.h>

#include "daemon/catalog/model.h"

#define MANY 64 /* instances of one host */

/*
 * Whether n reaches the limit (0: none). For a host with many instances, half of it is the limit, so that no host
 * alone keeps others out.
 */
static bool reaches(size_t n, size_t max, const struct host *h)
{
    return max && n + (h->n >= MANY ? h->n : 0) >= max;
}

int limit_of_host(const struct catalog *c, const struct host *h, const struct instance *i)
{
    if (reaches(c->instances.n, c->options.instances_max, h))
        return -ENFILE;
    if (h->n >= c->options.instances_per_host_max)
        return -EDQUOT;
    return hostname_fits(c, h, instance_hostname(i), NULL) ? 0 : -EMLINK;
}

int limit_of_service(const struct catalog *c, const struct service *s, const struct host *h)
{
    return reaches(s->n, c->options.instances_per_service_max, h) ? -ENOBUFS : 0;
}

int limit_of_domain(const struct catalog *c, const char *domain, const struct host *h)
{
    const struct domain *d;
    if (reaches(HASH_COUNT(c->services), c->options.services_max, h))
        return -E2BIG;
    HASH_FIND_STR(c->domains, domain, d);
    return d && reaches(d->n, c->options.services_per_domain_max, h) ? -EXFULL : 0;
}

const char *catalog_limit_text(int err)
{
    switch (err) {
    case -EUSERS:
        return "more hosts than limits.hosts";
    case -E2BIG:
        return "more services than limits.services";
    case -EXFULL:
        return "more services of one domain than limits.services_per_domain";
    case -EDQUOT:
        return "more instances of one host than limits.instances_per_host";
    case -EMLINK:
        return "more host names of one host than limits.hostnames_per_host";
    case -ENFILE:
        return "more instances than limits.instances";
    case -ENOBUFS:
        return "more instances of one service than limits.instances_per_service";
    default:
        return NULL;
    }
}

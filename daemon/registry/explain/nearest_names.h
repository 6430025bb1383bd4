/* SPDX-License-Identifier: Apache-2.0 */
/* Which known services, or hosts, somebody may have meant. Main thread; pure. */
#ifndef REGISTRY_NEAREST_NAMES_H
#define REGISTRY_NEAREST_NAMES_H

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/label.h"

#define NEAREST_MAX 3

struct nearest_names {
    struct {
        char name[SERVICE_CAP];
        unsigned distance;
    } all[NEAREST_MAX]; /* nearest first */
    size_t n;
};

/* Looks at some thousands of names at most. */
void nearest_services(const struct catalog *c, const char *service, struct nearest_names *ret_names);
void nearest_hosts(const struct catalog *c, const char *host, struct nearest_names *ret_names);

#endif

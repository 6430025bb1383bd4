/* SPDX-License-Identifier: Apache-2.0 */
/* Finds known services or hosts whose names are similar to one that is not known. Main thread; pure. */
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

/* Both look at some thousands of names at most. n is 0 when nothing is similar. */
void nearest_services(const struct catalog *c, const char *service, struct nearest_names *ret_names);
void nearest_hosts(const struct catalog *c, const char *host, struct nearest_names *ret_names);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Finds known services or hosts whose names are similar to one that is not known. Main thread; pure. */
#ifndef REGISTRY_NEAREST_NAMES_H
#define REGISTRY_NEAREST_NAMES_H

#include <jansson.h>

#include "daemon/catalog/catalog.h"

/* A list of three names at most, the nearest first. Both look at some thousands of names at most. NULL: no memory. */
json_t *nearest_services(const struct catalog *c, const char *service);
json_t *nearest_hosts(const struct catalog *c, const char *host);

#endif

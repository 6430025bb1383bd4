/* SPDX-License-Identifier: Apache-2.0 */
/* What is registered, with all details. Included by discover/discover.h. */
#ifndef DISCOVER_LISTS_H
#define DISCOVER_LISTS_H

#include <discover/export.h>
#include <discover/types.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct discover;

/*
 * Lists with all details (discover/types.h), for tools. The callback gets structures that live only during the call; it returns 0
 * to go on, anything else to stop, which becomes the result. The set of one service is consistent.
 *
 * They return as resolve does, but list instances that are not usable, too. DISCOVER_E_UNSYNCED may come after
 * some calls of fn: what was listed is this host's own, of the others nothing is known. [any thread]
 */
typedef int discover_service_fn(void *arg, const char *service, size_t n_usable, size_t n_total);
typedef int discover_instance_fn(void *arg, const struct discover_instance *instance);
typedef int discover_host_fn(void *arg, const struct discover_host *host);

DISCOVER_API DISCOVER_CHECK int discover_each_service(struct discover *d, discover_service_fn *fn, void *arg);
DISCOVER_API DISCOVER_CHECK int discover_each_instance(struct discover *d, const char *service,
                                                       discover_instance_fn *fn, void *arg);
DISCOVER_API DISCOVER_CHECK int discover_each_host(struct discover *d, discover_host_fn *fn, void *arg);

/*
 * The same of another region that the daemon reads, services without "@region"; "" and the own one's name: as above.
 * DISCOVER_E_UNKNOWN: it reads none of that name.
 */
DISCOVER_API DISCOVER_CHECK int discover_each_service_in(struct discover *d, const char *region,
                                                         discover_service_fn *fn, void *arg);
DISCOVER_API DISCOVER_CHECK int discover_each_host_in(struct discover *d, const char *region, discover_host_fn *fn,
                                                      void *arg);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of services, instances and hosts with all details. Included by discover/discover.h. */
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
 * Lists with all details (discover/types.h), for tools. The callback gets structures that are valid only during its
 * call; it returns 0 to go on, anything else to stop, which becomes the result. All instances of one service are of one
 * moment.
 *
 * The results are those of discover_resolve, but instances that are not usable are listed, too. DISCOVER_E_UNSYNCED may
 * come after some calls of fn: these were for this host's own instances, nothing is known of other hosts. [any thread]
 */
typedef int discover_service_fn(void *arg, const char *service, size_t n_usable, size_t n_total);
typedef int discover_instance_fn(void *arg, const struct discover_instance *instance);
typedef int discover_host_fn(void *arg, const struct discover_host *host);

DISCOVER_API DISCOVER_CHECK int discover_each_service(struct discover *d, discover_service_fn *fn, void *arg);
DISCOVER_API DISCOVER_CHECK int discover_each_instance(struct discover *d, const char *service,
                                                       discover_instance_fn *fn, void *arg);
DISCOVER_API DISCOVER_CHECK int discover_each_host(struct discover *d, discover_host_fn *fn, void *arg);

/*
 * The same lists of another region that the daemon reads; services are named without "@region". With "" or the name of
 * this host's own region they are the lists above. DISCOVER_E_UNKNOWN: the daemon reads no region of that name.
 */
DISCOVER_API DISCOVER_CHECK int discover_each_service_in(struct discover *d, const char *region,
                                                         discover_service_fn *fn, void *arg);
DISCOVER_API DISCOVER_CHECK int discover_each_host_in(struct discover *d, const char *region, discover_host_fn *fn,
                                                      void *arg);

#ifdef __cplusplus
}
#endif

#endif

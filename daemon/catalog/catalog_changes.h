/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has changed since when, for whoever reports it to others: changes are numbered, and the last ones are remembered. Main
 * thread; pure.
 *
 * Numbers of one life begin with options.first_index, which is to be above all of the life before: what a client
 * remembers over a restart is then known to be old.
 */
#ifndef CATALOG_CATALOG_CHANGES_H
#define CATALOG_CATALOG_CHANGES_H

#include "daemon/catalog/catalog.h"

/* In place of an instance's id: something is new about a host. */
#define CHANGE_OF_HOSTS 0

/* Of the last change. */
uint64_t catalog_index(const struct catalog *c);

/*
 * Of the last change of a service's instances. -ENOENT: there is none of that name; then *ret_index is that of the last time
 * that any service went.
 */
int catalog_service_index(const struct catalog *c, const char *service, uint64_t *ret_index);

/*
 * The change after *index, which moves to it. 1: and the instance that changed, or went; 0: there is none; -ESTALE: it is
 * not known any more what came after that.
 */
int catalog_next_change(const struct catalog *c, uint64_t *index, uint64_t *ret_id);

#endif

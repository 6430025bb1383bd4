/* SPDX-License-Identifier: Apache-2.0 */
/* All other regions that this daemon reads, in the order of the configuration: nearest first. Main thread only. */
#ifndef REGISTRY_REGIONS_H
#define REGISTRY_REGIONS_H

#include "daemon/registry/regions/region.h"
#include "proto/api.pb-c.h"

struct regions;

/*
 * As region_new, for each region of the configuration; region_reach.region is set here. Also marks the own region in
 * the table.
 */
int regions_new(const struct region_reach *reach, struct regions **ret_r);
void regions_free(struct regions *r); /* NULL is fine, as for all below */

int64_t regions_tick(struct regions *r, int64_t now_ns);
void regions_second(struct regions *r, int64_t now_ns);
void regions_stalled(struct regions *r, int64_t ns);
bool regions_flush(struct regions *r, const struct loop_slice *slice, int64_t now_ns);

/* Gives each region, in their order, new means of access: takes those that are not NULL, and sets them to NULL. */
void regions_set_access(struct regions *r, struct bus_access **accesses);

size_t regions_count(const struct regions *r);
struct region *regions_at(const struct regions *r, size_t i);
const struct region *regions_find(const struct regions *r, const char *name); /* or NULL */

/* Fills in the fields about regions; they stay valid until anything else is called. */
void regions_status(struct regions *r, int64_t now_ns, Discover__V1__Status *ret_status);

#endif

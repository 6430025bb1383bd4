/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon of region a that reads the others, for the model: inbound, regions, failover, catalogs, table, agent and files as
 * they are, in simulated regions (regions_world.h). Only its loop is the model's, and its bus and its clock are played.
 */
#ifndef UNIT_REGISTRY_REGIONS_READER_H
#define UNIT_REGISTRY_REGIONS_READER_H

#include "daemon/sync/region_health.h"
#include "libdiscover/core/table_reader.h"
#include "tests/unit/registry/regions_world.h"

/* What of the configuration matters to the promises. */
#define MIN_HOME 2
#define BACK     (8 * NS_PER_S)

void reader_open(void); /* once for all seeds: a folder, the configuration */
void reader_close(void);

void reader_start(void);            /* a life, with what the last one left on disk */
void reader_stop(bool leave_files); /* false: they are lost */
void reader_mail(int region, const struct mail *mail);
void reader_turn(void);
void reader_second(void);
void reader_stalled(int64_t ns);

/* What a look-up says of shop/all in a region: its hosts, a bit each, and how true it is. */
struct seen {
    enum table_sync sync;
    unsigned hosts;
};
struct seen reader_sees(int region);

/* The region that answers for shop/all, and with which hosts, whoever's they are. */
int reader_answers(unsigned *ret_hosts);

/* What it knows itself: how a region is, and how many of its instances are usable. */
enum region_state reader_region_state(int region);
size_t reader_usable(int region);
enum table_sync reader_own_sync(void);
bool reader_own_known(void); /* was synchronised once in this life */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the simulated regions share. */
#ifndef UNIT_REGISTRY_REGIONS_WORLD_IMPL_H
#define UNIT_REGISTRY_REGIONS_WORLD_IMPL_H

#include "tests/unit/registry/regions_world.h"

enum event_kind {
    EVENT_MAIL,
    EVENT_TURN,
    EVENT_SECOND,
    EVENT_FAULT,
    EVENT_BEAT,
    EVENT_ORDER,
    EVENT_CONNECT,
    EVENT_LEASE
};

struct event {
    int64_t at_ns;
    uint64_t order;
    enum event_kind kind;
    int region, host;
    unsigned life; /* of the connection, of the link for what is live, or of the host */
    bool arrived;  /* and waits for the daemon to run */
    uint64_t turn;
    struct mail mail;
};

/* In order of their times, and of those calls. */
void world_push(const struct event *e);

/* What is under a key now; seq 0: nothing. */
struct value *world_value(int region, enum bus_bucket bucket, int key);
void world_store(int region, enum bus_bucket bucket, int key, const uint8_t *bytes, size_t n);
void world_beat(int region, int host);
void world_hosts_connect(int region); /* again, within 2 s */

void world_ways_reset(void);
void world_mirror(int region); /* takes over what there is */
void world_republish(int region, enum bus_bucket bucket, int key);
void world_way_event(const struct event *e); /* of the last three kinds */
bool world_mail_is_over(const struct event *e);
bool world_way_is_over(const struct event *e); /* its connection is */

#endif

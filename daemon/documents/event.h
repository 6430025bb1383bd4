/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens in the fleet, as events that are published over NATS: one table of types, one renderer. Pure; any thread.
 *
 *   subject   discover.<region>.event.<host>.<domain>.<service>.<type>: the host that publishes it, which may do so under
 *             its own name alone; "_" for domain and service where it is about a host or a region. Whom it is about is in the
 *             document
 *   document  JSON, as daemon/http/schema/event.schema.json says
 *
 * An event of a host stands for all instances of it: those of a host that is lost have no events of their own.
 */
#ifndef DOCUMENTS_EVENT_H
#define DOCUMENTS_EVENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/address.h"
#include "libdiscover/core/label.h"

#define EVENT_SUBJECT_CAP (6 * LABEL_CAP)

enum event_type {
    EVENT_INSTANCE_UP,
    EVENT_INSTANCE_DOWN,
    EVENT_INSTANCE_STATE,
    EVENT_HOST_UP,
    EVENT_HOST_LEFT,
    EVENT_HOST_LOST,
    EVENT_HOST_HELD,
    EVENT_HOST_CONFLICT,
    EVENT_GUARD_ON,
    EVENT_GUARD_OFF,
    EVENT_BUS_LOST,
    EVENT_BUS_BACK,
    EVENT_REGION_LOST,
    EVENT_REGION_BACK,
    EVENT_FAILOVER_BEGUN,
    EVENT_FAILOVER_ENDED,
    EVENT_TYPES,
};

/* Strings are borrowed during the call; what is NULL, 0 or empty is not in the document, but for the numbers of its type. */
struct event {
    enum event_type type;
    uint64_t id;           /* the same for one that is published twice */
    int64_t time_ms;       /* when it happened, since 1970 */
    const char *publisher; /* the host that publishes it */
    const char *region;
    const char *host;             /* whom it is about */
    const char *service, *domain; /* of an instance, or a failover */
    const char *instance;
    int state, was; /* enum discover_state */
    uint16_t port;
    const struct addresses *addresses; /* of the instance; of a host in conflict, the other one's */
    size_t instances;                  /* of the host */
    size_t held;                       /* hosts that the guard holds */
    int64_t lost_ms;                   /* how long the bus, or the other region, was lost */
    const char *other_region;          /* that is lost, or back */
    const char *answers, *answered;    /* regions: for the service from now on, and until now */
    const char *reason;                /* for people */
    const char *traceparent, *tracestate;
};

/* "instance-up". Static. */
const char *event_type_word(enum event_type type);

/* -EINVAL: no such word. */
int event_type_of_word(const char *word, enum event_type *ret_type);

/* What it means, a sentence for people. Static. */
const char *event_type_help(enum event_type type);

void event_subject(const struct event *e, char ret_subject[static EVENT_SUBJECT_CAP]);

/* NULL: no memory. */
json_t *event_document(const struct event *e);

#endif

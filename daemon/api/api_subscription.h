/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which services a client wants to hear of, and when it is notified. A change is only noted; clients are notified in
 * turn, as many within a slice of the loop as there is time for, and none that has not taken what it was sent before. So
 * neither many subscribers, nor one that does not read, keep anybody waiting; and one that is notified late is notified
 * once of many changes.
 */
#ifndef API_API_SUBSCRIPTION_H
#define API_API_SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/hash.h"
#include "daemon/base/shares.h"
#include "libdiscover/core/trace_context.h"

struct api;
struct api_client;

enum api_interest { API_CHANGES, API_EJECTIONS, API_INTERESTS };

struct api_topic {
    UT_hash_handle hh; /* in api.topics, by service */
    struct api_subscription *subscriptions[API_INTERESTS];
    struct trace_context *trace; /* context of the last change that had one; NULL: none had */
    char service[];
};

struct api_subscription {
    UT_hash_handle hh; /* in its client's subscriptions, by key */
    struct {
        struct api_topic *topic;
        uint64_t interest; /* enum api_interest; 64 bits, so that the key has no padding */
    } key;
    struct api_client *client;
    struct share *share;
    struct api_subscription *prev, *next; /* of the same topic and interest */
    struct api_subscription *prev_due, *next_due;
    bool due;
    bool traced;    /* API_CHANGES: the topic's trace is still to be sent */
    uint64_t heard; /* API_EJECTIONS: number of the newest that was sent */
};

/*
 * Carries out a request to subscribe, or to stop that. The subscription, which is due now; NULL: it has stopped, or was
 * refused, which the client has been told.
 */
struct api_subscription *api_subscribe(struct api_client *c, uint32_t id, enum api_interest interest,
                                       const char *service, bool stop);

/* Ends some of the client's subscriptions. Returns true when none is left. */
bool api_subscriptions_end_some(struct api_client *c);

/*
 * The subscription, or all those to a service, have something to deliver when their turn comes. trace: the context of the
 * change, which is copied; or NULL.
 */
void api_subscription_due(struct api_subscription *s);
void api_topic_due(struct api *api, enum api_interest interest, const char *service, const struct trace_context *trace);

/* The client is to be notified (of c->moved, or of what is due), or has taken what it was sent. */
void api_wait_for_turn(struct api_client *c);
void api_stop_waiting(struct api_client *c);

/* Notifies clients in their turns, for as long as a slice. A timer's function; arg: the API. */
void api_deliver(void *arg);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients want to hear of which service, and when they are told. What has changed is only noted; clients are told
 * in turn, as many within a slice of the loop as there is time for, and none that has not taken what it was sent
 * before. So neither many who want to hear, nor one who does not listen, keeps anybody waiting; and whoever is told
 * late is told once of many changes.
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
    struct trace_context *trace; /* of the last change that had one; NULL: none had */
    char service[];
};

struct api_subscription {
    UT_hash_handle hh; /* in its client's, by key */
    struct {
        struct api_topic *topic;
        uint64_t interest; /* enum api_interest; no padding */
    } key;
    struct api_client *client;
    struct share *share;
    struct api_subscription *prev, *next; /* of its topic and interest */
    struct api_subscription *prev_due, *next_due;
    bool due;
    bool traced;    /* API_CHANGES: of its topic's trace it has not been told */
    uint64_t heard; /* API_EJECTIONS: the newest that was told */
};

/*
 * -E2BIG: the connection has as many as it may; -EDQUOT: its user has; -ENOSPC: all users have; -ENOMEM. One that is
 * there already is no other.
 */
int api_subscribe(struct api_client *c, enum api_interest interest, const char *service,
                  struct api_subscription **ret_subscription);
void api_unsubscribe(struct api_client *c, enum api_interest interest, const char *service);
void api_subscriptions_free(struct api_client *c);

/* Why not, in words for the client; counts it. */
const char *api_subscription_refused(struct api *api, int err);

/* It, or all of a service, have something to be told when their turn comes. */
void api_subscription_due(struct api_subscription *s);
void api_topic_due(struct api *api, enum api_interest interest, const char *service);

/* The change that is due at this service had this trace context. */
void api_topic_traced(struct api *api, const char *service, const struct trace_context *trace);

/* The client has something to be told (c->moved), or has taken what it was sent. */
void api_wait_for_turn(struct api_client *c);
void api_stop_waiting(struct api_client *c);

/* Tells those whose turn it is. */
void api_deliver(void *arg);

#endif

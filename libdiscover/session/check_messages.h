/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of checks, as messages that point into the caller's texts. Any thread. */
#ifndef LIBDISCOVER_SESSION_CHECK_MESSAGES_H
#define LIBDISCOVER_SESSION_CHECK_MESSAGES_H

#include <errno.h>
#include <string.h>

#include "discover/discover.h"
#include "libdiscover/core/label.h"
#include "proto/api.pb-c.h"

/* instance may be "". DISCOVER_E_NAME. */
static inline int check_names(const char *service, const char *instance)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    if (!service || !instance)
        return -EINVAL;
    if (service_parse(service, domain, name) < 0)
        return DISCOVER_E_NAME;
    return *instance == '\0' || label_valid(instance, strlen(instance)) ? 0 : DISCOVER_E_NAME;
}

/* -EINVAL: not what a program may say. The names are not looked at. */
static inline int report_check_message(const char *service, const char *instance, const char *check,
                                       enum discover_state state, const char *note, Discover__V1__ReportCheck *ret_m)
{
    if (!*instance || !check || !note || state < DISCOVER_PASSING || state > DISCOVER_CRITICAL)
        return -EINVAL;
    discover__v1__report_check__init(ret_m);
    ret_m->service = (char *)service;
    ret_m->instance = (char *)instance;
    ret_m->check = (char *)check;
    ret_m->state = (Discover__V1__State)state;
    ret_m->note = (char *)note;
    return 0;
}

static inline Discover__V1__ChecksRequest checks_message(const char *service, const char *instance)
{
    Discover__V1__ChecksRequest m = DISCOVER__V1__CHECKS_REQUEST__INIT;
    m.service = (char *)service;
    m.instance = (char *)instance;
    return m;
}

/* region: "": failover decides. */
static inline Discover__V1__Failover failover_message(const char *service, const char *region)
{
    Discover__V1__Failover m = DISCOVER__V1__FAILOVER__INIT;
    m.service = (char *)service;
    m.forced = *region != '\0';
    m.region = (char *)region;
    return m;
}

/* reason: NULL: not any more. */
static inline Discover__V1__Override override_message(const char *service, const char *instance,
                                                      enum discover_state state, const char *reason, uint32_t grace_ms)
{
    Discover__V1__Override m = DISCOVER__V1__OVERRIDE__INIT;
    m.service = (char *)service;
    m.instance = (char *)instance;
    m.state = (Discover__V1__State)state;
    m.end = !reason; /* not any more */
    m.reason = (char *)(reason ? reason : "");
    m.grace_ms = grace_ms;
    return m;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Converts the Status message (proto/api.proto) into the public structure. Pure; any thread. */
#ifndef CORE_STATUS_MESSAGE_H
#define CORE_STATUS_MESSAGE_H

#include "discover/discover.h"
#include "proto/api.pb-c.h"

/* Calls fn with what the message says; all it points to lives during the call. -ENOMEM. */
int status_message_deliver(const Discover__V1__Status *message, discover_status_fn *fn, void *arg);

#endif

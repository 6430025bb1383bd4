/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares on the daemon's loop: asks servers for the addresses of host names, waits for nothing. Main thread.
 *
 * Names are taken as they are, fully qualified: no search list. Without servers of our own those of
 * resolv.conf are asked (which is read again when it has changed), and the hosts file before them.
 */
#ifndef RESOLVER_CHANNEL_H
#define RESOLVER_CHANNEL_H

#include <event2/event.h>

#include "daemon/resolver/names.h"

struct channel;

struct channel_events {
    void *arg;
    /* why: for people, when it failed; valid during the call. May be called from within channel_ask. */
    void (*answered)(void *arg, const struct names_question *question, const struct names_answer *answer,
                     const char *why);
    /* Called from the loop, after one or more answers. */
    void (*settled)(void *arg);
};

/*
 * servers: "10.0.0.2:53,[2001:db8::1]:53", or "" for the system's. allow_loopback outlives the channel and may change.
 * -EINVAL: c-ares does not take the servers; -ENOMEM.
 */
int channel_new(struct event_base *base, const char *servers, const bool *allow_loopback,
                const struct channel_events *events, struct channel **ret_channel);

/* Questions under way are dropped: answered is not called for them. */
void channel_free(struct channel *c);

void channel_ask(struct channel *c, const struct names_question *question);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent knows of one instance of this host, for people to read. Main thread; pure. */
#ifndef AGENT_AGENT_EXPLAIN_H
#define AGENT_AGENT_EXPLAIN_H

#include "daemon/agent/agent.h"
#include "daemon/agent/overrides.h"
#include "daemon/agent/registrations.h"

struct agent_explained {
    struct instance_key key;
    enum owner_kind owner;
    uid_t uid;
    pid_t pid;           /* of OWNER_PID */
    int64_t ttl_left_ns; /* of OWNER_TTL */
    uint8_t registered;  /* enum discover_state: as whoever registered it has set it */
    uint8_t checked;     /* the state by its checks; 0: none yet, or it has no checks */
    uint8_t overridden;  /* the state that an operator has set instead; 0: none */
    struct override by;  /* what the operator has set, if overridden is not 0 */
    bool waiting;        /* for this host to have an address */
    bool confirmed;      /* NATS has stored it as it is now */
    bool refused;        /* NATS refused its last put */
    uint64_t revision;   /* of its record in the bucket; 0: not known */
    int64_t put_ns;      /* when it was put last; 0: it was not in this life */
    int64_t rtt_ns;      /* how long NATS took to confirm the last put; 0: not known */
};

/* -ENOENT: it is not registered here. */
int agent_explain(const struct agent *a, const struct instance_key *key, int64_t now_ns,
                  struct agent_explained *ret_explained);

/*
 * Fills in the keys of at most max instances of a service (of all, if both are ""), that are registered here and served
 * nowhere for want of an address. Returns their number.
 */
size_t agent_waiting(const struct agent *a, const char *domain, const char *service, size_t max,
                     struct instance_key *ret_keys);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why an instance is in the answers or out of them: by which rule, and in words. Pure: what is known of it comes in. Whether
 * it is served is decided in catalog/served.h, for the table as for this. Main thread.
 */
#ifndef REGISTRY_EXPLAIN_RULES_H
#define REGISTRY_EXPLAIN_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/agent/agent_explain.h"
#include "daemon/catalog/served.h"
#include "daemon/sync/liveness.h"

enum rule {
    RULE_SERVED,   /* in, and nothing speaks against it */
    RULE_GUARD,    /* in, although its host's lease has run out */
    RULE_FOREIGN,  /* in, for as long as its record says */
    RULE_STORED,   /* in, by what the last life of the daemon left on disk */
    RULE_EJECTED,  /* in, but pickers of this host pass it by */
    RULE_PLACE,    /* in, but pick goes to nearer ones first */
    RULE_STATE,    /* out: whoever registered it says so */
    RULE_OVERRIDE, /* out: an operator says so */
    RULE_CHECK,    /* out: its checks say so */
    RULE_LEASE,    /* out: no lease of its host is valid */
    RULE_EPOCH,    /* out: an earlier life of its host's daemon registered it, and nobody has claimed it since */
    RULE_ADDRESS,  /* out: nobody knows its address yet */
    RULE_LIMIT,    /* out: not taken, for a limit */
    RULE_CONFLICT, /* out: not taken, for another has that name */
    RULE_REGION,   /* in or out: another region than the own one answers for its service */
    RULE_REFUSED,  /* out: not taken, for its value cannot be read or breaks a rule */
    RULES
};

/* "served", "guard", ... as documents have it. Static. */
const char *rule_word(enum rule rule);

struct explain_facts {
    int64_t now_ns;
    const char *host; /* the instance's host */
    const struct instance_key *key;
    enum served served; /* the catalog's decision, and the facts that it was made of */
    struct served_facts facts;
    bool has_address;
    const char *hostname;              /* "": it has none */
    int64_t expires_ns;                /* foreign record: when it runs out */
    bool frozen;                       /* foreign record: it does not run out while the bus is lost */
    bool unreadable;                   /* something under its key cannot be read */
    const struct agent_explained *own; /* its registration; NULL: it is on another host */
    bool name_conflict;                /* another host has this host's name, so nothing is published from here */
    const struct liveness_host *lease; /* lease of the other host; NULL: none was heard lately */
    int64_t ejected_ns;                /* how much longer pickers of this host leave it out; 0: they do not */
    bool ejected_for_all;              /* not only pickers of the user who ejected it */
    uint32_t ejected_by;               /* user of the process that ejected it */
    const char *region;                /* the instance's region; NULL: the own one */
    const char *answering;             /* the region that answers for its service; NULL: the own one */
    uint8_t tier;                      /* enum discover_tier */
    uint16_t priority;
    uint8_t first_tier; /* tier and priority of the instances that pick goes to first */
    uint16_t first_priority;
    size_t n_first; /* number of these instances; 0: none is usable */
};

#define EXPLAIN_WHY_CAP   320
#define EXPLAIN_NOTES_MAX 6

struct explanation {
    bool in;
    enum rule rule;
    char why[EXPLAIN_WHY_CAP];                      /* one sentence */
    char notes[EXPLAIN_NOTES_MAX][EXPLAIN_WHY_CAP]; /* further sentences */
    unsigned n_notes;
};

void explain_instance(const struct explain_facts *f, struct explanation *ret_explanation);

/* Which rule it is by which a value was refused, by the reason that was logged. */
enum rule explain_refusal(const char *reason);

#endif

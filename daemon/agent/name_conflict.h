/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the host's name is ours, as the leases under it show. Two lives of one name (two machines, or a machine
 * and a copy of its disk) must not fight over its keys: the one that is there keeps the name, the newcomer publishes
 * nothing while the other lives. Pure; main thread.
 *
 * Lives are distinguished by the random number in its leases. A lease that is found under the name may be that of
 * our own earlier life, or of somebody alive: so its finder *asks* before it takes the name. The question is a copy of
 * the lease that was found, which for a reader only says that somebody is about to take it; whoever is there *answers* with a lease that names
 * the life that asked.
 *
 *   UNKNOWN   no other's lease is there: once the snapshot of HOSTS is complete -> OURS
 *             one is: ask. Answered, or renewed -> CONFLICT. Not answered: our own earlier life left it, or a machine
 *             that is no more -> OURS (sooner if it is of our node). When the server was away we may only be the first to be
 *             back: then the other has half a TTL to come, and so it has when its lease has run out, or when our state
 *             says that the name was last had elsewhere, or by another life: then even if no lease is there
 *   OURS      questions are answered, and so are leases of others, whatever made them believe that the name is theirs.
 *             One that lives has the name as well: whose first lease came later into the bucket goes -> CONFLICT, or
 *             stays and says so
 *   CONFLICT  the other's lease runs out, or says good-bye -> OURS. It does not run out while we are disconnected, nor
 *             within a TTL of our return
 */
#ifndef AGENT_NAME_CONFLICT_H
#define AGENT_NAME_CONFLICT_H

#include <stdbool.h>
#include <stdint.h>

#include "libdiscover/core/record.h"

enum agent_name {
    AGENT_NAME_UNKNOWN, /* not connected yet, or another's lease may still live */
    AGENT_NAME_OURS,
    AGENT_NAME_CONFLICT, /* another live host has it: nothing is published */
};

struct name_conflict {
    enum agent_name name;
    uint64_t node, life;
    uint64_t claim;         /* sequence of this life's first lease; UINT64_MAX: none is stored */
    int64_t hold_ns;        /* without a snapshot of HOSTS, so long after connecting the name is taken for free */
    int64_t answer_ns;      /* how long an answer may take */
    int64_t hold_until_ns;  /* when the name may be taken for free; INT64_MAX: not connected yet */
    int64_t other_until_ns; /* when the other's lease runs out; INT64_MIN: no other's lease is valid */
    int64_t other_since_ns; /* when the other life was seen first */
    /* the other's lease had run out when it was found: it has until other_until_ns to be back */
    bool other_ran_out;
    int64_t asked_ns; /* since when the server is looked for; set it anew when the bus begins later than this */
    /* perhaps: we had to wait for the server, or lost it, before the name was known to be ours */
    bool server_was_away;
    bool remembers; /* the state directory says who had the name last (last_life) */
    /* our last life on this machine since it was booted; 0: none, our state is from elsewhere */
    uint64_t last_life;
    /* our last life that asked, 0: none did; to be set after name_conflict_init: its question may arrive after its end */
    uint64_t last_asker;
    struct lease other; /* the last lease seen of another life */
    uint64_t answers;   /* the life that our next lease is to answer; 0: none */
    int64_t answers_until_ns;
    bool answer_due;    /* that lease is due at once */
    bool last_word_due; /* we stand down: one more lease is due, so that the other knows above which epoch to go */
    bool ask_due, asked;
    int64_t answer_until_ns; /* asked: an answer would have come by then */
    uint64_t reported_life;  /* the other life that was reported last */
};

enum name_conflict_news {
    NAME_CONFLICT_NOTHING,
    NAME_CONFLICT_FOUND,   /* the name is CONFLICT now */
    NAME_CONFLICT_IGNORED, /* the name is OURS: another uses it too, and will stand down; once for each of its lives */
};

void name_conflict_init(struct name_conflict *c, uint64_t node, uint64_t life, int64_t lease_ttl_ns, int64_t now_ns);

/*
 * To be called right after name_conflict_init, if the state directory says who had the name last. last_life: our life
 * that had it, on this machine since it was booted; 0: the name was had on another machine, of which this may be a
 * copy, or before this one was booted.
 */
void name_conflict_remember(struct name_conflict *c, uint64_t last_life);

void name_conflict_connected(struct name_conflict *c, int64_t now_ns);

/* While disconnected a CONFLICT stays. Whether an UNKNOWN name is ours is decided after the next snapshot of HOSTS. */
void name_conflict_disconnected(struct name_conflict *c);

void name_conflict_hosts_synced(struct name_conflict *c, int64_t now_ns);

/* A lease under the name was seen, which may be our own; seq: its sequence in HOSTS; it was put age_ns ago. */
enum name_conflict_news name_conflict_seen(struct name_conflict *c, const struct lease *lease, uint64_t seq,
                                           int64_t age_ns, int64_t now_ns);

/*
 * The question that is to be put now, if ask_due: a copy of c->other, marked so that nobody takes a lease that has run out
 * for a running one. Call name_conflict_asked when it was put.
 */
struct lease name_conflict_question(const struct name_conflict *c);
void name_conflict_asked(struct name_conflict *c, int64_t now_ns);

/* Whether a lease is this life's own. */
static inline bool name_conflict_is_ours(const struct name_conflict *c, const struct lease *lease)
{
    return lease->life == c->life && !lease->asked_by;
}

/* Ends waits that are over: look at name afterwards. */
void name_conflict_tick(struct name_conflict *c, int64_t now_ns);

/* When to call name_conflict_tick next; INT64_MAX: only after another call. */
int64_t name_conflict_deadline(const struct name_conflict *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer being put together, record by record: put one through `out`, then say where it belongs. A record that
 * does not fit, or is there already (RFC 2181 5), is taken back. One thread's; large, so reused.
 */
#ifndef DNS_DNS_DRAFT_H
#define DNS_DNS_DRAFT_H

#include "daemon/dns/dns_prepared.h"

/* More instances than this do not fit into any message. */
#define DNS_RECORDS_MAX 4096

struct dns_draft {
    struct dns_prepared prepared; /* its offsets point into the arrays below */
    struct dns_group groups[DNS_RECORDS_MAX];
    struct dns_record records[DNS_RECORDS_MAX];
    uint8_t body[DNS_MESSAGE_MAX];

    struct dns_out out;
    uint8_t *mark;                              /* where the record being put began */
    uint32_t group_from;                        /* first record of the group being filled */
    uint32_t at[DNS_RECORDS_MAX];               /* where each answer is in the body */
    uint16_t seen[4 * DNS_RECORDS_MAX];         /* hash table of answers: number + 1 */
    uint16_t seen_targets[4 * DNS_RECORDS_MAX]; /* the same of their targets */
    uint32_t seen_mask;                         /* of both */
};

void dns_draft_begin(struct dns_draft *d);

/* How many answer records will come at most; 4 unless set. Before the first one. */
void dns_draft_expect(struct dns_draft *d, size_t n);

/* The record just put is an answer. False: it does not fit into any message; the answer is truncated. */
bool dns_draft_answer(struct dns_draft *d, uint32_t weight);

/* The answers that come next are less wanted than those before. */
void dns_draft_next_group(struct dns_draft *d);

/*
 * No more answers. If they have more than `room` octets, as many whole ones stay as fit, always the same (RFC
 * 2181 9), and TC is set; else their order is drawn. Of more than `most` answers, that many are shown in each
 * reply, which is policy and not truncation; 0: all.
 */
void dns_draft_end_answers(struct dns_draft *d, size_t room, size_t most, struct dns_random *random);

/* The record just put is of that section. False: it did not fit into the room that is left, so no other will. */
void dns_draft_authority(struct dns_draft *d);
bool dns_draft_additional(struct dns_draft *d);

/* Whether no SRV record asked about before has the same target. */
bool dns_draft_is_new_target(struct dns_draft *d, uint32_t answer);

/* As dns_draft_additional, for one that the target of a SRV record owns: it begins with two octets of room for a pointer. */
bool dns_draft_owned(struct dns_draft *d, uint32_t answer);

#endif

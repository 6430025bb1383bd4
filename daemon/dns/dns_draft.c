/* SPDX-License-Identifier: Apache-2.0 */
/* An answer while it is composed: its records by section, and what is left of the room for them. */
#include "daemon/dns/dns_draft.h"

#include <stddef.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Draws after which the order no longer shows how the table is sorted, at the front where clients look. */
#define FIRST_TURNS 64

void dns_draft_expect(struct dns_draft *d, size_t n)
{
    size_t buckets = 16;
    while (buckets < 4 * n && buckets < 4 * DNS_RECORDS_MAX)
        buckets *= 2;
    memset(d->seen, 0, buckets * sizeof *d->seen);
    memset(d->seen_targets, 0, buckets * sizeof *d->seen_targets);
    d->seen_mask = (uint32_t)buckets - 1;
}

void dns_draft_begin(struct dns_draft *d)
{
    d->prepared = (struct dns_prepared){
        .ede = DNS_EDE_NONE,
        .flags = DNS_FLAG_AA,
        .whole = true,
        .groups_at = offsetof(struct dns_draft, groups),
        .records_at = offsetof(struct dns_draft, records),
        .body_at = offsetof(struct dns_draft, body),
    };
    d->out = dns_out(d->body, sizeof d->body);
    d->mark = d->out.at;
    d->group_from = 0;
    dns_draft_expect(d, 4);
}

static bool same(const struct dns_draft *d, size_t record, size_t bytes)
{
    return d->records[record].bytes == bytes && memcmp(d->body + d->at[record], d->mark, bytes) == 0;
}

/* The bucket of the record just put: empty, or with the record that is the same. */
static uint16_t *bucket_of(struct dns_draft *d, size_t bytes)
{
    uint32_t i = (uint32_t)XXH3_64bits(d->mark, bytes) & d->seen_mask;
    while (d->seen[i] != 0 && !same(d, d->seen[i] - 1u, bytes))
        i = (i + 1) & d->seen_mask;
    return &d->seen[i];
}

static void truncate_answer(struct dns_draft *d)
{
    d->prepared.flags |= DNS_FLAG_TC;
    d->prepared.whole = false;
}

bool dns_draft_answer(struct dns_draft *d, uint32_t weight)
{
    struct dns_prepared *p = &d->prepared;
    if (d->out.full || p->n_records > d->seen_mask / 4) {
        dns_rewind(&d->out, d->mark);
        truncate_answer(d);
        return false;
    }
    size_t bytes = (size_t)(d->out.at - d->mark);
    uint16_t *bucket = bucket_of(d, bytes);
    if (*bucket != 0) {
        dns_rewind(&d->out, d->mark);
        d->records[*bucket - 1].weight += weight;
        return true;
    }
    d->at[p->n_records] = (uint32_t)(d->mark - d->body);
    d->records[p->n_records] = (struct dns_record){.weight = weight, .bytes = (uint16_t)bytes};
    *bucket = (uint16_t)++p->n_records;
    d->mark = d->out.at;
    return true;
}

void dns_draft_next_group(struct dns_draft *d)
{
    struct dns_prepared *p = &d->prepared;
    if (p->n_records == d->group_from)
        return;
    d->groups[p->n_groups++] = (struct dns_group){p->n_records - d->group_from, 0};
    d->group_from = p->n_records;
}

/* Only now: a record that came twice may have added to the weight of an earlier group. */
static void weigh_groups(struct dns_draft *d)
{
    const struct dns_record *record = d->records;
    for (uint32_t i = 0; i < d->prepared.n_groups; i++)
        for (uint32_t k = 0; k < d->groups[i].n; k++)
            d->groups[i].weight += record++->weight;
}

static size_t bytes_of_first(const struct dns_draft *d, size_t n)
{
    return n < d->prepared.n_records ? d->at[n] : dns_out_bytes(&d->out);
}

static void cut_to(struct dns_draft *d, size_t room)
{
    struct dns_prepared *p = &d->prepared;
    while (p->n_records > 0 && dns_out_bytes(&d->out) > room)
        dns_rewind(&d->out, d->body + d->at[--p->n_records]);
    truncate_answer(d);
}

void dns_draft_end_answers(struct dns_draft *d, size_t room, size_t most, struct dns_random *random)
{
    struct dns_prepared *p = &d->prepared;
    size_t shown = most != 0 && p->n_records > most ? most : p->n_records;
    dns_draft_next_group(d);
    if (bytes_of_first(d, shown) > room || p->flags & DNS_FLAG_TC) {
        cut_to(d, room);
        p->n_groups = 0;
        shown = p->n_records;
    }
    p->answers = (uint16_t)shown;
    p->record_bytes = (uint32_t)dns_out_bytes(&d->out);
    p->shown_bytes = (uint32_t)bytes_of_first(d, shown);
    d->mark = d->out.at;
    size_t left = sizeof d->body - p->record_bytes, wanted = room - p->shown_bytes;
    d->out.end = d->out.at + (wanted < left ? wanted : left);
    weigh_groups(d);
    for (size_t i = 0; i < FIRST_TURNS && i < 2 * (size_t)p->n_records; i++)
        dns_prepared_turn(p, random);
    for (uint32_t i = 0, at = 0; i < p->n_records; at += d->records[i++].bytes)
        d->at[i] = at;
}

static bool end_record(struct dns_draft *d, uint16_t *count)
{
    if (d->out.full) {
        dns_rewind(&d->out, d->mark);
        d->prepared.whole = false;
        return false;
    }
    (*count)++;
    d->mark = d->out.at;
    d->prepared.rest_bytes = (uint32_t)dns_out_bytes(&d->out) - d->prepared.record_bytes;
    return true;
}

void dns_draft_authority(struct dns_draft *d)
{
    if (!end_record(d, &d->prepared.authorities))
        d->prepared.flags |= DNS_FLAG_TC; /* RFC 2181 9: what a negative answer needs is missing */
}

bool dns_draft_additional(struct dns_draft *d)
{
    return end_record(d, &d->prepared.additionals);
}

static const uint8_t *target_of(const struct dns_draft *d, uint32_t answer, size_t *ret_n)
{
    *ret_n = d->records[answer].bytes - DNS_SRV_TARGET_AT;
    return d->body + d->at[answer] + DNS_SRV_TARGET_AT;
}

static bool same_target(const struct dns_draft *d, uint32_t answer, uint32_t other)
{
    size_t n, other_n;
    const uint8_t *target = target_of(d, answer, &n), *other_target = target_of(d, other, &other_n);
    return n == other_n && memcmp(target, other_target, n) == 0;
}

/* There are at least four buckets for each answer. */
bool dns_draft_is_new_target(struct dns_draft *d, uint32_t answer)
{
    size_t n;
    const uint8_t *target = target_of(d, answer, &n);
    uint32_t i = (uint32_t)XXH3_64bits(target, n) & d->seen_mask;
    while (d->seen_targets[i] != 0 && !same_target(d, answer, d->seen_targets[i] - 1u))
        i = (i + 1) & d->seen_mask;
    if (d->seen_targets[i] != 0)
        return false;
    d->seen_targets[i] = (uint16_t)(answer + 1);
    return true;
}

bool dns_draft_owned(struct dns_draft *d, uint32_t answer)
{
    struct dns_record *r = &d->records[answer];
    uint16_t at = (uint16_t)(d->mark - d->body - d->prepared.record_bytes);
    if (!end_record(d, &d->prepared.additionals))
        return false;
    if (r->n_owned++ == 0)
        r->owned_at = at;
    d->prepared.owns = true;
    return true;
}

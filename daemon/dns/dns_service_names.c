/* SPDX-License-Identifier: Apache-2.0 */
/* Answers made of a service's block: its instances as SRV, addresses, text, and for browsers. */
#include "daemon/dns/dns_answering.h"

/*
 * Many clients ask for addresses without EDNS, and some of them never over TCP (musl before 1.2.4): they get as
 * many addresses as fit beside any ordinary name, drawn anew each time, not a truncated answer.
 */
#define PLAIN_A_MOST    20
#define PLAIN_AAAA_MOST 12

static bool same_group(const struct dns_target *x, const struct dns_target *y)
{
    return x->endpoint->priority == y->endpoint->priority && x->endpoint->tier == y->endpoint->tier;
}

/* The octets of its address of that family; 0: it has none. */
static size_t address_of(const struct discover_endpoint *e, uint8_t family, const uint8_t **ret_address)
{
    bool v4 = family == DISCOVER_HAS_IPV4;
    *ret_address = v4 ? e->ipv4 : e->ipv6;
    return !(e->families & family) ? 0 : v4 ? sizeof e->ipv4 : sizeof e->ipv6;
}

/* The record of a target; false: it has none of that type. */
static bool put_record(const struct dns_answering *a, const struct dns_target *t, uint16_t type)
{
    const uint8_t *address;
    if (type == DNS_TYPE_SRV) {
        dns_put_srv(&a->records, t);
        return true;
    }
    size_t n = address_of(t->endpoint, dns_family_of(type), &address);
    if (n > 0)
        dns_put_address(&a->records, address, n);
    return n > 0;
}

/* Adds the record of a target; of several targets with the same record the first one counts. */
static bool add_target(struct dns_answering *a, size_t i)
{
    uint32_t n = a->prepared->n_records;
    bool fits = dns_draft_answer(a->draft, a->scratch->targets.target[i].weight);
    if (a->prepared->n_records > n)
        a->draft->records[n].number = (uint16_t)i;
    return fits;
}

static void put_targets(struct dns_answering *a, uint16_t type)
{
    const struct dns_targets *targets = &a->scratch->targets;
    for (size_t i = 0; i < targets->n; i++) {
        const struct dns_target *t = &targets->target[i];
        if (i > 0 && !same_group(t - 1, t))
            dns_draft_next_group(a->draft);
        if (put_record(a, t, type) && !add_target(a, i))
            return;
    }
}

/* A before AAAA. owner: the answer whose target they belong to, by a pointer; NULL: by the target's name. */
static bool put_addresses(struct dns_answering *a, const struct discover_endpoint *e, const uint32_t *owner)
{
    static const uint8_t families[] = {DISCOVER_HAS_IPV4, DISCOVER_HAS_IPV6};
    bool fits = true;
    for (size_t i = 0; i < sizeof families && fits; i++) {
        const uint8_t *address;
        size_t n = address_of(e, families[i], &address);
        if (n == 0)
            continue;
        if (owner)
            dns_put_owned_address(&a->records, address, n);
        else
            dns_put_target_address(&a->records, e, address, n);
        fits = owner ? dns_draft_owned(a->draft, *owner) : dns_draft_additional(a->draft);
    }
    return fits;
}

/* Pointers to the targets, where they reach them wherever those are moved to; else each record has the name in full. */
static bool pointers_reach(const struct dns_answering *a)
{
    return DNS_HEADER_BYTES + a->ask->query->question_bytes + a->prepared->record_bytes <= DNS_POINTER_MAX;
}

/* RFC 2782: the addresses of the targets, so that nobody has to ask for each. What does not fit is left out. */
static void put_target_addresses(struct dns_answering *a)
{
    const struct dns_target *targets = a->scratch->targets.target;
    bool by_pointer = pointers_reach(a), fits = !(a->prepared->flags & DNS_FLAG_TC);
    for (uint32_t i = 0; i < a->prepared->n_records && fits; i++)
        if (dns_draft_is_new_target(a->draft, i))
            fits = put_addresses(a, targets[a->draft->records[i].number].endpoint, by_pointer ? &i : NULL);
}

/* RFC 6763 6: one string for each pair; a string without anything when there is none (6.1). */
static size_t meta_strings(const struct entry *e, uint8_t *ret_strings)
{
    uint8_t *at = ret_strings;
    for (size_t i = 0; i < e->n_meta; i++) {
        size_t key = strlen(e->meta[i].key), value = strlen(e->meta[i].value);
        if (key == 0 || key + 1 + value > UINT8_MAX) /* RFC 1035 3.3.14 */
            continue;
        *at++ = (uint8_t)(key + 1 + value);
        memcpy(at, e->meta[i].key, key);
        at[key] = '=';
        memcpy(at + key + 1, e->meta[i].value, value);
        at += key + 1 + value;
    }
    if (at == ret_strings)
        *at++ = 0;
    return (size_t)(at - ret_strings);
}

static bool has_pair(const struct entry *e, const struct discover_pair *pair)
{
    for (size_t i = 0; i < e->n_meta; i++)
        if (strcmp(e->meta[i].key, pair->key) == 0 && strcmp(e->meta[i].value, pair->value) == 0)
            return true;
    return false;
}

/* Drops the pairs that another target does not have. */
static void keep_common(struct entry *common, const struct entry *other)
{
    size_t kept = 0;
    for (size_t i = 0; i < common->n_meta; i++)
        if (has_pair(other, &common->meta[i]))
            common->meta[kept++] = common->meta[i];
    common->n_meta = (uint8_t)kept;
}

/*
 * What all selected instances have in common, in one record: clients that read text at a service's name (mongodb)
 * refuse more than one. Of a single instance that is all its meta, and then there is always a record.
 */
static void put_text(struct dns_answering *a)
{
    const struct dns_targets *targets = &a->scratch->targets;
    const struct table_view *view = &a->scratch->view;
    bool single = a->name->kind == DNS_NAME_INSTANCE || a->name->kind == DNS_NAME_SD_INSTANCE;
    uint8_t strings[RECORD_META_MAX * (UINT8_MAX + 1)];
    struct entry common, other;
    if (targets->n == 0 || dns_target_entry(view, targets->target[0].number, &common) < 0)
        return;
    for (size_t i = 1; i < targets->n && common.n_meta > 0; i++) {
        if (dns_target_entry(view, targets->target[i].number, &other) < 0)
            return;
        keep_common(&common, &other);
    }
    if (common.n_meta == 0 && !single)
        return;
    dns_put_txt(&a->records, strings, meta_strings(&common, strings));
    (void)dns_draft_answer(a->draft, 1);
}

/* RFC 6763 4.1: the names of the instances. */
static void put_instances(struct dns_answering *a)
{
    const struct dns_targets *targets = &a->scratch->targets;
    for (size_t i = 0; i < targets->n; i++) {
        struct entry e;
        char label[DNS_LABEL_MAX];
        if (dns_target_entry(&a->scratch->view, targets->target[i].number, &e) < 0)
            continue;
        dns_put_ptr_label(&a->records, label, dns_target_label(targets->target[i].endpoint, &e, label));
        if (!dns_draft_answer(a->draft, 1))
            return;
    }
}

static void put_answers(struct dns_answering *a)
{
    switch (a->qtype) {
    case DNS_TYPE_ANY: /* RFC 8482 4.1: one RRset will do */
    case DNS_TYPE_SRV:
        put_targets(a, DNS_TYPE_SRV);
        break;
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        put_targets(a, a->qtype);
        break;
    case DNS_TYPE_TXT:
        put_text(a);
        break;
    case DNS_TYPE_PTR:
        if (a->name->kind == DNS_NAME_PROTOCOL)
            put_instances(a);
        break;
    }
}

static size_t most_shown(const struct dns_answering *a)
{
    if (a->ask->plain && a->qtype == DNS_TYPE_A)
        return PLAIN_A_MOST;
    return a->ask->plain && a->qtype == DNS_TYPE_AAAA ? PLAIN_AAAA_MOST : 0;
}

static void answer_targets(struct dns_answering *a)
{
    size_t usable = a->scratch->targets.n;
    dns_draft_expect(a->draft, usable);
    put_answers(a);
    if (a->prepared->n_records > 0) {
        dns_end_answers(a, most_shown(a));
        if (a->qtype == DNS_TYPE_SRV || a->qtype == DNS_TYPE_ANY)
            put_target_addresses(a);
    } else if (usable > 0) {
        dns_negative(a, DNS_NOERROR); /* some, though none of this type: that much is known in any mode */
    } else {
        dns_absent(a, DNS_NOERROR);
    }
}

void dns_answer_service(struct dns_answering *a)
{
    struct dns_scratch *s = a->scratch;
    if (s->view.n_first == 0 || table_view_endpoint(&s->view, 0)->tier == DISCOVER_ELSEWHERE)
        dns_note_failover(a);
    dns_targets_select(&s->view, a->name, &s->targets);
    if (!s->targets.known)
        dns_absent(a, DNS_NXDOMAIN);
    else if (a->name->kind == DNS_NAME_ON_HOST)
        dns_negative(a, DNS_NOERROR);
    else
        answer_targets(a);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Composes the answer to a DNS query: finds what the name stands for, and adds its records, in the sections they belong to.
 */
#include "daemon/dns/dns_answer.h"

#include <errno.h>

#include "daemon/dns/dns_answering.h"

/* Long enough to save queries for names that do not exist, short enough not to miss one that comes up. */
#define NEGATIVE_TTL_MAX_S 5

/* Who gets a stale answer should ask again soon (RFC 8767 4 says 30 s for a cache, which has to ask far away). */
#define STALE_TTL_MAX_S 5

static uint32_t at_most(uint32_t value, uint32_t most)
{
    return value < most ? value : most;
}

/* ANY gets one RRset, as RFC 8482 4.1 allows: the first that is tried and there. */
static bool wants(const struct dns_answering *a, enum dns_type type)
{
    return a->qtype == type || (a->qtype == DNS_TYPE_ANY && a->prepared->n_records == 0);
}

static size_t room(const struct dns_answering *a)
{
    const struct dns_query *q = a->ask->query;
    size_t fixed = DNS_HEADER_BYTES + q->question_bytes +
                   dns_opt_bytes(q, (struct dns_extended){a->prepared->ede, a->prepared->region});
    return a->ask->limit > fixed ? a->ask->limit - fixed : 0;
}

void dns_end_answers(struct dns_answering *a, size_t most)
{
    dns_draft_end_answers(a->draft, room(a), most, a->ask->random);
}

static void fail(struct dns_answering *a, enum dns_rcode rcode, enum dns_ede ede)
{
    dns_draft_begin(a->draft);
    a->prepared->flags = 0; /* never authoritative: it is not the zone that says so */
    a->prepared->rcode = (uint8_t)rcode;
    a->prepared->ede = (int8_t)ede;
}

/* RFC 2308 3, 5: the SOA record's TTL is the time for which the absence may be remembered. */
void dns_negative(struct dns_answering *a, enum dns_rcode rcode)
{
    struct dns_records soa = a->records;
    soa.ttl_s = at_most(soa.ttl_s, NEGATIVE_TTL_MAX_S);
    a->prepared->rcode = (uint8_t)rcode;
    if (rcode == DNS_NXDOMAIN && a->prepared->ede == DNS_EDE_STALE_ANSWER)
        a->prepared->ede = DNS_EDE_STALE_NXDOMAIN;
    dns_end_answers(a, 0);
    dns_put_soa(&soa, a->ask->serial, soa.ttl_s);
    dns_draft_authority(a->draft);
    a->prepared->from_serial = true;
}

/* Another host may have such a thing: so without a live table the answer is that it cannot be known. */
void dns_absent(struct dns_answering *a, enum dns_rcode rcode)
{
    if (a->mode == DNS_MODE_UNSYNCED || a->mode == DNS_MODE_STORED)
        fail(a, DNS_SERVFAIL, DNS_EDE_NOT_READY);
    else
        dns_negative(a, rcode);
}

static void apex(struct dns_answering *a)
{
    if (wants(a, DNS_TYPE_SOA)) {
        dns_put_soa(&a->records, a->ask->serial, at_most(a->records.ttl_s, NEGATIVE_TTL_MAX_S));
        (void)dns_draft_answer(a->draft, 1);
        a->prepared->from_serial = true;
    } else if (wants(a, DNS_TYPE_NS)) {
        dns_put_ns(&a->records);
        (void)dns_draft_answer(a->draft, 1);
    }
    if (a->prepared->n_records == 0) {
        dns_negative(a, DNS_NOERROR);
        return;
    }
    dns_end_answers(a, 0);
    dns_put_server_address(&a->records, a->ask->own_address, a->ask->own_address_bytes);
    (void)dns_draft_additional(a->draft);
}

/* A name that has nothing but addresses. NULL: none of that family. */
static void addresses(struct dns_answering *a, const uint8_t *ipv4, const uint8_t *ipv6)
{
    if (ipv4 && wants(a, DNS_TYPE_A)) {
        dns_put_address(&a->records, ipv4, 4);
        (void)dns_draft_answer(a->draft, 1);
    }
    if (ipv6 && wants(a, DNS_TYPE_AAAA)) {
        dns_put_address(&a->records, ipv6, 16);
        (void)dns_draft_answer(a->draft, 1);
    }
    if (a->prepared->n_records == 0)
        dns_negative(a, DNS_NOERROR);
    else
        dns_end_answers(a, 0);
}

static void by_families(struct dns_answering *a, uint8_t families, const uint8_t *ipv4, const uint8_t *ipv6)
{
    addresses(a, families & DISCOVER_HAS_IPV4 ? ipv4 : NULL, families & DISCOVER_HAS_IPV6 ? ipv6 : NULL);
}

static enum table_kind block_kind(enum dns_kind kind)
{
    if (kind == DNS_NAME_HOST)
        return TABLE_HOST;
    return kind >= DNS_NAME_SERVICE_NODE ? TABLE_SERVICE : TABLE_DOMAIN;
}

/* Whether a node of the name tree is there: it is if its block is, whatever that says. */
static bool is_node(const struct dns_answering *a)
{
    enum dns_kind kind = a->name->kind;
    return kind == DNS_NAME_DOMAIN || kind == DNS_NAME_BROWSE || kind == DNS_NAME_SERVICE_NODE ||
           (kind == DNS_NAME_TYPES && !wants(a, DNS_TYPE_PTR));
}

/* What the answer needs of the block in the slot; of a large service that is seldom all. */
static int view_block(struct dns_answering *a, uint32_t slot)
{
    const struct dns_name *name = a->name;
    struct table_view *view = &a->scratch->view;
    struct dns_wanted wanted;
    dns_wanted_init(&wanted, name, a->family, a->most);
    int err = table_view_read_some(a->ask->table, slot, &wanted.filter, view);
    if (err)
        return err;
    if (view->key_bytes != name->key_bytes || memcmp(table_view_key(view), name->key, name->key_bytes) != 0)
        return -ENOENT;
    a->cut = wanted.cut;
    a->prepared->seq = view->seq;
    return view->kind == block_kind(name->kind) ? 0 : -EBADMSG;
}

/*
 * The block of the name's key, and its slot for those who keep the answer. The slot may have gone to another key
 * between the two steps; then the key was removed meanwhile.
 */
static int read_block(struct dns_answering *a)
{
    const struct table *table = a->ask->table;
    uint32_t slot;
    uint64_t seq;
    int err = table ? table_find_seq(table, a->name->key, a->name->key_bytes, &slot, &seq) : -ENOENT;
    if (err)
        return err;
    a->prepared->seq = seq;
    if (!is_node(a))
        err = view_block(a, slot);
    a->prepared->from_slot = err != -ENOENT;
    a->prepared->slot = slot;
    return err;
}

static void host(struct dns_answering *a)
{
    const uint8_t *bytes;
    size_t n;
    struct host_entry e;
    if (table_view_details(&a->scratch->view, 0, &bytes, &n) < 0 || host_entry_read(bytes, n, &e) < 0)
        fail(a, DNS_SERVFAIL, DNS_EDE_NONE);
    else
        by_families(a, e.alive ? e.addresses.families : 0, e.addresses.ipv4, e.addresses.ipv6);
}

/* The name of an address: "<host>.host" or "<hex>.addr.<domain>", in the first zone of names. */
static void put_reverse(struct dns_answering *a, const struct dns_reverse_name *found)
{
    uint8_t labels[5 * (DNS_LABEL_MAX + 1)];
    struct dns_out out = dns_out(labels, sizeof labels);
    const struct dns_name *name = a->name;
    char hex[40];
    if (!found->is_host) {
        dns_put_label(&out, hex,
                      dns_hex_address(name->addresses.families, name->addresses.ipv4, name->addresses.ipv6, hex));
        dns_put_label(&out, "addr", 4);
    }
    dns_put_label(&out, found->label, strlen(found->label));
    if (found->is_host)
        dns_put_label(&out, "host", 4);
    if (found->region[0]) {
        dns_put_label(&out, found->region, strlen(found->region));
        dns_put_label(&out, "region", 6);
    }
    dns_put_ptr_in_zone(&a->records, labels, dns_out_bytes(&out), a->ask->forward);
    (void)dns_draft_answer(a->draft, 1);
    dns_end_answers(a, 0);
}

static void reverse(struct dns_answering *a)
{
    const struct dns_name *name = a->name;
    bool v4 = name->addresses.families == DISCOVER_HAS_IPV4;
    const struct dns_reverse_now now = {a->ask->serial, a->ask->now_ns};
    struct dns_reverse_name found;
    int err = -ENOENT;
    if (a->ask->reverse && a->ask->forward)
        err = dns_reverse_find(a->ask->reverse, &now, v4 ? name->addresses.ipv4 : name->addresses.ipv6, v4 ? 4 : 16,
                               name->bits, &found);
    if (err == -EAGAIN)
        fail(a, DNS_SERVFAIL, DNS_EDE_NOT_READY);
    else if (err)
        dns_absent(a, DNS_NXDOMAIN);
    else if (name->bits == (v4 ? 32 : 128) && wants(a, DNS_TYPE_PTR))
        put_reverse(a, &found);
    else
        dns_negative(a, DNS_NOERROR); /* RFC 8020: there are addresses below, or the type is another */
}

static void browse(struct dns_answering *a)
{
    if (wants(a, DNS_TYPE_PTR)) {
        dns_put_ptr_domain(&a->records);
        (void)dns_draft_answer(a->draft, 1);
        dns_end_answers(a, 0);
    } else {
        dns_negative(a, DNS_NOERROR);
    }
}

/* RFC 6763 9. A service is listed under the protocol of its first instance, and where none is usable under TCP. */
static void types(struct dns_answering *a)
{
    const struct dns_name *name = a->name;
    char key[TABLE_KEY_MAX];
    const char *service;
    size_t n, usable, cursor = 0, before = name->key_name_bytes, behind = name->key_bytes - before;
    dns_draft_expect(a->draft, DNS_RECORDS_MAX);
    memcpy(key, name->key, before);
    while (wants(a, DNS_TYPE_PTR) && table_view_name(&a->scratch->view, &cursor, &service, &n) > 0) {
        struct discover_endpoint first = {.protocol = DISCOVER_TCP};
        if (n > DNS_LABEL_MAX - 1)
            continue;
        memcpy(key + before, service, n);
        memcpy(key + before + n, name->key + before, behind);
        (void)table_endpoints(a->ask->table, key, before + n + behind, &first, 1, &usable);
        dns_put_ptr_type(&a->records, service, n, (enum discover_protocol)first.protocol);
        if (!dns_draft_answer(a->draft, 1))
            break;
    }
    if (a->prepared->n_records == 0)
        dns_negative(a, DNS_NOERROR);
    else
        dns_end_answers(a, 0);
}

/* "addr" in a domain: every address has a name below it, so it is there whether or not a service is called so. */
static bool above_addresses(const struct dns_name *name)
{
    return name->kind == DNS_NAME_SERVICE && dns_label_is(name->service, "addr");
}

static void from_table(struct dns_answering *a)
{
    int err = read_block(a);
    if (err == -ENOENT) {
        dns_note_failover(a);
        if (above_addresses(a->name))
            dns_negative(a, DNS_NOERROR);
        else
            dns_absent(a, DNS_NXDOMAIN);
        return;
    }
    if (err) {
        fail(a, DNS_SERVFAIL, DNS_EDE_NONE);
        return;
    }
    switch (a->name->kind) {
    case DNS_NAME_DOMAIN:
    case DNS_NAME_SERVICE_NODE:
        dns_negative(a, DNS_NOERROR);
        break;
    case DNS_NAME_BROWSE:
        browse(a);
        break;
    case DNS_NAME_TYPES:
        types(a);
        break;
    case DNS_NAME_HOST:
        host(a);
        break;
    default:
        dns_answer_service(a);
    }
}

/* What the table can vouch for in another region. */
static enum dns_mode region_mode(const struct table_region *region)
{
    if (region->sync == TABLE_UNSYNCED)
        return region->stale_since_ns ? DNS_MODE_STORED : DNS_MODE_UNSYNCED;
    return region->sync == TABLE_STALE ? DNS_MODE_STALE : DNS_MODE_LIVE;
}

/* A stale answer says that it is, and who gets it asks again soon. */
static void mind_mode(struct dns_answering *a)
{
    if (a->mode != DNS_MODE_STALE && a->mode != DNS_MODE_STORED)
        return;
    a->prepared->ede = DNS_EDE_STALE_ANSWER;
    a->records.ttl_s = at_most(a->records.ttl_s, STALE_TTL_MAX_S);
}

static int read_region(const struct dns_answering *a, struct dns_label name, struct table_region *ret_region)
{
    return a->ask->table ? table_region(a->ask->table, name.text, name.n, ret_region) : -ENOENT;
}

/*
 * Which region is asked for, as the table has it: no answer outlives its serial, which moves with the state of any region.
 * False: answered already, for there is no such region.
 */
static bool enter_region(struct dns_answering *a)
{
    struct table_region region;
    int err = read_region(a, a->name->region, &region);
    a->prepared->from_serial = true;
    if (err == -ENOENT && a->ask->table)
        dns_negative(a, DNS_NXDOMAIN);
    else if (err)
        fail(a, DNS_SERVFAIL, DNS_EDE_NOT_READY);
    if (err)
        return false;
    struct dns_name *name = &a->scratch->name;
    *name = *a->name;
    a->name = name;
    struct table_failover failover;
    if (region.own && table_failover(a->ask->table, name->key, name->key_name_bytes, &failover) == 0)
        return true; /* another region answers for it: what the own one has stands apart */
    if (region.own)
        dns_name_set_region(name, (struct dns_label){.n = 0});
    else
        a->mode = region_mode(&region);
    return true;
}

/* "<region>.at.": the instances of that region, as it alone knows them. */
static void enter_place(struct dns_answering *a)
{
    struct table_region region;
    if (read_region(a, a->name->what, &region) != 0 || region.own)
        return;
    a->prepared->from_serial = true;
    struct dns_name *name = &a->scratch->name;
    *name = *a->name;
    name->kind = DNS_NAME_SERVICE;
    dns_name_set_region(name, name->what);
    a->name = name;
    a->mode = region_mode(&region);
}

void dns_note_failover(struct dns_answering *a)
{
    struct table_failover failover;
    struct table_region region;
    if (!a->ask->table || a->name->region.n > 0 ||
        table_failover(a->ask->table, a->name->key, a->name->key_bytes, &failover) < 0)
        return;
    a->prepared->from_serial = true;
    const struct dns_label name = {failover.region, strlen(failover.region)};
    if (read_region(a, name, &region) != 0 || region.own)
        return;
    a->mode = region_mode(&region);
    a->prepared->ede = DNS_EDE_OTHER;
    memcpy(a->prepared->region, failover.region, sizeof a->prepared->region);
    a->records.region = a->prepared->region;
    mind_mode(a);
}

static bool is_transfer(uint16_t qtype)
{
    return qtype == DNS_TYPE_AXFR || qtype == DNS_TYPE_IXFR;
}

static void by_name(struct dns_answering *a)
{
    const struct dns_ask *ask = a->ask;
    if (a->name->region.n > 0 && a->name->kind != DNS_NAME_MISSING && !enter_region(a))
        return;
    if (a->name->kind == DNS_NAME_PLACE && a->name->region.n == 0)
        enter_place(a);
    const struct dns_name *name = a->name;
    bool v4 = ask->own_address_bytes == 4;
    switch (name->kind) {
    case DNS_NAME_OUTSIDE:
        fail(a, DNS_REFUSED, DNS_EDE_NOT_AUTHORITATIVE); /* not NXDOMAIN: others may well have it (RFC 1034 4.3.2) */
        break;
    case DNS_NAME_MISSING:
        /*
         * By its form nothing can be called so; yet while other names are "cannot know" it is, too: glibc goes on with
         * its search list after SERVFAIL and believes the NXDOMAIN of "payment.shop.<zone>.<zone>".
         */
        dns_absent(a, DNS_NXDOMAIN);
        break;
    case DNS_NAME_NODE:
    case DNS_NAME_REGION:
        dns_negative(a, DNS_NOERROR);
        break;
    case DNS_NAME_APEX:
        apex(a);
        break;
    case DNS_NAME_SERVER:
        addresses(a, v4 ? ask->own_address : NULL, v4 ? NULL : ask->own_address);
        break;
    case DNS_NAME_ADDRESS:
        by_families(a, name->addresses.families, name->addresses.ipv4, name->addresses.ipv6);
        break;
    default:
        mind_mode(a);
        if (name->kind == DNS_NAME_REVERSE)
            reverse(a);
        else
            from_table(a);
    }
}

/* Whether instances with that name can have records of that type at all. */
static bool may_have_records(enum dns_kind kind, uint16_t qtype)
{
    bool lists = kind == DNS_NAME_PROTOCOL && qtype == DNS_TYPE_PTR;
    bool has = qtype == DNS_TYPE_SRV || qtype == DNS_TYPE_TXT || qtype == DNS_TYPE_ANY || dns_family_of(qtype);
    return kind != DNS_NAME_ON_HOST && (has || lists);
}

/*
 * How many usable instances are looked for in a large service: no more than fit, and one where there will be no records.
 * Addresses that are asked for without EDNS are drawn of all, and text is what all have in common.
 */
static size_t most_wanted(const struct dns_ask *ask)
{
    enum { RECORD_BYTES_MIN = 16 };
    uint16_t qtype = ask->query->qtype;
    if (!may_have_records(ask->name->kind, qtype))
        return 1;
    if (qtype == DNS_TYPE_TXT || (ask->plain && dns_family_of(qtype)))
        return DNS_RECORDS_MAX;
    size_t most = ask->limit / RECORD_BYTES_MIN + 1;
    return most < DNS_RECORDS_MAX ? most : DNS_RECORDS_MAX;
}

static struct dns_answering answer_from(const struct dns_ask *ask, struct dns_scratch *s, uint8_t family, size_t most)
{
    struct dns_answering a = {
        .ask = ask,
        .name = ask->name,
        .scratch = s,
        .draft = &s->draft,
        .prepared = &s->draft.prepared,
        .records = {&s->draft.out, ask->query, ask->name, ask->ttl_s, ""},
        .qtype = ask->query->qtype,
        .mode = ask->mode,
        .family = family,
        .most = most,
    };
    dns_draft_begin(a.draft);
    if (is_transfer(a.qtype))
        fail(&a, DNS_REFUSED, DNS_EDE_NONE);
    else
        by_name(&a);
    return a;
}

struct dns_prepared *dns_answer(const struct dns_ask *ask, struct dns_scratch *s)
{
    uint8_t family = dns_family_of(ask->query->qtype);
    struct dns_answering a = answer_from(ask, s, family, most_wanted(ask));
    bool full = a.prepared->flags & DNS_FLAG_TC;
    if (a.cut && a.most > 1 && !full) /* many have the same record, and others may have another */
        a = answer_from(ask, s, family, DNS_RECORDS_MAX);
    if (family && a.name->kind >= DNS_NAME_SERVICE &&
        a.prepared->n_records == 0) /* none, or none with such an address */
        a = answer_from(ask, s, 0, 1);
    a.prepared->mode = (uint8_t)ask->mode;
    a.prepared->serial = ask->serial;
    a.prepared->limit = (uint16_t)ask->limit;
    return a.prepared;
}

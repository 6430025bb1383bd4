/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared answers: their order, and the replies made of them. */
#include "daemon/dns/dns_prepared.h"

/* Records that stand in a group are smaller: SRV with the longest target has 273 octets. */
#define MOVE_MAX 512

#define OPTION_EDE       15 /* RFC 8914 2 */
#define EDE_OPTION_BYTES 6
#define TEXT             "region "

/* RFC 8914 2: EXTRA-TEXT, "region b". */
static size_t text_bytes(const char *region)
{
    return *region ? strlen(TEXT) + strlen(region) : 0;
}

size_t dns_opt_bytes(const struct dns_query *q, struct dns_extended x)
{
    if (!q->edns)
        return 0;
    return x.ede == DNS_EDE_NONE ? DNS_OPT_BYTES : DNS_OPT_BYTES + EDE_OPTION_BYTES + text_bytes(x.region);
}

static struct dns_extended extended_of(const struct dns_prepared *p)
{
    return (struct dns_extended){p->ede, p->region};
}

size_t dns_prepared_reply_bytes(const struct dns_prepared *p, const struct dns_query *q)
{
    return DNS_HEADER_BYTES + q->question_bytes + p->shown_bytes + p->rest_bytes + dns_opt_bytes(q, extended_of(p));
}

/* Moves the last of n records to the front of them all. */
static void move_to_front(struct dns_record *records, uint8_t *bytes, size_t n, size_t bytes_before)
{
    uint8_t moved[MOVE_MAX];
    struct dns_record record = records[n - 1];
    if (n == 1 || record.bytes > sizeof moved)
        return;
    memcpy(moved, bytes + bytes_before, record.bytes);
    memmove(bytes + record.bytes, bytes, bytes_before);
    memcpy(bytes, moved, record.bytes);
    memmove(records + 1, records, (n - 1) * sizeof *records);
    records[0] = record;
}

static void turn_group(const struct dns_group *g, struct dns_record *records, uint8_t *bytes, struct dns_random *random)
{
    uint32_t drawn = dns_random_below(random, g->weight);
    size_t at = 0, i = 0;
    for (; i + 1 < g->n && drawn >= records[i].weight; i++) {
        drawn -= records[i].weight;
        at += records[i].bytes;
    }
    move_to_front(records, bytes, i + 1, at);
}

static size_t bytes_of(const struct dns_record *records, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += records[i].bytes;
    return bytes;
}

void dns_prepared_turn(struct dns_prepared *p, struct dns_random *random)
{
    const struct dns_group *groups = dns_groups(p);
    struct dns_record *records = dns_records(p);
    uint8_t *bytes = dns_body(p);
    for (uint32_t i = 0; i < p->n_groups; i++) {
        if (groups[i].n > 1)
            turn_group(&groups[i], records, bytes, random);
        if (i + 1 == p->n_groups)
            break;
        bytes += bytes_of(records, groups[i].n);
        records += groups[i].n;
    }
}

size_t dns_prepared_copy_bytes(const struct dns_prepared *p)
{
    return dns_round_up(sizeof *p + p->n_groups * sizeof(struct dns_group) + p->n_records * sizeof(struct dns_record) +
                        p->record_bytes + p->rest_bytes);
}

void dns_prepared_copy(struct dns_prepared *p, struct dns_prepared *ret_copy)
{
    struct dns_prepared *c = ret_copy;
    *c = *p;
    c->groups_at = sizeof *c;
    c->records_at = c->groups_at + (uint32_t)(p->n_groups * sizeof(struct dns_group));
    c->body_at = c->records_at + (uint32_t)(p->n_records * sizeof(struct dns_record));
    memcpy(dns_groups(c), dns_groups(p), p->n_groups * sizeof(struct dns_group));
    memcpy(dns_records(c), dns_records(p), p->n_records * sizeof(struct dns_record));
    memcpy(dns_body(c), dns_body(p), p->record_bytes + p->rest_bytes);
}

/* RFC 1035 4.1.1: of the query's flags only RD is copied; AD, CD, RA and Z are 0. */
static uint8_t *write_head(const struct dns_query *q, uint8_t flags, uint8_t rcode, uint16_t answers,
                           uint16_t authorities, uint16_t additionals, uint8_t *reply)
{
    reply[0] = q->packet[0];
    reply[1] = q->packet[1];
    reply[2] = DNS_FLAG_QR | (q->packet[2] & (DNS_OPCODE_MASK | DNS_FLAG_RD)) | flags;
    reply[3] = rcode & 15;
    dns_store16(reply + 4, q->question_bytes ? 1 : 0);
    dns_store16(reply + 6, answers);
    dns_store16(reply + 8, authorities);
    dns_store16(reply + 10, additionals);
    memcpy(reply + DNS_HEADER_BYTES, q->packet + DNS_HEADER_BYTES, q->question_bytes);
    return reply + DNS_HEADER_BYTES + q->question_bytes;
}

/* RFC 6891 6.1.2: of the flags only DO is copied (RFC 3225 3), no option is echoed. */
static uint8_t *write_opt(const struct dns_query *q, uint16_t rcode, struct dns_extended x, uint16_t payload,
                          uint8_t *at)
{
    size_t text = text_bytes(x.region);
    if (!q->edns)
        return at;
    at[0] = 0;
    dns_store16(at + 1, DNS_TYPE_OPT);
    dns_store16(at + 3, payload);
    at[5] = (uint8_t)(rcode >> 4);
    at[6] = 0;
    dns_store16(at + 7, q->dnssec_ok ? 0x8000 : 0);
    dns_store16(at + 9, x.ede == DNS_EDE_NONE ? 0 : (uint16_t)(EDE_OPTION_BYTES + text));
    if (x.ede == DNS_EDE_NONE)
        return at + DNS_OPT_BYTES;
    dns_store16(at + 11, OPTION_EDE);
    dns_store16(at + 13, (uint16_t)(2 + text));
    dns_store16(at + 15, (uint16_t)x.ede);
    at += DNS_OPT_BYTES + EDE_OPTION_BYTES;
    if (text) {
        memcpy(at, TEXT, strlen(TEXT));
        memcpy(at + strlen(TEXT), x.region, text - strlen(TEXT));
    }
    return at + text;
}

/* answers_at: where they begin in the reply. rest: what stands behind them. */
static void point_at_targets(struct dns_prepared *p, size_t answers_at, uint8_t *rest)
{
    size_t at = answers_at + DNS_SRV_TARGET_AT;
    const struct dns_record *end = dns_records(p) + p->n_records;
    for (const struct dns_record *r = dns_records(p); r < end; r++) {
        const uint16_t pointer = (uint16_t)(DNS_POINTER | at);
        if (r->n_owned > 0)
            dns_store16(rest + r->owned_at, pointer);
        if (r->n_owned > 1)
            dns_store16(rest + r->owned_at + DNS_OWNED_A_BYTES, pointer);
        at += r->bytes;
    }
}

size_t dns_prepared_write(struct dns_prepared *p, const struct dns_query *q, uint16_t payload, uint8_t *reply)
{
    uint8_t *at =
        write_head(q, p->flags, p->rcode, p->answers, p->authorities, (uint16_t)(p->additionals + q->edns), reply);
    const uint8_t *body = dns_body(p);
    if (p->shown_bytes == p->record_bytes) {
        memcpy(at, body, p->record_bytes + p->rest_bytes);
    } else {
        memcpy(at, body, p->shown_bytes);
        memcpy(at + p->shown_bytes, body + p->record_bytes, p->rest_bytes);
    }
    if (p->owns)
        point_at_targets(p, (size_t)(at - reply), at + p->shown_bytes);
    at = write_opt(q, p->rcode, extended_of(p), payload, at + p->shown_bytes + p->rest_bytes);
    return (size_t)(at - reply);
}

size_t dns_write_empty(const struct dns_query *q, uint16_t rcode, uint8_t flags, int ede, uint16_t payload,
                       uint8_t *reply)
{
    uint8_t *at = write_head(q, flags, (uint8_t)rcode, 0, 0, q->edns, reply);
    return (size_t)(write_opt(q, rcode, (struct dns_extended){ede, ""}, payload, at) - reply);
}

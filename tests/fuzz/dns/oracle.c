/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of every reply. */
#include "tests/fuzz/dns/oracle.h"

#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

bool oracle_ignores(const uint8_t *query, size_t n)
{
    return n < 12 || query[2] & 0x80;
}

static bool same(const struct record_seen *a, const struct record_seen *b)
{
    return a->section == b->section && a->type == b->type && a->data_bytes == b->data_bytes &&
           strcmp(a->owner, b->owner) == 0 && memcmp(a->data, b->data, a->data_bytes) == 0;
}

static bool is_srv_target(const struct reply *r, const char *name)
{
    for (size_t i = 0; i < r->n_records; i++)
        if (r->records[i].section == 0 && r->records[i].type == SRV && strcasecmp(r->records[i].target, name) == 0)
            return true;
    return false;
}

/* Answers are of the name and type asked for; additional records are addresses of what stands before them. */
static void check_record(const struct reply *r, size_t i, uint16_t qtype)
{
    const struct record_seen *x = &r->records[i];
    must(x->class == 1 && x->type != CNAME && x->type != OPT);
    must(x->section == 2 || r->aa);
    if (x->section == 0)
        must(strcmp(x->owner, r->question) == 0 && (qtype == ANY || x->type == qtype));
    if (x->section == 2)
        must((x->type == A || x->type == AAAA) && (is_srv_target(r, x->owner) || strncasecmp(x->owner, "ns.", 3) == 0));
    if (x->type == SRV)
        must(x->weight >= 256 && x->target[0] && strcmp(x->target, ".") != 0);
    for (size_t k = 0; k < i; k++)
        must(!same(&r->records[k], x)); /* RFC 2181 5 */
}

const struct reply *oracle_check(const uint8_t *query, size_t query_n, const uint8_t *bytes, size_t n, size_t limit)
{
    static struct reply r;
    must(read_reply(bytes, n, &r));
    must(n <= limit);
    must(memcmp(bytes, query, 2) == 0);
    must((bytes[2] & 0xf9) == ((query[2] & 0x79) | 0x80)); /* QR, and the query's opcode and RD */
    must((bytes[3] & 0xf0) == 0);
    if (r.questions)
        must(r.question_at_end <= query_n && memcmp(bytes + 12, query + 12, r.question_at_end - 12) == 0);
    must(r.questions == 1 || r.rcode == FORMERR || r.rcode == NOTIMP);
    must(!r.opt || query[10] || query[11]); /* RFC 6891 6.1.1: only to who sent one */
    uint16_t qtype = (uint16_t)(bytes[r.question_at_end - 4] << 8 | bytes[r.question_at_end - 3]);
    for (size_t i = 0; i < r.n_records; i++)
        check_record(&r, i, qtype);
    must(r.opt || n <= 512 || limit > 16384);
    must(r.aa == (r.rcode == NOERROR || r.rcode == NXDOMAIN) || r.tc);
    must(r.rcode != NXDOMAIN || r.counts[0] == 0);
    if (r.aa && r.counts[0] == 0 && !r.tc) /* negative answers carry the SOA record, and only they do */
        must(count(&r, 1, SOA) == 1 && r.counts[1] == 1);
    else
        must(r.counts[1] == 0 || r.tc);
    return &r;
}

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
    must(r.opt || n <= 512 || limit > 16384);
    must(r.aa == (r.rcode == NOERROR || r.rcode == NXDOMAIN) || r.tc);
    must(r.rcode != NXDOMAIN || r.counts[0] == 0);
    if (r.aa && r.counts[0] == 0 && !r.tc) /* negative answers carry the SOA record, and only they do */
        must(count(&r, 1, SOA) == 1 && r.counts[1] == 1);
    else
        must(r.counts[1] == 0 || r.tc);
    return &r;
}

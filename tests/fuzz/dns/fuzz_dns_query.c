/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any query over any small catalog. The input: how it is asked, how many instances there are, four octets for each,
 * the query. It is asked twice, so that the second answer is a prepared one, which must say the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/dns/oracle.h"
#include "tests/fuzz/dns/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct reply *ask_once(const uint8_t *query, size_t n, const struct dns_client *as)
{
    static uint8_t reply[DNS_MESSAGE_MAX];
    size_t limit = as->tcp ? DNS_MESSAGE_MAX : as->loopback ? 16384 : 1232;
    size_t got = world_ask(query, n, as, reply);
    if ((got == 0) != oracle_ignores(query, n))
        abort();
    return got ? oracle_check(query, n, reply, got, limit) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 2 || n - 2 < 4u * (bytes[1] % 32))
        return 0;
    size_t head = 2 + 4u * (bytes[1] % 32);
    struct dns_client as = world_begin(bytes[0], bytes + 2, bytes[1] % 32);
    uint8_t *query = malloc(n - head + 1);
    memcpy(query, bytes + head, n - head);
    const struct reply *r = ask_once(query, n - head, &as);
    if (r) {
        size_t length = r->n, answers = r->counts[0], rcode = r->rcode;
        r = ask_once(query, n - head, &as);
        if (r->n != length || r->counts[0] != answers || r->rcode != rcode)
            abort();
    }
    free(query);
    world_end();
    return 0;
}

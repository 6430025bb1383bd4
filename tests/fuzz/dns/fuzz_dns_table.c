/* SPDX-License-Identifier: Apache-2.0 */
/* The input is the mapped table: whatever it holds, answers are well-formed. */
#include <stdlib.h>
#include <string.h>

#include "daemon/dns/dns_answer.h"
#include "tests/fuzz/dns/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char *const names[] = {"\7payment\4shop",
                                    "\10_payment\4_tcp\4shop",
                                    "\6canary\3tag\7payment\4shop",
                                    "\2eu\2at\7payment\4shop",
                                    "\2p1\5web-1\2id\7payment\4shop",
                                    "\5web-1\4host",
                                    "\4shop",
                                    "\11_services\7_dns-sd\4_udp\4shop",
                                    "\10p1@web-1\10_payment\4_tcp\4shop"};
static const uint16_t types[] = {SRV, A, AAAA, TXT, PTR, ANY};

static size_t build_query(const char *name, uint16_t type, uint8_t *ret_query)
{
    static const uint8_t header[12] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    static const uint8_t zone[] = "\10discover\10internal", opt[11] = {0, 0, 41, 16};
    const uint8_t end[] = {0, (uint8_t)type, 0, 1};
    uint8_t *at = memcpy(ret_query, header, sizeof header);
    at = mempcpy(at + sizeof header, name, strlen(name));
    at = mempcpy(at, zone, sizeof zone);
    at = mempcpy(at, end, sizeof end);
    at = mempcpy(at, opt, sizeof opt);
    return (size_t)(at - ret_query);
}

static void ask_for(const struct table *t, const struct dns_zones *zones, const char *label, uint16_t type,
                    struct dns_scratch *s)
{
    static uint8_t query[512], reply[DNS_MESSAGE_MAX], own[4];
    struct dns_query q;
    struct dns_name name;
    struct dns_random random = {1};
    size_t n = build_query(label, type, query);
    if (dns_query_parse(query, n, &q) < 0)
        abort();
    dns_name_read(zones, q.question, &name);
    const struct dns_ask ask = {.query = &q,
                                .name = &name,
                                .table = t,
                                .mode = DNS_MODE_LIVE,
                                .limit = 4096,
                                .own_address = own,
                                .own_address_bytes = 4,
                                .random = &random};
    struct dns_prepared *p = dns_answer(&ask, s);
    dns_prepared_turn(p, &random);
    (void)oracle_check(query, n, reply, dns_prepared_write(p, &q, 1232, reply), 4096);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct dns_zones zones = {.n = 1};
    struct dns_scratch *s = calloc(1, sizeof *s);
    const char *why;
    struct table t;
    uint64_t *words = malloc(n / 8 * 8 + 8);
    memcpy(words, bytes, n / 8 * 8);
    if (dns_zone_parse("discover.internal", &zones.zone[0], &why) < 0 || !s)
        abort();
    if (table_attach((const table_word *)words, n / 8, &t) == 0)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            for (size_t k = 0; k < sizeof types / sizeof *types; k++)
                ask_for(&t, &zones, names[i], types[k], s);
    table_view_fini(&s->view);
    free(s);
    free(words);
    return 0;
}

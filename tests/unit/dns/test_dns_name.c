/* SPDX-License-Identifier: Apache-2.0 */
/* The form of names, and the folding of case under it. */
#include "daemon/dns/dns_name.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/dns/dns_query.h"
#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

/* A label of n octets that begin with first, and count up. */
static size_t build_label(uint8_t first, size_t n, uint8_t *ret_query)
{
    static const uint8_t end[] = {0, 'A', 'A', 'A', 'A'}; /* type and class are no part of the name */
    size_t used = build("", A, ret_query) - sizeof end;
    ret_query[used++] = (uint8_t)n;
    for (size_t i = 0; i < n; i++)
        ret_query[used++] = (uint8_t)(first + i);
    memcpy(ret_query + used, end, sizeof end);
    return used + sizeof end;
}

START_TEST(test_folding_is_that_of_ascii)
{
    uint8_t query[300];
    struct dns_query q;
    for (size_t n = 1; n <= DNS_LABEL_MAX; n++) {
        for (unsigned first = 0; first < 256; first++) {
            ck_assert_int_eq(dns_query_parse(query, build_label((uint8_t)first, n, query), &q), 0);
            ck_assert_uint_eq(q.name_bytes, n + 2);
            for (size_t i = 0; i < n; i++) {
                uint8_t c = (uint8_t)(first + i);
                ck_assert_uint_eq(q.question[1 + i], c >= 'A' && c <= 'Z' ? c + 32u : c);
            }
            ck_assert_mem_eq(q.question + n + 2, "AAAA", 4);
        }
    }
}
END_TEST

static const struct {
    const char *name;
    enum dns_kind kind;
    const char *key;
} shapes[] = {
    {"", DNS_NAME_APEX, ""},
    {"ns", DNS_NAME_SERVER, ""},
    {"host", DNS_NAME_NODE, ""},
    {"shop", DNS_NAME_DOMAIN, "shop/"},
    {"_tcp.shop", DNS_NAME_DOMAIN, "shop/"},
    {"_udp.shop", DNS_NAME_DOMAIN, "shop/"},
    {"_sctp.shop", DNS_NAME_MISSING, ""},
    {"_dns-sd._udp.shop", DNS_NAME_DOMAIN, "shop/"},
    {"_services._dns-sd._udp.shop", DNS_NAME_TYPES, "shop/"},
    {"b._dns-sd._udp.shop", DNS_NAME_BROWSE, "shop/"},
    {"b._dns-sd._tcp.shop", DNS_NAME_SD_INSTANCE, "shop/dns-sd"},
    {"web-1.host", DNS_NAME_HOST, "@web-1"},
    {"payment.shop", DNS_NAME_SERVICE, "shop/payment"},
    {"_payment._tcp.shop", DNS_NAME_PROTOCOL, "shop/payment"},
    {"tag.payment.shop", DNS_NAME_SERVICE_NODE, "shop/payment"},
    {"at.payment.shop", DNS_NAME_SERVICE_NODE, "shop/payment"},
    {"id.payment.shop", DNS_NAME_SERVICE_NODE, "shop/payment"},
    {"canary.tag.payment.shop", DNS_NAME_TAG, "shop/payment"},
    {"eu.at.payment.shop", DNS_NAME_PLACE, "shop/payment"},
    {"web-1.id.payment.shop", DNS_NAME_ON_HOST, "shop/payment"},
    {"p1.web-1.id.payment.shop", DNS_NAME_INSTANCE, "shop/payment"},
    {"p1@web-1._payment._udp.shop", DNS_NAME_SD_INSTANCE, "shop/payment"},
    {"0a000001.addr.shop", DNS_NAME_ADDRESS, ""},
    {"addr.shop", DNS_NAME_SERVICE, "shop/addr"},
    {"0a00001.addr.shop", DNS_NAME_MISSING, ""},
    {"-shop", DNS_NAME_MISSING, ""},
    {"pay_ment.shop", DNS_NAME_MISSING, ""},
    {"payment.-shop", DNS_NAME_MISSING, ""},
    {"_.shop", DNS_NAME_MISSING, ""},
    {"_._tcp.shop", DNS_NAME_MISSING, ""},
    {"x.y.z", DNS_NAME_MISSING, ""},
    {"a.b.c.d.e.f.g.h", DNS_NAME_MISSING, ""},
};

START_TEST(test_shapes)
{
    struct dns_zones zones = {.n = 1};
    const char *why;
    ck_assert_int_eq(dns_zone_parse(ZONE, &zones.zone[0], &why), 0);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char text[200];
        uint8_t packet[300];
        struct dns_query q;
        struct dns_name name;
        strcat(strcat(strcpy(text, shapes[i].name), *shapes[i].name ? "." : ""), ZONE);
        ck_assert_int_eq(dns_query_parse(packet, build(text, A, packet), &q), 0);
        dns_name_read(&zones, q.question, &name);
        ck_assert_msg(name.kind == shapes[i].kind, "%s: %d", text, name.kind);
        ck_assert_uint_eq(name.key_bytes, strlen(shapes[i].key));
        ck_assert_mem_eq(name.key, shapes[i].key, name.key_bytes);
    }
}
END_TEST

UNIT_TESTS("dns name", test_folding_is_that_of_ascii, test_shapes)

/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the reply that a client would get, for `explain`. */
#include "daemon/dns/dns_explain.h"

#include <errno.h>

#include "daemon/dns/dns_impl.h"
#include "libdiscover/core/clock.h"

#define CACHE_BYTES 65536
#define QUERY_MAX   (DNS_HEADER_BYTES + DNS_QUESTION_MAX + DNS_OPT_BYTES)

/* Returns its octets. */
static size_t write_query(const struct dns_zone *zone, const struct dns_explain_ask *ask,
                          uint8_t ret_query[static QUERY_MAX])
{
    struct dns_out out = dns_out(ret_query, QUERY_MAX);
    dns_put16(&out, 0);
    dns_put16(&out, 0); /* a query, and nothing wanted beside */
    dns_put16(&out, 1);
    dns_put16(&out, 0);
    dns_put16(&out, 0);
    dns_put16(&out, ask->payload ? 1 : 0);
    dns_put_labels(&out, ask->name);
    dns_put(&out, zone->wire, zone->bytes);
    dns_put16(&out, ask->type);
    dns_put16(&out, DNS_CLASS_IN);
    if (ask->payload) { /* RFC 6891 6.1.2 */
        dns_put8(&out, 0);
        dns_put16(&out, DNS_TYPE_OPT);
        dns_put16(&out, ask->payload);
        dns_put32(&out, 0);
        dns_put16(&out, 0);
    }
    return dns_out_bytes(&out);
}

static int respond(struct dns *dns, const uint8_t *query, size_t n, uint8_t *reply, size_t *ret_n)
{
    const struct dns_client client = {.loopback = true, .own_address_bytes = 4, .own_address = {127, 0, 0, 1}};
    int err = dns->explainer
                  ? 0
                  : dns_responder_new(&dns->config, &dns->tables, &dns->explained, CACHE_BYTES, &dns->explainer);
    if (err)
        return err;
    dns_responder_begin(dns->explainer, clock_now_ns());
    *ret_n = dns_respond(dns->explainer, query, n, &client, reply, DNS_MESSAGE_MAX);
    dns_responder_rest(dns->explainer);
    return *ret_n ? 0 : -EBADMSG;
}

int dns_explain(struct dns *dns, const struct dns_explain_ask *ask, dns_text_fn *fn, void *arg,
                struct dns_text_head *ret_head)
{
    const struct dns_zone *zone = dns_zones_first(&dns->config.zones, false);
    static uint8_t reply[DNS_MESSAGE_MAX];
    uint8_t query[QUERY_MAX];
    size_t n;
    if (!zone)
        return -ENOENT;
    int err = respond(dns, query, write_query(zone, ask, query), reply, &n);
    return err ? err : dns_text_answers(reply, n, ask->lines_max, fn, arg, ret_head);
}

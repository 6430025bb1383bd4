/* SPDX-License-Identifier: Apache-2.0 */
/* Explains what clients of a service get: replies of DNS, and the order of pick. */
#include "daemon/registry/explain/explain_clients.h"

#include <stdbool.h>
#include <stdio.h>

#include "daemon/catalog/catalog_explain.h"
#include "daemon/dns/dns_explain.h"
#include "libdiscover/core/dns_wire.h"
#include "libdiscover/core/words.h"

#define LINES_MAX 10
#define USUAL_UDP 1232 /* bytes of a reply that resolvers take over UDP (DNS flag day 2020) */

static void add_line(void *arg, const char *line)
{
    (void)json_array_append_new(arg, json_string(line));
}

static const struct question {
    uint16_t type, payload;
    const char *text, *client;
} questions[] = {
    {DNS_TYPE_SRV, USUAL_UDP, "SRV", "UDP, EDNS 1232"},
    {DNS_TYPE_A, 0, "A", "UDP without EDNS, 512"},
    {DNS_TYPE_AAAA, USUAL_UDP, "AAAA", "UDP, EDNS 1232"},
};

static json_t *ask(struct dns *dns, const char *name, const struct question *q, size_t usable)
{
    struct dns_explain_ask ask = {.name = name, .type = q->type, .payload = q->payload, .lines_max = LINES_MAX};
    struct dns_text_head reply;
    json_t *lines = json_array();
    if (dns_explain(dns, &ask, add_line, lines, &reply) < 0) {
        json_decref(lines);
        return NULL;
    }
    size_t answers = reply.answers;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:b, s:I, s:I, s:o}", "name", reply.question, "type", q->text, "client",
                     q->client, "rcode", dns_rcode_text(reply.rcode), "bytes", (json_int_t)reply.bytes, "truncated",
                     reply.truncated, "answers", (json_int_t)answers, "left_out",
                     (json_int_t)(q->type == DNS_TYPE_SRV && usable > answers ? usable - answers : 0), "records",
                     lines);
}

json_t *explain_dns(struct dns *dns, const char *domain, const char *service, size_t usable)
{
    char name[SERVICE_CAP];
    json_t *list = json_array();
    snprintf(name, sizeof name, "%s.%s", service, domain);
    for (size_t i = 0; dns && i < sizeof questions / sizeof *questions; i++) {
        json_t *reply = ask(dns, name, &questions[i], usable);
        bool has_answers = json_integer_value(json_object_get(reply, "answers")) > 0;
        (void)json_array_append_new(list, reply);
        /* the reply to AAAA is shown only where there is no IPv4 address */
        if (has_answers && questions[i].type == DNS_TYPE_A)
            break;
    }
    return list;
}

/* --- pick --- */

struct group {
    uint16_t priority;
    uint8_t tier;
    uint32_t n;
    uint64_t weight;
};

static json_t *group_json(const struct group *g)
{
    return json_pack("{s:i, s:s, s:i, s:I}", "priority", (int)g->priority, "tier", tier_word(g->tier), "instances",
                     (int)g->n, "weight", (json_int_t)g->weight);
}

/* Instances come in pick's order, so a group is whole when the next one begins. */
json_t *explain_pick(const struct catalog *c, const char *service)
{
    static struct discover_endpoint endpoints[EXPLAIN_PICK_MAX];
    struct group g = {.n = 0};
    json_t *list = json_array();
    size_t n = catalog_usable(c, service, EXPLAIN_PICK_MAX, endpoints);
    for (size_t i = 0; i < n; i++) {
        const struct discover_endpoint *e = &endpoints[i];
        if (g.n > 0 && (g.priority != e->priority || g.tier != e->tier)) {
            (void)json_array_append_new(list, group_json(&g));
            g.n = 0;
            g.weight = 0;
        }
        g.priority = e->priority;
        g.tier = e->tier;
        g.weight += e->weight;
        g.n++;
    }
    if (g.n > 0)
        (void)json_array_append_new(list, group_json(&g));
    return list;
}

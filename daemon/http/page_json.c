/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages consist of, as JSON. */
#include "daemon/http/page_json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int to_buffer(const char *bytes, size_t n, void *arg)
{
    return evbuffer_add(arg, bytes, n);
}

int page_write_json(json_t *value, struct evbuffer *out)
{
    int err = value && json_dump_callback(value, to_buffer, out, JSON_COMPACT) == 0 ? 0 : -ENOMEM;
    json_decref(value);
    return err;
}

void page_set_addresses(json_t *object, uint8_t families, const uint8_t ipv4[4], const uint8_t ipv6[16])
{
    char text[INET6_ADDRSTRLEN];
    if (families & DISCOVER_HAS_IPV4)
        json_object_set_new(object, "ipv4", json_string(inet_ntop(AF_INET, ipv4, text, sizeof text)));
    if (families & DISCOVER_HAS_IPV6)
        json_object_set_new(object, "ipv6", json_string(inet_ntop(AF_INET6, ipv6, text, sizeof text)));
}

static const char *state_text(uint8_t state)
{
    static const char *const names[] = {"", "passing", "warning", "critical", "maintenance", "draining"};
    return state < sizeof names / sizeof *names ? names[state] : "";
}

static const char *tier_text(uint8_t tier)
{
    static const char *const names[] = {"host", "zone", "region", "elsewhere"};
    return tier < sizeof names / sizeof *names ? names[tier] : "";
}

static json_t *tags_json(const struct entry *e)
{
    json_t *tags = json_array();
    for (size_t i = 0; i < e->n_tags; i++)
        json_array_append_new(tags, json_string(e->tags[i]));
    return tags;
}

static json_t *meta_json(const struct entry *e)
{
    json_t *meta = json_object();
    for (size_t i = 0; i < e->n_meta; i++)
        json_object_set_new(meta, e->meta[i].key, json_string(e->meta[i].value));
    return meta;
}

json_t *page_instance_json(const struct catalog_instance *i)
{
    const struct discover_endpoint *ep = &i->endpoint;
    const struct entry *e = &i->entry;
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:i, s:i, s:s, s:s, s:b, s:o, s:o}", "host", e->host,
                               "instance", e->instance, "zone", e->zone, "region", e->region, "port", ep->port, "proto",
                               ep->protocol == DISCOVER_UDP ? "udp" : "tcp", "weight", (int)ep->weight, "priority",
                               ep->priority, "state", state_text(ep->state), "tier", tier_text(ep->tier), "usable",
                               i->usable, "tags", tags_json(e), "meta", meta_json(e));
    if (!object)
        return NULL;
    page_set_addresses(object, ep->families, ep->ipv4, ep->ipv6);
    if (e->hostname[0])
        json_object_set_new(object, "hostname", json_string(e->hostname));
    return object;
}

/* --- for Prometheus --- */

/* Prometheus' names of labels: [a-zA-Z_][a-zA-Z0-9_]*. Ours all begin with the prefix. */
static void label_name(const char *prefix, const char *key, char *ret_name, size_t cap)
{
    snprintf(ret_name, cap, "%s%s", prefix, key);
    for (char *c = ret_name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *c))
            *c = '_';
}

static void set_label(json_t *labels, const char *name, const char *value)
{
    char full[96];
    label_name("__meta_discoverd_", name, full, sizeof full);
    json_object_set_new(labels, full, json_string(value));
}

/* ",a,b,": so that one pattern, ".*,a,.*", finds a tag wherever it stands. */
static void set_tags_label(json_t *labels, const struct entry *e)
{
    char text[RECORD_TAGS_MAX * LABEL_CAP + 2] = ",";
    size_t used = 1;
    for (size_t i = 0; i < e->n_tags; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s,", e->tags[i]);
    set_label(labels, "tags", e->n_tags ? text : "");
}

static json_t *labels_json(const char *service, const struct discover_endpoint *ep, const struct entry *e)
{
    char name[sizeof "meta_" + RECORD_META_KEY_CAP];
    json_t *labels = json_object();
    set_label(labels, "service", service);
    set_label(labels, "host", e->host);
    set_label(labels, "instance", e->instance);
    set_label(labels, "zone", e->zone);
    set_label(labels, "region", e->region);
    set_label(labels, "state", state_text(ep->state));
    set_tags_label(labels, e);
    for (size_t i = 0; i < e->n_meta; i++) {
        snprintf(name, sizeof name, "meta_%s", e->meta[i].key);
        set_label(labels, name, e->meta[i].value);
    }
    return labels;
}

static json_t *target_json(const struct discover_endpoint *ep, const struct entry *e)
{
    char address[INET6_ADDRSTRLEN];
    if (ep->families & DISCOVER_HAS_IPV4)
        return json_sprintf("%s:%u", inet_ntop(AF_INET, ep->ipv4, address, sizeof address), ep->port);
    if (ep->families & DISCOVER_HAS_IPV6)
        return json_sprintf("[%s]:%u", inet_ntop(AF_INET6, ep->ipv6, address, sizeof address), ep->port);
    return json_sprintf("%s:%u", e->hostname, ep->port);
}

json_t *page_target_json(const char *service, const struct catalog_instance *i)
{
    return json_pack("{s:[o], s:o}", "targets", target_json(&i->endpoint, &i->entry), "labels",
                     labels_json(service, &i->endpoint, &i->entry));
}

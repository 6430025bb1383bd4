/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the JSON documents of services, instances, hosts and changes. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/documents/documents.h"
#include "libdiscover/core/utf8.h"
#include "libdiscover/core/words.h"

json_t *document_string(const char *text)
{
    json_t *value = json_string(text);
    if (value)
        return value;
    size_t length, n = strlen(text);
    char *copy = strdup(text);
    for (size_t i = 0; copy && i < n; i += length ? length : 1) {
        length = (uint8_t)copy[i] < 0x80 ? 1 : utf8_length((const uint8_t *)copy + i, n - i);
        if (!length)
            copy[i] = '?';
    }
    value = copy ? json_stringn(copy, n) : NULL;
    free(copy);
    return value;
}

json_t *document_texts(const char *const *texts, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, document_string(texts[i]));
    return list;
}

json_t *document_head(enum table_sync sync, int64_t age_ms, const char *service)
{
    return json_pack("{s:s, s:I, s:s*}", "sync", sync_word(sync), "age_ms", (json_int_t)document_age_ms(sync, age_ms),
                     "service", service);
}

void document_set_addresses(json_t *object, uint8_t families, const uint8_t ipv4[4], const uint8_t ipv6[16])
{
    char text[INET6_ADDRSTRLEN];
    if (families & DISCOVER_HAS_IPV4)
        (void)json_object_set_new(object, "ipv4", json_string(inet_ntop(AF_INET, ipv4, text, sizeof text)));
    if (families & DISCOVER_HAS_IPV6)
        (void)json_object_set_new(object, "ipv6", json_string(inet_ntop(AF_INET6, ipv6, text, sizeof text)));
}

static void set_endpoint(json_t *object, const struct discover_endpoint *e)
{
    (void)json_object_update_new(object, json_pack("{s:i, s:s, s:i, s:i, s:s, s:s}", "port", (int)e->port, "proto",
                                                   protocol_word(e->protocol), "weight", (int)e->weight, "priority",
                                                   (int)e->priority, "state", state_word(e->state), "tier",
                                                   tier_word(e->tier)));
    document_set_addresses(object, e->families, e->ipv4, e->ipv6);
}

static json_t *meta_json(const struct discover_instance *i)
{
    json_t *pairs = json_object();
    for (size_t k = 0; k < i->n_meta; k++)
        (void)json_object_set_new(pairs, i->meta[k].key, json_string(i->meta[k].value));
    return pairs;
}

json_t *service_document(const char *service, size_t usable, size_t instances)
{
    return json_pack("{s:s, s:I, s:I}", "service", service, "usable", (json_int_t)usable, "instances",
                     (json_int_t)instances);
}

json_t *instance_document(const struct discover_instance *i)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "host", i->host, "instance", i->instance, "zone",
                               i->zone, "region", i->region, "usable", i->usable, "tags",
                               document_texts(i->tags, i->n_tags), "meta", meta_json(i));
    set_endpoint(object, &i->endpoint);
    if (*i->hostname)
        (void)json_object_set_new(object, "hostname", json_string(i->hostname));
    return object;
}

json_t *host_document(const struct discover_host *h)
{
    json_t *object = json_pack("{s:s, s:b, s:I, s:s, s:s}", "host", h->name, "alive", h->alive, "instances",
                               (json_int_t)h->instances, "zone", h->zone, "region", h->region);
    document_set_addresses(object, h->families, h->ipv4, h->ipv6);
    return object;
}

json_t *change_document(const char *what, const char *host, const char *instance, const struct discover_endpoint *e)
{
    json_t *object = json_pack("{s:s, s:s, s:s}", "what", what, "host", host, "instance", instance);
    set_endpoint(object, e);
    return object;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the parts of the HTTP pages as JSON. */
#include "daemon/http/page_json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/documents/documents.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

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

json_t *page_instance_json(const char *service, const struct catalog_instance *i)
{
    const struct entry *e = &i->entry;
    const struct discover_instance instance = {
        .service = service,
        .host = e->host,
        .instance = e->instance,
        .hostname = e->hostname,
        .zone = e->zone,
        .region = e->region,
        .endpoint = i->endpoint,
        .usable = i->usable,
        .tags = e->tags,
        .n_tags = e->n_tags,
        .meta = e->meta,
        .n_meta = e->n_meta,
    };
    return instance_document(&instance);
}

json_t *page_host_json(const struct catalog_host_info *h)
{
    struct discover_host host = {.name = h->name,
                                 .region = h->lease->region,
                                 .zone = h->lease->zone,
                                 .alive = h->alive,
                                 .instances = h->instances};
    addresses_to_host(&h->lease->addresses, &host);
    return host_document(&host);
}

json_t *page_lease_json(const struct liveness_host *h, int64_t now_ns)
{
    int64_t silent_ns = now_ns > h->heard_ns ? now_ns - h->heard_ns : 0;
    return json_pack("{s:s, s:I, s:I, s:s}", "status", host_status_word(h->status), "age_ms",
                     (json_int_t)(silent_ns / NS_PER_MS), "ttl_ms", (json_int_t)h->lease.ttl_ms, "version",
                     h->lease.version);
}

static json_t *id_json(uint64_t id)
{
    return json_sprintf("%016" PRIx64, id);
}

json_t *page_service_instance_json(uint64_t id, const struct catalog_instance *i)
{
    json_t *object = page_instance_json(i->service, i);
    json_object_set_new(object, "id", id_json(id));
    json_object_set_new(object, "service", json_string(i->service));
    return object;
}

json_t *page_checks_json(uint64_t id, const struct catalog_instance *i, json_t *checks)
{
    return json_pack("{s:o, s:s, s:s, s:s, s:o}", "id", id_json(id), "service", i->service, "host", i->entry.host,
                     "instance", i->entry.instance, "checks", checks);
}

/* --- for Prometheus --- */

/* Characters of a label's name. Ours all begin with a prefix, so a digit may come first. */
#define LABEL_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

#define LABEL_PREFIX "__meta_discoverd_"
#define META_PREFIX  LABEL_PREFIX "meta_"
#define ESCAPED      "U__"

static void set_label(json_t *labels, const char *name, const char *value)
{
    char full[64];
    snprintf(full, sizeof full, LABEL_PREFIX "%s", name);
    json_object_set_new(labels, full, json_string(value));
}

static bool is_label_name(const char *key)
{
    return key[strspn(key, LABEL_CHARACTERS)] == '\0' && strncmp(key, ESCAPED, strlen(ESCAPED)) != 0;
}

/*
 * Escapes a key as Prometheus itself escapes names, so that no two keys become alike ("values"): "U__", "__" for "_",
 * "_2e_" for ".".
 */
static void set_escaped_label(json_t *labels, const char *key, const char *value)
{
    char name[sizeof META_PREFIX ESCAPED + 4 * RECORD_META_KEY_CAP] = META_PREFIX ESCAPED;
    char *at = name + strlen(name);
    for (; *key; key++) {
        if (*key == '_')
            at += sprintf(at, "__");
        else if (strchr(LABEL_CHARACTERS, *key))
            *at++ = *key;
        else
            at += sprintf(at, "_%x_", (unsigned)(unsigned char)*key);
    }
    *at = '\0';
    json_object_set_new(labels, name, json_string(value));
}

static void underscore(const char *key, char ret_name[static RECORD_META_KEY_CAP])
{
    size_t i = 0;
    for (; key[i]; i++)
        ret_name[i] = strchr(LABEL_CHARACTERS, key[i]) ? key[i] : '_';
    ret_name[i] = '\0';
}

/* Whether no other key of the instance becomes the same label, or may become it once it is escaped. */
static bool is_unique(const struct entry *e, size_t which, const char *name)
{
    char other[RECORD_META_KEY_CAP];
    if (strncmp(name, ESCAPED, strlen(ESCAPED)) == 0)
        return false;
    for (size_t i = 0; i < e->n_meta; i++) {
        underscore(e->meta[i].key, other);
        if (i != which && strcmp(other, name) == 0)
            return false;
    }
    return true;
}

/* A key that is no label's name gets an escaped label, and a readable one only if no other key has that. */
static void set_meta_label(json_t *labels, const struct entry *e, size_t which)
{
    char name[RECORD_META_KEY_CAP], full[sizeof META_PREFIX + RECORD_META_KEY_CAP];
    const char *key = e->meta[which].key, *value = e->meta[which].value;
    underscore(key, name);
    if (!is_label_name(key))
        set_escaped_label(labels, key, value);
    if (!is_label_name(key) && !is_unique(e, which, name))
        return;
    snprintf(full, sizeof full, META_PREFIX "%s", name);
    json_object_set_new(labels, full, json_string(value));
}

/* Tags as ",a,b,": so that one pattern, ".*,a,.*", finds a tag wherever it stands. */
static void set_tags_label(json_t *labels, const struct entry *e)
{
    char text[RECORD_TAGS_MAX * RECORD_TAG_CAP + 2] = ",";
    size_t used = 1;
    for (size_t i = 0; i < e->n_tags; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s,", e->tags[i]);
    set_label(labels, "tags", e->n_tags ? text : "");
}

static json_t *labels_json(const char *service, const struct discover_endpoint *ep, const struct entry *e)
{
    json_t *labels = json_object();
    set_label(labels, "service", service);
    set_label(labels, "host", e->host);
    set_label(labels, "instance", e->instance);
    set_label(labels, "zone", e->zone);
    set_label(labels, "region", e->region);
    set_label(labels, "state", state_word(ep->state));
    set_tags_label(labels, e);
    for (size_t i = 0; i < e->n_meta; i++)
        set_meta_label(labels, e, i);
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

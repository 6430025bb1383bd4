/* SPDX-License-Identifier: Apache-2.0 */
/* The details of an instance or a host in the table. */
#include "libdiscover/core/entry.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "libdiscover/core/table_reader.h"

static uint8_t *put(uint8_t *at, const char *text)
{
    size_t n = strlen(text);
    *at++ = (uint8_t)n;
    memcpy(at, text, n + 1);
    return at + n + 1;
}

size_t entry_write_host(const char *host, const char *zone, const char *region,
                        uint8_t ret_bytes[static ENTRY_HOST_MAX])
{
    uint8_t *at = put(ret_bytes, host);
    at = put(at, zone);
    return (size_t)(put(at, region) - ret_bytes);
}

size_t entry_write_instance(const struct record *r, const char *instance, uint8_t ret_bytes[static ENTRY_MAX])
{
    uint8_t *at = put(ret_bytes, instance);
    at = put(at, r->hostname);
    *at++ = r->n_tags;
    for (size_t i = 0; i < r->n_tags; i++)
        at = put(at, r->tags[i]);
    *at++ = (uint8_t)(r->n_meta + (r->unexported ? 1 : 0));
    if (r->unexported)
        at = put(put(at, ""), "");
    for (size_t i = 0; i < r->n_meta; i++) {
        at = put(at, r->meta[i].key);
        at = put(at, r->meta[i].value);
    }
    return (size_t)(at - ret_bytes);
}

size_t host_entry_write(const struct lease *l, bool alive, uint8_t ret_bytes[static ENTRY_MAX])
{
    uint8_t *at = ret_bytes;
    at = put(at, l->zone);
    at = put(at, l->region);
    *at++ = alive;
    *at++ = l->addresses.families;
    memcpy(at, l->addresses.ipv4, sizeof l->addresses.ipv4);
    at += sizeof l->addresses.ipv4;
    memcpy(at, l->addresses.ipv6, sizeof l->addresses.ipv6);
    return (size_t)(at + sizeof l->addresses.ipv6 - ret_bytes);
}

/* A cursor over the details: after the first thing that does not fit, all further reads fail. */
struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static const uint8_t *take(struct cursor *c, size_t n)
{
    if (c->bad || (size_t)(c->end - c->at) < n) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *bytes = c->at;
    c->at += n;
    return bytes;
}

static uint8_t take_byte(struct cursor *c)
{
    const uint8_t *byte = take(c, 1);
    return byte ? *byte : 0;
}

static const char *take_text(struct cursor *c)
{
    size_t n = take_byte(c);
    const uint8_t *text = take(c, n + 1);
    if (!text || memchr(text, 0, n + 1) != text + n) {
        c->bad = true;
        return "";
    }
    return (const char *)text;
}

/* There may be one pair more than RECORD_META_MAX: the first, without a key, which means unexported (entry.h). */
static void take_meta(struct cursor *c, struct entry *e)
{
    size_t n = take_byte(c);
    e->n_meta = 0;
    e->unexported = false;
    for (size_t i = 0; i < n; i++) {
        struct discover_pair pair = {take_text(c), take_text(c)};
        if (i == 0 && *pair.key == '\0')
            e->unexported = true;
        else if (e->n_meta < RECORD_META_MAX)
            e->meta[e->n_meta++] = pair;
        else
            c->bad = true;
        if (c->bad)
            return;
    }
}

int entry_read(const uint8_t *bytes, size_t n, struct entry *ret_entry)
{
    struct cursor c = {bytes, bytes + n, false};
    struct entry *e = ret_entry;
    e->host = take_text(&c);
    e->zone = take_text(&c);
    e->region = take_text(&c);
    e->instance = take_text(&c);
    e->hostname = take_text(&c);
    e->n_tags = take_byte(&c);
    if (e->n_tags > RECORD_TAGS_MAX)
        return -EBADMSG;
    for (size_t i = 0; i < e->n_tags; i++)
        e->tags[i] = take_text(&c);
    take_meta(&c, e);
    return c.bad ? -EBADMSG : 0;
}

int host_entry_read(const uint8_t *bytes, size_t n, struct host_entry *ret_entry)
{
    struct cursor c = {bytes, bytes + n, false};
    ret_entry->zone = take_text(&c);
    ret_entry->region = take_text(&c);
    ret_entry->alive = take_byte(&c) != 0;
    ret_entry->addresses.families = take_byte(&c);
    const uint8_t *ipv4 = take(&c, 4), *ipv6 = take(&c, 16);
    if (c.bad)
        return -EBADMSG;
    memcpy(ret_entry->addresses.ipv4, ipv4, 4);
    memcpy(ret_entry->addresses.ipv6, ipv6, 16);
    return 0;
}

void entry_endpoint(const struct record *r, uint64_t id, enum discover_tier tier,
                    struct discover_endpoint *ret_endpoint)
{
    struct discover_endpoint *e = ret_endpoint;
    addresses_to_endpoint(&r->addresses, e);
    e->port = r->port;
    e->state = r->state;
    e->weight = r->weight;
    e->priority = r->priority;
    e->protocol = r->protocol;
    e->tier = (uint8_t)tier;
    e->id = id;
}

int entry_record(const struct entry *entry, const struct discover_endpoint *endpoint, struct record *ret_record)
{
    struct record *r = ret_record;
    const char *why;
    if (strlen(entry->hostname) >= sizeof r->hostname)
        return -EBADMSG;
    record_init(r);
    if (!entry->hostname[0])
        r->addresses = addresses_of_endpoint(endpoint);
    r->port = endpoint->port;
    r->state = endpoint->state;
    r->weight = endpoint->weight;
    r->priority = endpoint->priority;
    r->protocol = endpoint->protocol;
    r->unexported = entry->unexported;
    strcpy(r->hostname, entry->hostname);
    for (size_t i = 0; i < entry->n_tags; i++)
        if (record_add_tag(r, entry->tags[i]) < 0)
            return -EBADMSG;
    for (size_t i = 0; i < entry->n_meta; i++)
        if (record_set_meta(r, entry->meta[i].key, entry->meta[i].value) < 0)
            return -EBADMSG;
    return record_check(r, &why) < 0 ? -EBADMSG : 0;
}

uint64_t instance_id(const struct instance_key *key)
{
    return instance_id_in(key, "");
}

uint64_t instance_id_in(const struct instance_key *key, const char *region)
{
    char text[KEY_CAP + LABEL_CAP];
    instance_key_format(key, text);
    if (*region)
        stpcpy(stpcpy(text + strlen(text), "@"), region);
    return table_hash(text, strlen(text));
}

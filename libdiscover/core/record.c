/* SPDX-License-Identifier: Apache-2.0 */
/* Instance records: rules, and their way to and from protobuf bytes. */
#include "libdiscover/core/record.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "libdiscover/core/address.h"
#include "libdiscover/core/utf8.h"
#include "libdiscover/core/wire.h"

#define WEIGHT_MAX 65535

/* The lists are as long as their counts say. */
void record_init(struct record *r)
{
    memset(r, 0, offsetof(struct record, hostname));
    r->protocol = DISCOVER_TCP;
    r->state = DISCOVER_PASSING;
    r->weight = 1;
    r->hostname[0] = '\0';
}

static int refuse(const char **ret_why, const char *why)
{
    *ret_why = why;
    return -EINVAL;
}

int record_add_address(struct record *r, const char *text)
{
    uint8_t bytes[16];
    enum discover_family family = DISCOVER_HAS_IPV4;
    if (inet_pton(AF_INET, text, bytes) != 1) {
        family = DISCOVER_HAS_IPV6;
        if (inet_pton(AF_INET6, text, bytes) != 1)
            return -EINVAL;
    }
    if (r->addresses.families & family)
        return -EEXIST;
    addresses_set(&r->addresses, family, bytes);
    return 0;
}

const char *hostname_but_for(const char *name)
{
    char lower[RECORD_HOSTNAME_CAP + 1];
    size_t n = strlen(name);
    if (n >= sizeof lower)
        return NULL;
    for (size_t i = 0; i <= n; i++)
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    if (n > 1 && lower[n - 1] == '.')
        lower[n - 1] = '\0';
    return !hostname_valid(name) && hostname_valid(lower) ? "must be in lower case, without a dot at the end" : NULL;
}

int record_add_endpoint(struct record *r, const char *text, const char **ret_why)
{
    uint8_t bytes[16];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    bool is_address = inet_pton(family, text, bytes) == 1;
    if (is_address && address_useless(family, bytes))
        return refuse(ret_why, address_useless(family, bytes));
    if (!is_address && hostname_but_for(text))
        return refuse(ret_why, hostname_but_for(text));
    if (!is_address && !hostname_valid(text))
        return refuse(ret_why, "neither an address such as \"10.0.1.22\" nor a host name such as \"db.example.com\"");
    if (r->hostname[0] || (!is_address && r->addresses.families))
        return refuse(ret_why, "a host name must stand alone");
    if (!is_address)
        strcpy(r->hostname, text);
    else if (record_add_address(r, text) == -EEXIST) {
        *ret_why = "two addresses of one family: register two instances";
        return -EEXIST;
    }
    return 0;
}

static const uint8_t dummy[] = {192, 0, 0, 8};

void record_set_at_host(struct record *r)
{
    r->addresses.families = 0;
    addresses_set(&r->addresses, DISCOVER_HAS_IPV4, dummy);
}

bool record_is_at_host(const struct record *r)
{
    return r->addresses.families == DISCOVER_HAS_IPV4 && memcmp(r->addresses.ipv4, dummy, sizeof dummy) == 0;
}

static const char *unreachable(int family, const uint8_t *bytes, bool allow_loopback)
{
    const char *why = address_useless(family, bytes);
    return why ? why : address_is_loopback(family, bytes) && !allow_loopback ? ADDRESS_LOOPBACK_REFUSED : NULL;
}

const char *record_unreachable(const struct record *r, bool allow_loopback)
{
    const char *why =
        r->addresses.families & DISCOVER_HAS_IPV4 ? unreachable(AF_INET, r->addresses.ipv4, allow_loopback) : NULL;
    return !why && r->addresses.families & DISCOVER_HAS_IPV6 ? unreachable(AF_INET6, r->addresses.ipv6, allow_loopback)
                                                             : why;
}

bool tag_valid(const char *tag)
{
    size_t n = strlen(tag);
    return n > 0 && n < RECORD_TAG_CAP && utf8_is_text(tag, n);
}

int record_add_tag(struct record *r, const char *tag)
{
    if (!tag_valid(tag))
        return -EINVAL;
    for (size_t i = 0; i < r->n_tags; i++)
        if (strcmp(r->tags[i], tag) == 0)
            return -EEXIST;
    if (r->n_tags == RECORD_TAGS_MAX)
        return -E2BIG;
    strcpy(r->tags[r->n_tags++], tag);
    return 0;
}

static bool meta_key_printable(const char *key, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (key[i] < 0x21 || key[i] > 0x7e || key[i] == '=')
            return false;
    return true;
}

const char *meta_refused(const char *key, const char *value)
{
    size_t key_n = strlen(key), value_n = strlen(value);
    if (key_n == 0)
        return "its key must not be empty";
    if (key_n >= RECORD_META_KEY_CAP)
        return "its key must be at most 63 bytes";
    if (!meta_key_printable(key, key_n))
        return "its key must be printable ASCII without blanks and '='";
    if (value_n >= RECORD_META_VAL_CAP)
        return "its value must be at most 255 bytes";
    return utf8_is_text(value, value_n) ? NULL : "its value must be UTF-8 without control characters";
}

int record_set_meta(struct record *r, const char *key, const char *value)
{
    size_t key_n = strlen(key), value_n = strlen(value);
    if (meta_refused(key, value))
        return -EINVAL;
    size_t i = 0;
    while (i < r->n_meta && strcmp(r->meta[i].key, key) != 0)
        i++;
    if (i == RECORD_META_MAX)
        return -E2BIG;
    if (i == r->n_meta)
        r->n_meta++;
    memcpy(r->meta[i].key, key, key_n + 1);
    memcpy(r->meta[i].value, value, value_n + 1);
    return 0;
}

/* A name whose last part is a number, as inet_aton(3) reads it, too, was meant to be an address: there is no such domain. */
static bool ends_in_number(const char *name)
{
    const char *last = strrchr(name, '.');
    last = last ? last + 1 : name;
    return last[strspn(last, "0123456789")] == '\0' ||
           (strncmp(last, "0x", 2) == 0 && last[2 + strspn(last + 2, "0123456789abcdef")] == '\0');
}

bool hostname_valid(const char *name)
{
    if (strlen(name) >= RECORD_HOSTNAME_CAP || ends_in_number(name))
        return false;
    for (;;) {
        size_t n = strcspn(name, ".");
        if (!label_valid(name, n))
            return false;
        if (name[n] == '\0')
            return true;
        name += n + 1;
    }
}

int record_check(const struct record *r, const char **ret_why)
{
    const char *why = NULL;
    if (r->epoch >= EPOCH_MAX)
        why = "epoch: no daemon can have it";
    else if (r->port == 0)
        why = "port: must be 1..65535";
    else if (!r->addresses.families && !r->hostname[0])
        why = "address: neither an address nor a host name";
    else if (r->addresses.families && r->hostname[0])
        why = "address: both an address and a host name";
    else if (r->hostname[0] && !hostname_valid(r->hostname))
        why = "address: not a host name such as \"db.example.com\"";
    else if (r->weight == 0 || r->weight > WEIGHT_MAX)
        why = "weight: must be 1..65535";
    else if (r->protocol > DISCOVER_UDP)
        why = "protocol: neither TCP nor UDP";
    else if (r->state < DISCOVER_PASSING || r->state > DISCOVER_DRAINING)
        why = "state: not a known state";
    if (!why)
        return 0;
    *ret_why = why;
    return -EINVAL;
}

static int take_addresses(const Discover__V1__Instance *msg, struct record *r, const char **ret_why)
{
    if (msg->ipv4.len != 0 && msg->ipv4.len != 4)
        return refuse(ret_why, "ipv4: must be 4 bytes");
    if (msg->ipv6.len != 0 && msg->ipv6.len != 16)
        return refuse(ret_why, "ipv6: must be 16 bytes");
    if (msg->ipv4.len)
        addresses_set(&r->addresses, DISCOVER_HAS_IPV4, msg->ipv4.data);
    if (msg->ipv6.len)
        addresses_set(&r->addresses, DISCOVER_HAS_IPV6, msg->ipv6.data);
    if (strlen(msg->hostname) >= sizeof r->hostname)
        return refuse(ret_why, "address: host name longer than 253");
    strcpy(r->hostname, msg->hostname);
    return 0;
}

static int take_lists(const Discover__V1__Instance *msg, struct record *r, const char **ret_why)
{
    for (size_t i = 0; i < msg->n_tags; i++)
        if (record_add_tag(r, msg->tags[i]) < 0)
            return refuse(ret_why, "tags: " TAG_RULE);
    for (size_t i = 0; i < msg->n_free_tags; i++)
        if (record_add_tag(r, msg->free_tags[i]) < 0)
            return refuse(ret_why, "tags: " TAG_RULE);
    for (size_t i = 0; i < msg->n_meta; i++)
        if (record_set_meta(r, msg->meta[i]->key, msg->meta[i]->value) < 0)
            return refuse(ret_why,
                          "meta: not a key, a value over 255 bytes or with control characters, or more than 16");
    return 0;
}

/* What a newer writer means by a value we do not know, we cannot guess: such an instance gets no traffic. */
static uint8_t state_of(int state)
{
    if (state == DISCOVER__V1__STATE__STATE_UNSPECIFIED)
        return DISCOVER_PASSING;
    return state >= DISCOVER_PASSING && state <= DISCOVER_DRAINING ? (uint8_t)state : DISCOVER_MAINTENANCE;
}

int record_from_proto(const Discover__V1__Instance *msg, struct record *ret_record, const char **ret_why)
{
    struct record *r = ret_record;
    record_init(r);
    if (msg->port > UINT16_MAX)
        return refuse(ret_why, "port: must be 1..65535");
    if (msg->priority > UINT16_MAX)
        return refuse(ret_why, "priority: must be 0..65535");
    if ((unsigned)msg->protocol > DISCOVER_UDP)
        return refuse(ret_why, "protocol: neither TCP nor UDP");
    r->epoch = msg->epoch;
    r->counter = msg->counter;
    r->port = (uint16_t)msg->port;
    r->priority = (uint16_t)msg->priority;
    r->weight = msg->weight ? msg->weight : 1;
    r->protocol = (uint8_t)msg->protocol;
    r->unexported = msg->unexported != 0;
    r->state = state_of((int)msg->state);
    int err = take_addresses(msg, r, ret_why);
    if (!err)
        err = take_lists(msg, r, ret_why);
    return err ? err : record_check(r, ret_why);
}

int record_decode(const uint8_t *bytes, size_t n, struct record *ret_record, const char **ret_why)
{
    if (n > RECORD_WIRE_MAX)
        return refuse(ret_why, "longer than a record may be");
    if (wire_count(&discover__v1__instance__descriptor, bytes, n, RECORD_FIELDS_MAX) == -E2BIG)
        return refuse(ret_why, "of more fields than a record may have");
    Discover__V1__Instance *msg = discover__v1__instance__unpack(NULL, n, bytes);
    if (!msg)
        return refuse(ret_why, "not a protobuf Instance");
    int err = record_from_proto(msg, ret_record, ret_why);
    discover__v1__instance__free_unpacked(msg, NULL);
    return err;
}

int record_encode(const struct record *r, uint8_t ret_bytes[static RECORD_WIRE_MAX], size_t *ret_n)
{
    Discover__V1__Instance msg = DISCOVER__V1__INSTANCE__INIT;
    char *tags[RECORD_TAGS_MAX], *free_tags[RECORD_TAGS_MAX];
    Discover__V1__Pair pairs[RECORD_META_MAX], *meta[RECORD_META_MAX];
    for (size_t i = 0; i < r->n_tags; i++) {
        char *tag = (char *)r->tags[i];
        if (label_valid(tag, strlen(tag)))
            tags[msg.n_tags++] = tag;
        else
            free_tags[msg.n_free_tags++] = tag;
    }
    for (size_t i = 0; i < r->n_meta; i++) {
        discover__v1__pair__init(&pairs[i]);
        pairs[i].key = (char *)r->meta[i].key;
        pairs[i].value = (char *)r->meta[i].value;
        meta[i] = &pairs[i];
    }
    msg.epoch = r->epoch;
    msg.counter = r->counter;
    if (r->addresses.families & DISCOVER_HAS_IPV4)
        msg.ipv4 = (ProtobufCBinaryData){4, (uint8_t *)r->addresses.ipv4};
    if (r->addresses.families & DISCOVER_HAS_IPV6)
        msg.ipv6 = (ProtobufCBinaryData){16, (uint8_t *)r->addresses.ipv6};
    msg.hostname = (char *)r->hostname;
    msg.port = r->port;
    msg.protocol = (Discover__V1__Protocol)r->protocol;
    msg.weight = r->weight;
    msg.priority = r->priority;
    msg.state = (Discover__V1__State)r->state;
    msg.tags = tags;
    msg.free_tags = free_tags;
    msg.unexported = r->unexported;
    msg.n_meta = r->n_meta;
    msg.meta = meta;
    if (discover__v1__instance__get_packed_size(&msg) > RECORD_WIRE_MAX)
        return -EMSGSIZE;
    *ret_n = discover__v1__instance__pack(&msg, ret_bytes);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Leases to and from protobuf bytes (declared in record.h). */
#include <errno.h>
#include <string.h>

#include "libdiscover/core/record.h"
#include "libdiscover/core/utf8.h"

#define TTL_MS_MIN 100
#define TTL_MS_MAX 3600000

static int refuse(const char **ret_why, const char *why)
{
    *ret_why = why;
    return -EINVAL;
}

/* An empty place is allowed: "nothing said". */
static int take_place(const char *text, char ret_place[static LABEL_CAP])
{
    if (text[0] == '\0') {
        ret_place[0] = '\0';
        return 0;
    }
    return label_copy(ret_place, text, strlen(text));
}

/* Only shown to people: a longer one is cut, and what is no text is "?", but nothing is refused for it. */
static void take_version(const char *text, char *ret_version, size_t cap)
{
    size_t length, n = strnlen(text, cap - 1);
    for (size_t i = 0; i < n; i += length ? length : 1) {
        length = utf8_length((const uint8_t *)text + i, n - i);
        if (length)
            memcpy(ret_version + i, text + i, length);
        else
            ret_version[i] = '?';
    }
    ret_version[n] = '\0';
}

static int take(const Discover__V1__Lease *msg, struct lease *l, const char **ret_why)
{
    if (msg->ttl_ms < TTL_MS_MIN || msg->ttl_ms > TTL_MS_MAX)
        return refuse(ret_why, "ttl_ms: must be 100..3600000");
    if (msg->epoch >= EPOCH_MAX)
        return refuse(ret_why, "epoch: no daemon can have it");
    if (msg->min_epoch > msg->epoch)
        return refuse(ret_why, "min_epoch: above epoch");
    if (take_place(msg->region, l->region) < 0)
        return refuse(ret_why, "region: not a name");
    if (take_place(msg->zone, l->zone) < 0)
        return refuse(ret_why, "zone: not a name");
    if ((msg->ipv4.len != 0 && msg->ipv4.len != 4) || (msg->ipv6.len != 0 && msg->ipv6.len != 16))
        return refuse(ret_why, "address: must be 4 or 16 bytes");
    l->epoch = msg->epoch;
    l->counter = msg->counter;
    l->min_epoch = msg->min_epoch;
    l->node = msg->node;
    l->digest = msg->digest;
    l->ttl_ms = msg->ttl_ms;
    l->records = msg->records;
    l->leaving = msg->leaving != 0;
    l->life = msg->life;
    l->claim = msg->claim;
    l->asked_by = msg->asked_by;
    l->answers = msg->answers;
    l->ran_out = msg->ran_out != 0;
    l->publishes_events = msg->tells != 0;
    if (msg->ipv4.len)
        addresses_set(&l->addresses, DISCOVER_HAS_IPV4, msg->ipv4.data);
    if (msg->ipv6.len)
        addresses_set(&l->addresses, DISCOVER_HAS_IPV6, msg->ipv6.data);
    take_version(msg->version, l->version, sizeof l->version);
    return 0;
}

int lease_decode(const uint8_t *bytes, size_t n, struct lease *ret_lease, const char **ret_why)
{
    if (n > LEASE_WIRE_MAX)
        return refuse(ret_why, "longer than a lease may be");
    Discover__V1__Lease *msg = discover__v1__lease__unpack(NULL, n, bytes);
    if (!msg)
        return refuse(ret_why, "not a protobuf Lease");
    memset(ret_lease, 0, sizeof *ret_lease);
    int err = take(msg, ret_lease, ret_why);
    discover__v1__lease__free_unpacked(msg, NULL);
    return err;
}

int lease_encode(const struct lease *l, uint8_t ret_bytes[static LEASE_WIRE_MAX], size_t *ret_n)
{
    Discover__V1__Lease msg = DISCOVER__V1__LEASE__INIT;
    msg.epoch = l->epoch;
    msg.counter = l->counter;
    msg.min_epoch = l->min_epoch;
    msg.node = l->node;
    msg.digest = l->digest;
    msg.ttl_ms = l->ttl_ms;
    msg.records = l->records;
    msg.leaving = l->leaving;
    msg.life = l->life;
    msg.claim = l->claim;
    msg.asked_by = l->asked_by;
    msg.answers = l->answers;
    msg.ran_out = l->ran_out;
    msg.tells = l->publishes_events;
    msg.region = (char *)l->region;
    msg.zone = (char *)l->zone;
    msg.version = (char *)l->version;
    if (l->addresses.families & DISCOVER_HAS_IPV4)
        msg.ipv4 = (ProtobufCBinaryData){4, (uint8_t *)l->addresses.ipv4};
    if (l->addresses.families & DISCOVER_HAS_IPV6)
        msg.ipv6 = (ProtobufCBinaryData){16, (uint8_t *)l->addresses.ipv6};
    if (discover__v1__lease__get_packed_size(&msg) > LEASE_WIRE_MAX)
        return -EMSGSIZE;
    *ret_n = discover__v1__lease__pack(&msg, ret_bytes);
    return 0;
}

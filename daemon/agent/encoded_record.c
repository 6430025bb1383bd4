/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes a record in parts, from which each put is joined without encoding it again. */
#include "daemon/agent/encoded_record.h"

#include <errno.h>
#include <string.h>

int encoded_record_init(struct encoded_record *e, const struct record *record, size_t max,
                        uint8_t buffer[static RECORD_WIRE_MAX])
{
    struct record body = *record;
    size_t n;
    body.epoch = body.counter = body.state = body.addresses.families = 0;
    if (record_encode(&body, buffer, &n) < 0 || n + ENCODED_HEAD_MAX > max)
        return -EMSGSIZE;
    *e = (struct encoded_record){
        .addresses = record->addresses,
        .at_host = record_is_at_host(record),
        .state = record->state,
        .n = n,
        .body = buffer,
    };
    return 0;
}

bool encoded_record_equal(const struct encoded_record *a, const struct encoded_record *b)
{
    return a->state == b->state && addresses_equal(&a->addresses, &b->addresses) && a->n == b->n &&
           memcmp(a->body, b->body, a->n) == 0;
}

size_t encoded_record_join(const struct encoded_record *e, uint8_t state, const struct addresses *addresses,
                           uint8_t ret_bytes[static RECORD_WIRE_MAX])
{
    Discover__V1__Instance head = DISCOVER__V1__INSTANCE__INIT;
    head.state = (Discover__V1__State)state;
    if (addresses->families & DISCOVER_HAS_IPV4)
        head.ipv4 = (ProtobufCBinaryData){sizeof addresses->ipv4, (uint8_t *)addresses->ipv4};
    if (addresses->families & DISCOVER_HAS_IPV6)
        head.ipv6 = (ProtobufCBinaryData){sizeof addresses->ipv6, (uint8_t *)addresses->ipv6};
    size_t n = discover__v1__instance__pack(&head, ret_bytes);
    memcpy(ret_bytes + n, e->body, e->n);
    return n + e->n;
}

size_t encoded_record_unversioned(const struct encoded_record *e, uint8_t ret_bytes[static RECORD_WIRE_MAX])
{
    return encoded_record_join(e, e->state, &e->addresses, ret_bytes);
}

size_t encoded_version(uint64_t epoch, uint64_t counter, uint8_t ret_bytes[static ENCODED_VERSION_MAX])
{
    Discover__V1__Instance version = DISCOVER__V1__INSTANCE__INIT;
    version.epoch = epoch;
    version.counter = counter;
    return discover__v1__instance__pack(&version, ret_bytes);
}

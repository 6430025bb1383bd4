/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the bytes of a protobuf message before it is unpacked. */
#include "libdiscover/core/wire.h"

#include <errno.h>
#include <stdbool.h>

static bool take_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static int take_bytes(const uint8_t **at, const uint8_t *end, uint64_t n, struct wire_field *f)
{
    if (n > (uint64_t)(end - *at))
        return -EBADMSG;
    f->bytes = *at;
    f->n = (size_t)n;
    *at += n;
    return 1;
}

int wire_next(const uint8_t **at, const uint8_t *end, struct wire_field *ret_field)
{
    uint64_t key, n;
    if (*at == end)
        return 0;
    if (!take_varint(at, end, &key) || key >> 3 == 0 || key >> 3 > UINT32_MAX >> 3)
        return -EBADMSG;
    *ret_field = (struct wire_field){.number = (uint32_t)(key >> 3), .type = key & 7};
    switch (ret_field->type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return take_varint(at, end, &ret_field->value) ? 1 : -EBADMSG;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return take_bytes(at, end, 8, ret_field);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return take_bytes(at, end, 4, ret_field);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        return take_varint(at, end, &n) ? take_bytes(at, end, n, ret_field) : -EBADMSG;
    default:
        return -EBADMSG;
    }
}

static const ProtobufCMessageDescriptor *message_in(const ProtobufCMessageDescriptor *type, const struct wire_field *f)
{
    if (f->type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return NULL;
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, f->number);
    return field && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
}

/* Recurses as deep as the types are nested: none of ours contains itself. */
int wire_count(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t n, unsigned max)
{
    const uint8_t *at = bytes, *end = bytes + n;
    struct wire_field f;
    unsigned count = 0;
    int more;
    while ((more = wire_next(&at, end, &f)) > 0) {
        if (count++ == max)
            return -E2BIG;
        const ProtobufCMessageDescriptor *inner = message_in(type, &f);
        int within = inner ? wire_count(inner, f.bytes, f.n, max - count) : 0;
        if (within < 0)
            return within;
        count += (unsigned)within;
    }
    return more < 0 ? more : (int)count;
}

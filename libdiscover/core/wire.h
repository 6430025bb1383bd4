/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at the bytes of a protobuf message before it is unpacked. An unpacked field takes many times its bytes, in
 * memory and in time, and a message of nothing but empty ones has tens of thousands of them: so they are counted first.
 * Pure; any thread.
 */
#ifndef CORE_WIRE_H
#define CORE_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

struct wire_field {
    uint32_t number;
    uint8_t type;         /* of its value: PROTOBUF_C_WIRE_TYPE_... */
    uint64_t value;       /* a VARINT's */
    const uint8_t *bytes; /* of the others, in the message */
    size_t n;
};

/*
 * Takes the first field off *at, which ends at end: 1; 0 when there is none left; -EBADMSG: not a field, or one that
 * protobuf no longer has (groups).
 */
int wire_next(const uint8_t **at, const uint8_t *end, struct wire_field *ret_field);

/*
 * Counts the fields of a message of that type, and of all messages in it; looks at no more than max of them.
 * -E2BIG: there are more; -EBADMSG.
 */
int wire_count(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t n, unsigned max);

#endif

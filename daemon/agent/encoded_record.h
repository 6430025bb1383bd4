/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a registration as bytes, encoded once for each change that its owner makes: these are compared, stored and
 * put. What may differ from one put to the next is not among them, and is joined with them by copying, which protobuf
 * allows because the fields of a message may come in any order: the state, the addresses, and before all the version. Pure;
 * any thread.
 */
#ifndef AGENT_ENCODED_RECORD_H
#define AGENT_ENCODED_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/address.h"
#include "libdiscover/core/record.h"

#define ENCODED_VERSION_MAX 22                         /* bytes of an epoch and a counter */
#define ENCODED_HEAD_MAX    (ENCODED_VERSION_MAX + 26) /* bytes of a version, a state and two addresses */

struct encoded_record {
    struct addresses addresses; /* as its owner registered them; none when it has a host name */
    bool at_host;               /* the addresses only stand for those of the host (record_is_at_host) */
    uint8_t state;              /* enum discover_state, as its owner registered it */
    size_t n;
    const uint8_t *body; /* everything else, encoded; see encoded_record_init */
};

/*
 * Writes the body into `buffer`, to which e points from then on. -EMSGSIZE: a put of it might take more than max bytes.
 */
int encoded_record_init(struct encoded_record *e, const struct record *record, size_t max,
                        uint8_t buffer[static RECORD_WIRE_MAX]);

bool encoded_record_equal(const struct encoded_record *a, const struct encoded_record *b);

/* The whole record but for its version, with that state and those addresses. Returns the number of bytes. */
size_t encoded_record_join(const struct encoded_record *e, uint8_t state, const struct addresses *addresses,
                           uint8_t ret_bytes[static RECORD_WIRE_MAX]);

/* The whole record but for its version, as its owner registered it. Returns the number of bytes. */
size_t encoded_record_unversioned(const struct encoded_record *e, uint8_t ret_bytes[static RECORD_WIRE_MAX]);

/* The version, which goes before such bytes in the bucket. Returns the number of bytes. */
size_t encoded_version(uint64_t epoch, uint64_t counter, uint8_t ret_bytes[static ENCODED_VERSION_MAX]);

#endif

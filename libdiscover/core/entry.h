/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The details of an instance or a host in the table: a run of strings, each a length byte and its bytes and a
 * NUL, so that readers can point into it. Pure; any thread.
 *
 * Instance: host, zone, region (the part its host has in common); instance, hostname; number of tags, tags; number of
 *           meta pairs, key, value, ... A first pair without a key says that other regions do not fail over to it: readers
 *           who do not know that have it as one more pair.
 * Host:     zone, region; alive (0 or 1); families; ipv4 (4 bytes); ipv6 (16 bytes).
 */
#ifndef CORE_ENTRY_H
#define CORE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/record.h"

/* The largest details: every string at its limit. */
#define ENTRY_MAX (5 * 258 + 2 + RECORD_TAGS_MAX * 258 + RECORD_META_MAX * (65 + 258) + 32)

#define ENTRY_HOST_MAX (3 * 65)

/* Points into the bytes it was read from. */
struct entry {
    const char *host, *instance, *hostname, *zone, *region;
    uint8_t n_tags, n_meta;
    bool unexported;
    const char *tags[RECORD_TAGS_MAX];
    struct discover_pair meta[RECORD_META_MAX];
};

struct host_entry {
    const char *zone, *region;
    uint8_t alive;
    struct addresses addresses;
};

/* All return the bytes written, at most ENTRY_MAX. An instance is its two parts, one after the other. */
size_t entry_write_host(const char *host, const char *zone, const char *region,
                        uint8_t ret_bytes[static ENTRY_HOST_MAX]);
size_t entry_write_instance(const struct record *r, const char *instance, uint8_t ret_bytes[static ENTRY_MAX]);
size_t host_entry_write(const struct lease *l, bool alive, uint8_t ret_bytes[static ENTRY_MAX]);

/* -EBADMSG when it is cut or out of bounds. */
int entry_read(const uint8_t *bytes, size_t n, struct entry *ret_entry);
int host_entry_read(const uint8_t *bytes, size_t n, struct host_entry *ret_entry);

/* The public form of a record: what the table holds for resolve. The id is the hash of the key. */
void entry_endpoint(const struct record *r, uint64_t id, enum discover_tier tier,
                    struct discover_endpoint *ret_endpoint);

/*
 * Makes a record again of an entry and its endpoint, with epoch and counter 0 and without the addresses that a host
 * name was resolved to. -EBADMSG: it breaks the rules of a record (it was read from somewhere that cannot be trusted).
 */
int entry_record(const struct entry *entry, const struct discover_endpoint *endpoint, struct record *ret_record);

/*
 * The id of an instance: a hash of its four names and, if it is of another region than the reader, of that region's
 * name. region "": the reader's own.
 */
uint64_t instance_id(const struct instance_key *key);
uint64_t instance_id_in(const struct instance_key *key, const char *region);

#endif

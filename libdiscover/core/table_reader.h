/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the shared table (table_format.h). Any thread of any process; a struct table is immutable once mapped.
 *
 * Trusts nothing: every offset and count is checked against the mapping, every loop is bounded. Any bytes at
 * all in the mapping give an answer or an error, never a read outside or a hang.
 */
#ifndef CORE_TABLE_READER_H
#define CORE_TABLE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "libdiscover/core/table_format.h"

struct table {
    const table_word *words;
    uint64_t n_words;
    uint64_t index, index_mask; /* taken from the header and checked once */
    uint64_t slots, slot_count;
    uint64_t seed;    /* of the hash of keys */
    int64_t ahead_ns; /* how far the reader's clock is ahead of the writer's, in another time namespace */
};

/*
 * Maps the table behind fd read-only; fd may be closed afterwards. -EBADMSG: not a table, or its layout does not
 * fit its size; -EPROTONOSUPPORT: of another version; -EPERM: not sealed against shrinking (reading it could
 * raise SIGBUS); or a negative errno.
 */
int table_map(int fd, struct table *ret_table);
void table_unmap(struct table *t);

/* The same over memory of the caller (the writer's own mapping; the fuzzer's input). -EBADMSG, -EPROTONOSUPPORT. */
int table_attach(const table_word *words, uint64_t n_words, struct table *ret_table);

/* The hash of a name: the same on every host, and in every life of a daemon. */
uint64_t table_hash(const char *key, size_t n);

/* The hash of a key in the index of that table. */
uint64_t table_key_hash(const struct table *t, const char *key, size_t n);

/* Finds the slot of a key. -ENOENT. The slot stays the key's until the segment is abandoned or the key removed. */
int table_find(const struct table *t, const char *key, size_t n, uint32_t *ret_slot);

/* The same, and the slot's sequence at that moment. */
int table_find_seq(const struct table *t, const char *key, size_t n, uint32_t *ret_slot, uint64_t *ret_seq);

/* Changes whenever what is under the slot changes. */
uint64_t table_slot_seq(const struct table *t, uint32_t slot);

/* Slots that may hold something: 0 .. table_slots_used() - 1. */
uint32_t table_slots_used(const struct table *t);

static inline bool table_abandoned(const struct table *t)
{
    return table_load(&t->words[TABLE_H_ABANDONED]) != 0;
}

static inline enum table_sync table_sync(const struct table *t)
{
    uint64_t sync = table_load(&t->words[TABLE_H_SYNC]);
    return sync <= TABLE_DEGRADED ? (enum table_sync)sync : TABLE_UNSYNCED;
}

/* Whether a daemon writes it, rather than this process by what DNS answered. */
static inline bool table_has_daemon(const struct table *t)
{
    return table_load(&t->words[TABLE_H_ALIVE]) != INT64_MAX;
}

uint32_t table_serial(const struct table *t);

/*
 * How old the table's contents may be at time now: 0 live, > 0 nanoseconds since the bus was whole or the
 * daemon gave its last sign of life. In the time of the reader's clock.
 */
int64_t table_age_ns(const struct table *t, int64_t now_ns);

/*
 * Copies the usable endpoints of a service, at most cap, and how many there are (which may be more).
 * -ENOENT: no such key (also: it is no service); -EBUSY; -EBADMSG. ret_endpoints is undefined on failure.
 */
int table_endpoints(const struct table *t, const char *key, size_t n, struct discover_endpoint *ret_endpoints,
                    size_t cap, size_t *ret_n);

/*
 * Calls fn with the endpoints of a service as they lie in the table, run by run in their order, perhaps several times
 * from the first one on, until all was quiet meanwhile. fn must check all that it reads in the words, which may change
 * while it does. -ENOENT, -EBUSY, -EBADMSG, or what fn returned.
 */
struct table_run {
    const table_word *words; /* what the offsets of the details count from */
    uint64_t n_words;
    uint64_t endpoints; /* where they begin; their offsets follow them; both are within the words */
    uint32_t first;     /* number of the first one in the service: 0 begins anew */
    uint32_t n;
    uint32_t n_first;        /* of the service: those below it are usable */
    const table_word *marks; /* what labels there are (table_label.h); NULL: not known */
};

typedef int table_run_fn(const struct table_run *run, void *arg);
int table_service_read(const struct table *t, const char *key, size_t n, table_run_fn *fn, void *arg);

/* What the table says of a region. -ENOENT: it is none that the daemon reads; -EBUSY, -EBADMSG. */
struct table_region {
    enum table_sync sync;
    int64_t stale_since_ns; /* as TABLE_H_STALE_SINCE */
    bool own;               /* the reader's own, whose state the header has: the two above are not set */
};
int table_region(const struct table *t, const char *name, size_t n, struct table_region *ret_region);

/* Which other region answers for a service, and since when. -ENOENT: none does, the own one answers; -EBUSY, -EBADMSG. */
struct table_failover {
    int64_t since_ns;
    char region[64];
};
int table_failover(const struct table *t, const char *service, size_t n, struct table_failover *ret_failover);

/* What is under a slot, without its contents. -ENOENT: nothing; -EBUSY, -EBADMSG. */
struct table_peek {
    enum table_kind kind;
    uint32_t n_first, n_total;
    size_t key_bytes;
    char key[TABLE_KEY_MAX + 1];
};
int table_peek(const struct table *t, uint32_t slot, struct table_peek *ret_peek);

/* A whole block, copied: a consistent view that may be walked at leisure. */
struct table_view {
    uint64_t *words;
    size_t n_words, cap_words; /* grown with realloc as needed */
    uint64_t seq;
    enum table_kind kind;
    uint32_t n_first, n_total;
    uint32_t largest_weight; /* of the whole service, where it is paged; else 0 */
    size_t key_bytes;
    size_t body;    /* word offset behind the key */
    size_t offsets; /* of a service: where those of the details begin */
};

void table_view_init(struct table_view *v);
void table_view_fini(struct table_view *v);

/* -ENOENT: nothing there; -EBUSY; -EBADMSG; -ENOMEM. v is reused, so that readers settle without allocating. */
int table_view_read(const struct table *t, uint32_t slot, struct table_view *v);
int table_view_find(const struct table *t, const char *key, size_t n, struct table_view *v);

/*
 * Of a paged service only those pages that may have what is looked for, in their order, as if there were no others; anything
 * else whole. enough: whether no more are needed, after each; the view has n_total endpoints by then, those from `from` on are
 * new, and 0 begins anew. It is not called for what is not paged.
 */
struct table_page_filter {
    uint64_t labels[2]; /* hashes (table_label.h): what is looked for has all of them */
    unsigned n_labels;
    bool none; /* there can be no such thing */
    bool (*enough)(void *arg, const struct table_view *v, uint32_t from);
    void *arg;
};
int table_view_read_some(const struct table *t, uint32_t slot, const struct table_page_filter *filter,
                         struct table_view *v);

/* The same from a block's words kept elsewhere (a file). -EBADMSG; -ENOMEM. */
int table_view_load(struct table_view *v, const uint64_t *words, size_t n_words);

const char *table_view_key(const struct table_view *v); /* key_bytes bytes, not terminated */

/* The i-th endpoint of a service; i < n_total. The first n_first are usable. */
const struct discover_endpoint *table_view_endpoint(const struct table_view *v, uint32_t i);

/* The bytes of the i-th endpoint's details, or of a host's (i = 0); for entry.h. -EBADMSG. */
int table_view_details(const struct table_view *v, uint32_t i, const uint8_t **ret_bytes, size_t *ret_n);

/* Walks the names of a domain: *cursor starts at 0. 1 and a name (not terminated), 0 at the end, -EBADMSG. */
int table_view_name(const struct table_view *v, size_t *cursor, const char **ret_name, size_t *ret_n);

#endif

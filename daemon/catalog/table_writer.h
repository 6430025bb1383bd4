/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the shared table (table_format.h). Main thread only. Knows blocks and keys, nothing of services.
 *
 * Grows by moving to a new segment twice the size, in pieces (table_move.h) that begin while there is room left: then the
 * old one is marked abandoned, and `moved` is called with the new one's descriptor, so that readers can be given it.
 * A reader may have its memory locked: no segment is much larger than what is in it.
 */
#ifndef CATALOG_TABLE_WRITER_H
#define CATALOG_TABLE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/table_reader.h"

struct table_writer;

/* Called from within a put or table_writer_move_some once everything is in the new segment. The fd stays the writer's. */
typedef void table_moved_fn(void *arg, int fd);

/* words: size of the first segment, and of the smallest. -ENOMEM, or a negative errno. */
int table_writer_new(uint64_t words, table_moved_fn *moved, void *arg, struct table_writer **ret_w);
void table_writer_free(struct table_writer *w); /* marks the segment abandoned */

/* The present segment: a sealed, read-only-shareable memfd. Owned by the writer. */
int table_writer_fd(const struct table_writer *w);

/* The present segment for readers in this process; valid until the next move. */
const struct table *table_writer_table(const struct table_writer *w);

/*
 * Publishes a block under a key (key bytes and counts are set here; body follows the key). 1 when it did, 0 when it is
 * what is there already: that is no change, readers' caches stay warm. When no larger segment can be had, why not (-ENOMEM,
 * -EMFILE, ...), and the old block stays, unless the new one has fewer usable instances: for that some room is held back. -EMSGSIZE: larger than a block may be.
 */
int table_writer_put(struct table_writer *w, enum table_kind kind, const char *key, size_t key_bytes, uint32_t n_first,
                     uint32_t n_total, const uint64_t *body, size_t body_words);

/*
 * Publishes a large service, in pages (TABLE_P_...) that the caller has laid out. Of pages that stay what they were only
 * the numbers are given, those of neighbours in one part: so a change costs its page, and a word for each of the others.
 */
struct table_page_parts {
    const uint64_t *words; /* NULL: as it is under the key now, or */
    uint64_t staged;       /* as table_writer_stage has left it; else 0 */
    uint64_t n_words;
    uint32_t kept; /* its number there, growing from one kept page to the next; or TABLE_PAGE_NEW */
    uint32_t more; /* pages that follow it there, and stay as they are, too; 0 but for one that does */
};
#define TABLE_PAGE_NEW UINT32_MAX

static inline size_t table_page_count(const struct table_page_parts *part)
{
    return (size_t)part->more + 1;
}

int table_writer_put_pages(struct table_writer *w, const char *key, size_t key_bytes, uint32_t n_first,
                           uint32_t n_total, uint32_t largest_weight, const struct table_page_parts *parts,
                           size_t n_parts);

/*
 * Pages may be written before, in pieces: each lies in the table until the put takes it, which it does unless it fails, or
 * until it is given back. With another generation all of them are gone. A put of them returns -ENOSPC where another would
 * move the table at once. 0: it reads as the page that it would take the place of (`kept`), which may as well stay; 1; -ENOSPC.
 */
int table_writer_stage(struct table_writer *w, const char *key, size_t key_bytes, const struct table_page_parts *page,
                       uint64_t *ret_staged);
void table_writer_unstage(struct table_writer *w, uint64_t staged);
uint64_t table_writer_generation(const struct table_writer *w);

/*
 * Room for so many words, before they come: so the table moves once, not with each doubling. Without it, which is no
 * error, it grows as it fills.
 */
void table_writer_reserve(struct table_writer *w, uint64_t words);

/* Begins to move to a smaller segment if little is left in the present one. To be called from time to time. */
void table_writer_trim(struct table_writer *w);

/* Whether it is on the move, and a piece of that (some 10 us), when there is nothing else to do. */
bool table_writer_is_moving(const struct table_writer *w);
void table_writer_move_some(struct table_writer *w);

/* Allows the next try to get a larger segment, after one that failed. */
void table_writer_again(struct table_writer *w);

/* Removes a key. No error if it is not there. */
void table_writer_remove(struct table_writer *w, const char *key, size_t key_bytes);

void table_writer_set_sync(struct table_writer *w, enum table_sync sync, int64_t stale_since_ns);
void table_writer_alive(struct table_writer *w, int64_t now_ns);

/* Moves the serial to another one if that is ahead (RFC 1982 3.2): it never goes back, over a restart neither. */
void table_writer_advance_serial(struct table_writer *w, uint32_t serial);
void table_writer_bump_serial(struct table_writer *w);

struct table_writer_stats {
    uint64_t segment_words, heap_used_words, keys, puts, moves;
};
struct table_writer_stats table_writer_stats(const struct table_writer *w);

#endif

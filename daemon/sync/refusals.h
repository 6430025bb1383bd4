/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was refused of the buckets, and why: the newest few, for people. An entry stands until its key becomes
 * good, is deleted, is missing from a snapshot, or is older than anything its bucket keeps.
 *
 * Bounded, and says of each refusal whether it is worth a line in the log: whoever writes garbage as fast as
 * they can must fill neither memory nor disk. Texts of peers are kept printable. Pure; main thread; nothing
 * fails.
 */
#ifndef SYNC_REFUSALS_H
#define SYNC_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFUSALS_MAX       8
#define REFUSAL_KEY_CAP    256
#define REFUSAL_REASON_CAP 160

struct refusal {
    char key[REFUSAL_KEY_CAP];
    char reason[REFUSAL_REASON_CAP];
    uint8_t bucket;  /* whatever the caller numbers them by */
    bool marked;     /* seen since the last refusals_snapshot_begin */
    uint64_t count;  /* values refused under this key */
    uint64_t seq;    /* of the last one */
    int64_t last_ns; /* when the last one was put */
};

struct refusals {
    struct refusal all[REFUSALS_MAX]; /* newest first */
    size_t n;
    int64_t log_ns;    /* when the present span of the log's limit began */
    uint32_t lines;    /* lines logged in this span */
    uint64_t unlogged; /* refusals that were not logged since the last line */
};

/* A refusal to be noted; borrowed during the call. */
struct refused {
    uint8_t bucket;
    const char *key; /* not terminated */
    size_t key_len;
    const char *reason;
    uint64_t seq;
    int64_t age_ns; /* how long ago it was put */
};

/*
 * True when it is worth a line in the log: the key or its reason is a new one, and there were not many such
 * lines lately; *ret_unlogged is then how many were kept back since the last line.
 */
bool refusals_note(struct refusals *r, const struct refused *what, int64_t now_ns, uint64_t *ret_unlogged);

/* The key is good now, or gone. */
void refusals_clear(struct refusals *r, uint8_t bucket, const char *key, size_t key_len);

/* What was not noted between them is not in the bucket any more. Without an end nothing is removed. */
void refusals_snapshot_begin(struct refusals *r, uint8_t bucket);
void refusals_snapshot_end(struct refusals *r, uint8_t bucket);

/* Removes what was put before that. */
void refusals_forget(struct refusals *r, uint8_t bucket, int64_t before_ns);

#endif

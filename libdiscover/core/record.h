/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instance and Lease as plain structures, and their way to and from protobuf bytes. Pure; any thread.
 *
 * Decoding validates everything: what comes out obeys the limits below. A refusal says what was wrong in
 * *ret_why, a static text.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "discover/discover.h"
#include "libdiscover/core/address.h"
#include "libdiscover/core/label.h"
#include "proto/registry.pb-c.h"

#define RECORD_TAGS_MAX     16
#define RECORD_TAG_CAP      256 /* with NUL; UTF-8 without control characters */
#define RECORD_META_MAX     16
#define RECORD_META_KEY_CAP 64  /* with NUL; keys are printable ASCII without '=' */
#define RECORD_META_VAL_CAP 256 /* with NUL; UTF-8 without control characters */
#define RECORD_HOSTNAME_CAP 254
#define RECORD_WIRE_MAX     8192 /* bytes of an encoded record, at most */
#define RECORD_FIELDS_MAX   256 /* protobuf fields of an encoded record, those of its pairs and unknown ones included */
#define LEASE_WIRE_MAX      512

/* No clock reaches this: a value that claims it is refused. */
#define EPOCH_MAX (UINT64_C(1) << 62)

/*
 * A daemon's epoch is the time at which it started, in milliseconds: one that is further ahead than a clock can be
 * wrong by is refused.
 */
#define EPOCH_AHEAD_MAX_MS (24 * 3600 * INT64_C(1000))

static inline bool epoch_plausible(uint64_t epoch, int64_t wall_ms)
{
    return wall_ms < 0 || epoch <= (uint64_t)wall_ms + EPOCH_AHEAD_MAX_MS;
}

struct record {
    uint64_t epoch, counter;
    struct addresses addresses;
    uint8_t protocol; /* enum discover_protocol */
    uint8_t state;    /* enum discover_state */
    uint16_t port;    /* 1..65535 */
    uint16_t priority;
    uint32_t weight; /* 1..65535 */
    uint8_t n_tags, n_meta;
    uint8_t unexported;                 /* other regions do not fail over to it */
    char hostname[RECORD_HOSTNAME_CAP]; /* "" when it has addresses */
    char tags[RECORD_TAGS_MAX][RECORD_TAG_CAP];
    struct {
        char key[RECORD_META_KEY_CAP];
        char value[RECORD_META_VAL_CAP];
    } meta[RECORD_META_MAX];
};

struct lease {
    uint64_t epoch, counter, min_epoch, node, digest;
    uint64_t life, claim, asked_by, answers; /* who uses the host's name: proto/registry.proto */
    uint32_t ttl_ms;                         /* 100..3600000 */
    uint32_t records;
    struct addresses addresses;
    uint8_t leaving, ran_out, publishes_events;
    char region[LABEL_CAP], zone[LABEL_CAP]; /* "" when none */
    char version[32];
};

/*
 * Whether both are of one life of a daemon. Versions that have no `life` in their leases are distinguished by node and
 * epoch.
 */
static inline bool lease_same_life(const struct lease *a, const struct lease *b)
{
    return a->life == b->life && (a->life || (a->node == b->node && a->epoch == b->epoch));
}

/* Sets what a record has when nothing is said: passing, TCP, weight 1, no addresses, no port. */
void record_init(struct record *r);

/* -EINVAL with *ret_why. ret_record is undefined on failure. */
int record_decode(const uint8_t *bytes, size_t n, struct record *ret_record, const char **ret_why);
int record_from_proto(const Discover__V1__Instance *msg, struct record *ret_record, const char **ret_why);

/* Writes at most RECORD_WIRE_MAX bytes; -EMSGSIZE. */
int record_encode(const struct record *r, uint8_t ret_bytes[static RECORD_WIRE_MAX], size_t *ret_n);

/* Checks a record that was filled in by hand against the same rules. */
int record_check(const struct record *r, const char **ret_why);

/* Adders used by every front end (configuration, library): -EINVAL, -E2BIG, -EEXIST. */
int record_add_address(struct record *r, const char *text);
int record_add_tag(struct record *r, const char *tag);

/* The one rule for a tag, at every door: free text. One that is a label (label_valid) has a name in DNS, too. */
bool tag_valid(const char *tag);
#define TAG_RULE "a tag is 1..255 bytes of UTF-8 without control characters, not given twice, and one of at most 16"

/*
 * The one rule for where an instance is, at every door: an address that somebody may reach (address.h), one of each
 * family at most, or a host name (RFC 1123 section 2.1, lower case, no trailing dot, its last part no number), alone.
 * -EINVAL, -EEXIST (a second one of its family), with *ret_why (static).
 */
int record_add_endpoint(struct record *r, const char *text, const char **ret_why);
bool hostname_valid(const char *name);

/* What is wrong with the spelling alone of a host name (static); NULL: no other spelling would make it one. */
const char *hostname_but_for(const char *name);

/* Why nobody, or nobody on another host, can reach the instance (static); NULL: somebody may. */
const char *record_unreachable(const struct record *r, bool allow_loopback);

/*
 * A registration that names no address has its host's, whatever that is at the time: until then, and wherever it is
 * stored, this address stands for it, which no instance can have (the IPv4 dummy address, RFC 7600 section 4.8).
 */
void record_set_at_host(struct record *r);
bool record_is_at_host(const struct record *r);

/* Sets a pair of the meta data; one of the same key is replaced. -EINVAL: for the reason see meta_refused; -E2BIG. */
int record_set_meta(struct record *r, const char *key, const char *value);

/* What is wrong with a pair, in words that follow its name (static); NULL: nothing. */
const char *meta_refused(const char *key, const char *value);

int lease_decode(const uint8_t *bytes, size_t n, struct lease *ret_lease, const char **ret_why);
int lease_encode(const struct lease *l, uint8_t ret_bytes[static LEASE_WIRE_MAX], size_t *ret_n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The texts that JetStream puts into subjects, acknowledgements and errors. Pure; any thread. */
#ifndef BUS_WIRE_H
#define BUS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_REASON_CAP 256
#define BUS_KEY_MAX    255
#define BUS_PREFIX_CAP 272 /* "$JS.<domain>.API" with the longest domain */

/* What the reply subject of a message from a consumer says. Points into it. */
struct wire_delivery {
    const char *consumer;
    size_t consumer_len;
    uint64_t seq; /* in the stream */
    uint64_t nth; /* of this consumer, from 1 */
    uint64_t pending;
    int64_t time_ns; /* the server's clock */
};

/* -EINVAL: not such a subject. */
int wire_delivery(const char *reply, struct wire_delivery *ret_delivery);

/*
 * What JetStream refused something with: always negative, with a reason. -ENOENT: no such stream; -EEXIST: there is one
 * of that name; -ENODEV: no JetStream here, or not now; -ENOSPC: bucket or server are full; -EROFS: the stream is sealed;
 * -EMSGSIZE: the message is larger than it takes; -EDQUOT: a limit of the account; -EIO: anything else.
 */
int wire_api_error(int64_t code, const char *description, char ret_reason[static BUS_REASON_CAP]);

/* The answer to a put: 0 and its sequence, or an error of wire_api_error. -EBADMSG: not an answer. */
int wire_put_ack(const char *json, size_t n, uint64_t *ret_seq, char ret_reason[static BUS_REASON_CAP]);

/*
 * The subject that a "Permissions Violation for Publish to ..." names. False: it is no such text. Of a long subject it
 * is the beginning (*ret_cut): nats.c keeps 255 octets of what a server says.
 */
bool wire_denied_put(const char *text, char *ret_subject, size_t cap, bool *ret_cut);

/* In front of the subjects of JetStream's API: "$JS.API", or that of a domain. */
void wire_api_prefix(const char *domain, char ret_prefix[static BUS_PREFIX_CAP]);

/* What stands for the ">" at the end of a pattern; NULL when the subject (may be NULL) is none of it. Points into it. */
const char *wire_key_of(const char *subject, const char *pattern);

/* Whether it can be a key: tokens of [A-Za-z0-9_=/-] with single dots between them. */
bool wire_key_valid(const char *key);

/* The number in an id or a header, which must be digits and nothing else; false when it is none. base 10 or 16. */
bool wire_number(const char *text, int base, uint64_t *ret_number);

/* A server's time stamp (RFC 3339, UTC, to the nanosecond): nanoseconds since 1970. False: text (may be NULL) is none. */
bool wire_time(const char *text, int64_t *ret_ns);

/*
 * What a writer gives for Nats-TTL: seconds, or a duration as Go writes it ("90s", "1h30m"). False: text (may be NULL)
 * is none, or "never".
 */
bool wire_ttl(const char *text, int64_t *ret_ns);

/*
 * Whether an answer may go there: to an inbox ("_INBOX.<...>"), or to one in another account ("_R_.<...>", the server's own)
 * or cluster ("_GR_.<cluster>.<server>." before one of these); not with wildcards, and not to an inbox of this host. reply may
 * be NULL.
 */
bool wire_inbox_valid(const char *reply, const char *host);

/* By chance, but last of all those with the host and port of that URL; "" is nobody's. */
void wire_order_servers(const char **urls, size_t n, const char *last, uint64_t random);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks DNS servers by way of c-ares, on an epoll set of the caller's. Never blocks. One thread. Answers are handed on
 * as bytes (dns_reply.h reads them). EDNS, other servers after a failure, and TCP after a truncated answer are left to
 * c-ares.
 */
#ifndef LIBDISCOVER_DNS_DNS_CHANNEL_H
#define LIBDISCOVER_DNS_DNS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_channel;

/* Called once for each question: with the answer, which lives only during the call, or NULL when none came. */
typedef void dns_answer_fn(void *arg, const uint8_t *bytes, size_t n);

/* Whether that is a list "address[:port],..." of servers. */
bool dns_servers_valid(const char *servers);

/*
 * servers: "" means those of resolv.conf, which is read now. The sockets are put into epoll as they come, with their
 * descriptor as data. -ENOMEM; -EINVAL: bad list; -ENOENT: no servers are configured.
 */
int dns_channel_open(const char *servers, int epoll, struct dns_channel **ret_c);

/* Answers open questions with NULL. In a forked child (ours = false) the epoll set is the parent's. c: NULL is fine. */
void dns_channel_close(struct dns_channel *c, bool ours);

/* May call fn before it returns. */
void dns_channel_ask(struct dns_channel *c, const char *name, uint16_t type, dns_answer_fn *fn, void *arg);

/* A socket is ready: events as epoll reports them. */
void dns_channel_ready(struct dns_channel *c, int fd, uint32_t events);

/*
 * Ends or repeats questions that have waited long enough; and in how many nanoseconds the next one will have: -1, no
 * question is open.
 */
void dns_channel_tick(struct dns_channel *c);
int64_t dns_channel_left_ns(const struct dns_channel *c);

#endif

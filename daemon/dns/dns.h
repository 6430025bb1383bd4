/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DNS responder: authoritative for its zones, over UDP and TCP, from the shared table alone.
 *
 * Owner and thread: daemon.c on the main thread. Each worker is a thread with a socket, buffers, prepared answers
 * and counters of its own; one more thread serves TCP. They read nothing of the daemon's but the shared table, so
 * an answer never waits for anybody.
 *
 * Failure: only at the start (a bad option, an address in use), with a text that names what and where. Later on
 * what cannot be answered is refused or dropped, and counted.
 */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "daemon/base/metrics.h"
#include "daemon/base/string_list.h"
#include "daemon/base/watchdog.h"

#define DNS_LISTEN_MAX    16
#define DNS_INHERITED_MAX 32
#define DNS_ZONES_MAX     16
#define DNS_WORKERS_MAX   64
#define DNS_ALLOW_MAX     64
#define DNS_REASON_CAP    256

/* Numbers are within the ranges that the configuration has for its keys, and there is at least one zone. */
struct dns_options {
    const struct string_list *listen; /* "127.0.0.1:8053", "[::1]:8053"; port 0: any free one */
    const int
        *inherited; /* bound sockets (systemd), served as well; stay open at dns_free, and what comes then waits */
    size_t n_inherited;
    const struct string_list *zones; /* "discover.internal"; reverse ones ("10.in-addr.arpa") answer PTR */
    const struct string_list *allow; /* who may ask besides loopback, "10.0.0.0/8"; none: everybody who can reach us */
    uint32_t ttl_s;                  /* of answers */
    uint32_t workers;                /* UDP threads for each address, whoever bound it */
    uint32_t udp_payload;            /* largest UDP answer off loopback (RFC 9715) */
    uint32_t loopback_payload;       /* the same on loopback, where nothing fragments */
    uint32_t rate_limit;             /* UDP answers per second and address to a network off loopback; 0: no limit */
    uint32_t cache_bytes;            /* prepared answers of a worker, at most */
    uint32_t tcp_connections;        /* in total */
    uint32_t tcp_per_client;         /* from one address; loopback counts as one */
    uint32_t tcp_idle_ms;            /* without a query, a connection is closed */
    uint32_t tcp_message_ms;         /* for a message to arrive or an answer to be taken, once begun */
    struct watchdog *watchdog;       /* sees whether the threads get on; outlives the responder; or NULL */
};

struct dns;

/*
 * Opens the sockets and adds the workers' counters to metrics (which must outlive the responder; may be NULL).
 * Nothing is answered before dns_start. The options are copied. -EINVAL, -EADDRINUSE (another daemon holds the
 * address), -EACCES, -ENOMEM and others, with the reason.
 */
int dns_new(const struct dns_options *o, struct metrics *metrics, struct dns **ret_dns,
            char ret_reason[static DNS_REASON_CAP]);

/*
 * The table to answer from, mapped here; fd may be closed afterwards. Before the first call everything but the
 * zones' own records is SERVFAIL. Call again whenever the writer has moved: the workers change over by themselves,
 * and the last one to leave unmaps the old segment. Errors of table_map, -ENOMEM; the old table then stays.
 */
int dns_set_table(struct dns *dns, int fd);

/* Starts the threads, with the caller's mask of signals. A negative errno; what was started is stopped again. */
int dns_start(struct dns *dns);

/*
 * Stops and joins the threads; what a worker has in hand is still answered. Closes. NULL is fine. The metrics must not be read
 * any more.
 */
void dns_free(struct dns *dns);

#endif

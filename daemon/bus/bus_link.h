/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to a NATS server: opened, lost, and opened anew by the bus thread; lent to the reader thread.
 *
 * nats.c's own reconnecting is switched off: while it tries, its lock is held for as long as a connect takes, it
 * replays old puts, and it gives up for good after some errors. A new connection each time has one way in and
 * one way out. It is never destroyed while one of nats.c's threads may still use it (nats.c 3.4.1 does not look
 * after that itself).
 */
#ifndef BUS_LINK_H
#define BUS_LINK_H

#include <nats/nats.h>

#include "daemon/bus/bus_access.h"
#include "daemon/bus/bus_feed.h"
#include "daemon/bus/bus_inbox.h"
#include "daemon/bus/bus_puts.h"
#include "daemon/bus/bus_shared.h"

#define BUS_REQUEST_TIMEOUT_MS 3000 /* of each request that the bus thread waits for */

/* The longest: "$JS.<domain>.API.$KV.<bucket>.<key>" */
#define BUS_SUBJECT_CAP (BUS_PREFIX_CAP + 80 + BUS_KEY_MAX)

struct bus_link;

struct bus_session {
    natsConnection *nc;
    jsCtx *js;                 /* of no domain: give api_prefix with each request */
    struct bus_inbox *answers; /* what the snapshots ask for arrives here */
    const char *api_prefix;    /* "$JS.API" or that of a domain */
    int64_t info_timeout_ms;
    char inbox[BUS_SUBJECT_CAP / 2]; /* "_INBOX.<host>.<random>" */
};

int bus_link_new(struct bus_shared *shared, struct bus_link **ret_link); /* -ENOMEM */
void bus_link_free(struct bus_link *link);

/* What was learnt of the servers over connections before. Bus thread. */
#define DISCOVERED_MAX 16
struct bus_cluster {
    char *servers[DISCOVERED_MAX]; /* as the last one named them */
    size_t n;
    char last[BUS_REASON_CAP]; /* the one that was connected to last; "": none */
};

/* The next bus_link_open goes to the servers of its access alone. */
void bus_cluster_forget(struct bus_cluster *cluster);

/*
 * Bus thread. Reads what access names, connects and subscribes everything; blocks. 0, and cluster has what is known by then; or
 * a negative errno and a reason.
 */
int bus_link_open(struct bus_link *link, const struct bus_access *access, struct bus_cluster *cluster,
                  char ret_reason[static BUS_REASON_CAP]);

/* Bus thread. How long to wait at most before the next bus_link_open, after one that failed or was lost. */
int64_t bus_link_longest_pause_ns(const struct bus_link *link);

/* Bus thread. Readable when bus_link_news has some. */
int bus_link_news_fd(const struct bus_link *link);

enum bus_link_news {
    BUS_LINK_NONE,
    BUS_LINK_LAME, /* the server is about to stop (lame-duck mode): it serves a while longer */
    BUS_LINK_LOST,
};

/* Bus thread. Tells of each news once; that the link is lost, until bus_link_close. */
enum bus_link_news bus_link_news(struct bus_link *link);

/* Bus thread. Waits until nobody uses it, and closes it. Why it was lost, valid until it is opened again. */
const char *bus_link_close(struct bus_link *link);

/* Bus thread, while open. Writes a put; its result comes through bus_puts. */
void bus_link_put(struct bus_link *link, struct bus_put *put);

/*
 * Main thread. Writes a put at once if that cannot block: a lone small one on a connection that answers. False: it has
 * to go by way of the bus thread. The way from one thread to another is a third of what a change takes to get to NATS.
 */
bool bus_link_put_now(struct bus_link *link, struct bus_put *put);

/* Bus thread, while open. Publishes it, or counts that it could not be. */
void bus_link_publish(struct bus_link *link, const struct publish_mail *mail);

/* Reader thread (and main for a moment). NULL when there is no connection; else bus_link_unuse soon. */
const struct bus_session *bus_link_use(struct bus_link *link);
void bus_link_unuse(struct bus_link *link);

/* Any thread. True from the moment that bus_link_close waits for users. */
bool bus_link_closing(struct bus_link *link);

/* Any thread. Whether NATS has denied a publish to that subject, or to one below it, on this connection. */
bool bus_link_denied(struct bus_link *link, const char *subject);

/* The inbox subject of the answers to puts is "<inbox>.put.<id>", to pulls "<inbox>.pull.<number>". */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection, and what is subscribed on it. */
#include "daemon/bus/bus_link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/bus/bus_link_impl.h"
#include "daemon/bus/bus_security.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entropy.h"

#define PINGS_OUT         2
#define WRITE_DEADLINE_MS 2000

/* ---- options ---- */

static natsStatus set_options(struct bus_link *link, natsOptions *o)
{
    char name[BUS_SUBJECT_CAP], prefix[BUS_SUBJECT_CAP];
    snprintf(name, sizeof name, "discoverd %s", link->shared->options.host);
    snprintf(prefix, sizeof prefix, "_INBOX.%s", link->shared->options.host);
    natsStatus s[] = {
        natsOptions_SetName(o, name),
        natsOptions_SetCustomInboxPrefix(o, prefix),
        natsOptions_SetAllowReconnect(o, false),
        natsOptions_SetNoRandomize(o, true), /* the servers are in the order in which they are to be tried */
        natsOptions_SetMaxPingsOut(o, PINGS_OUT),
        natsOptions_SetWriteDeadline(o, WRITE_DEADLINE_MS),
        natsOptions_SetSendAsap(o, true), /* else a put waits a millisecond for company */
        natsOptions_SetClosedCB(o, bus_link_on_closed, link),
        natsOptions_SetLameDuckModeCB(o, bus_link_on_lame_duck, link),
        natsOptions_SetErrorHandler(o, bus_link_on_error, link),
    };
    for (size_t i = 0; i < sizeof s / sizeof *s; i++)
        if (s[i] != NATS_OK)
            return s[i];
    return NATS_OK;
}

static void name_subjects(struct bus_link *link, const char *host)
{
    snprintf(link->session.inbox, sizeof link->session.inbox, "_INBOX.%s.%016" PRIx64, host, entropy_64());
    link->put_reply_len = strlen(link->session.inbox) + strlen(".put.");
}

int bus_link_new(struct bus_shared *shared, struct bus_link **ret_link)
{
    const struct bus_options *options = &shared->options;
    struct bus_link *link = calloc(1, sizeof *link);
    if (!link)
        return -ENOMEM;
    link->shared = shared;
    for (int i = 0; i < BUS_BUCKETS; i++) {
        link->feeds[i].gap = (struct bus_mail){.kind = BUS_MAIL_GAP, .bucket = (uint8_t)i};
        link->feeds[i].bucket = (enum bus_bucket)i;
        link->feeds[i].shared = shared;
    }
    link->session.api_prefix = shared->api_prefix;
    link->session.info_timeout_ms = options->info_timeout_ns / NS_PER_MS;
    bus_timeout_init(&link->timeout, options->lease_ttl_ns);
    link->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&link->lock, NULL);
    pthread_cond_init(&link->changed, NULL);
    name_subjects(link, options->host);
    snprintf(link->publish_prefix, sizeof link->publish_prefix, "discover.%s.event.", options->region);
    link->value = malloc(options->max_value);
    bool good = bus_inbox_new(&link->session.answers) == 0 && link->value && link->news_fd >= 0;
    if (!good) {
        bus_link_free(link);
        return -ENOMEM;
    }
    *ret_link = link;
    return 0;
}

void bus_link_free(struct bus_link *link)
{
    if (!link)
        return;
    pthread_cond_destroy(&link->changed);
    pthread_mutex_destroy(&link->lock);
    if (link->news_fd >= 0)
        close(link->news_fd);
    bus_inbox_free(link->session.answers);
    free(link->value);
    free(link);
}

/* ---- open ---- */

/* Sets the servers to try, the one that was lost last: it may hang, and to wait for it costs time of the lease. */
static natsStatus set_servers(const struct bus_cluster *cluster, const struct bus_access *access, natsOptions *o)
{
    size_t n = access->n_servers + cluster->n;
    const char **all = calloc(n, sizeof *all);
    if (!all)
        return NATS_NO_MEMORY;
    memcpy(all, access->servers, access->n_servers * sizeof *all);
    memcpy(all + access->n_servers, cluster->servers, cluster->n * sizeof *all);
    wire_order_servers(all, n, cluster->last, entropy_64());
    natsStatus s = natsOptions_SetServers(o, all, (int)n);
    free(all);
    return s;
}

static int64_t whole_ms(int64_t ns)
{
    return ns > NS_PER_MS ? ns / NS_PER_MS : 1;
}

static natsStatus set_times(struct bus_link *link, size_t n_servers, natsOptions *o)
{
    bus_timeout_set_servers(&link->timeout, n_servers);
    natsStatus s = natsOptions_SetTimeout(o, whole_ms(bus_timeout_connect_ns(&link->timeout)));
    return s == NATS_OK ? natsOptions_SetPingInterval(o, whole_ms(bus_timeout_ping_ns(&link->timeout))) : s;
}

static natsStatus connect_by(struct bus_link *link, const struct bus_access *access, natsOptions *o,
                             char ret_reason[static BUS_REASON_CAP])
{
    int64_t began_ns = clock_now_ns();
    natsStatus s = natsConnection_Connect(&link->session.nc, o);
    link->opened_ns = clock_now_ns();
    if (s == NATS_OK)
        return s;
    bus_timeout_failed(&link->timeout, access->n_servers, link->opened_ns - began_ns);
    (void)bus_stream_error(s, 0, ret_reason);
    bus_security_explain(access, ret_reason, BUS_REASON_CAP);
    return s;
}

/* What the files of access say is read here, anew for each connection. */
static natsStatus connect_now(struct bus_link *link, const struct bus_access *access, const struct bus_cluster *cluster,
                              char ret_reason[static BUS_REASON_CAP])
{
    char why[BUS_WHY_CAP] = "";
    natsOptions *o = NULL;
    natsStatus s = natsOptions_Create(&o);
    if (s == NATS_OK)
        s = set_options(link, o);
    if (s == NATS_OK)
        s = set_servers(cluster, access, o);
    if (s == NATS_OK)
        s = set_times(link, access->n_servers + cluster->n, o);
    (void)bus_stream_error(s, 0, ret_reason);
    if (s == NATS_OK && (s = bus_security_set(o, access, why)) != NATS_OK)
        snprintf(ret_reason, BUS_REASON_CAP, "%.*s", BUS_REASON_CAP - 1, why);
    if (s == NATS_OK)
        s = connect_by(link, access, o, ret_reason);
    natsOptions_Destroy(o);
    return s;
}

int64_t bus_link_longest_pause_ns(const struct bus_link *link)
{
    return bus_timeout_pause_ns(&link->timeout);
}

void bus_cluster_forget(struct bus_cluster *cluster)
{
    while (cluster->n > 0)
        free(cluster->servers[--cluster->n]);
    cluster->last[0] = '\0';
}

/* So that the next connect can go to a server that is not configured here. */
static void remember_cluster(struct bus_cluster *cluster, natsConnection *nc)
{
    char **found = NULL;
    int n = 0;
    if (natsConnection_GetDiscoveredServers(nc, &found, &n) == NATS_OK && n > 0) {
        bus_cluster_forget(cluster);
        for (int i = 0; i < n; i++)
            if (cluster->n < DISCOVERED_MAX)
                cluster->servers[cluster->n++] = found[i];
            else
                free(found[i]);
    }
    free(found);
    if (natsConnection_GetConnectedUrl(nc, cluster->last, sizeof cluster->last) != NATS_OK)
        snprintf(cluster->last, sizeof cluster->last, "unknown");
}

/* Has bus_link_close wait for the thread that calls back for this subscription. */
static natsStatus wait_for_delivery(struct bus_link *link, natsSubscription *sub)
{
    pthread_mutex_lock(&link->lock);
    link->deliveries++;
    pthread_mutex_unlock(&link->lock);
    natsStatus s = natsSubscription_SetOnCompleteCB(sub, bus_link_on_delivery_end, link);
    if (s != NATS_OK)
        bus_link_on_delivery_end(link);
    return s;
}

/* queue: of those who ask for the same, one hears each; NULL: all. */
static natsStatus subscribe(struct bus_link *link, const char *queue, const char *subject, natsMsgHandler fn,
                            void *closure)
{
    natsSubscription *sub;
    natsConnection *nc = link->session.nc;
    natsStatus s = queue ? natsConnection_QueueSubscribe(&sub, nc, subject, queue, fn, closure)
                         : natsConnection_Subscribe(&sub, nc, subject, fn, closure);
    if (s != NATS_OK)
        return s;
    link->subscriptions[link->n_subscriptions++] = sub;
    return wait_for_delivery(link, sub);
}

static natsStatus listen_for_requests(struct bus_link *link)
{
    struct bus_shared *shared = link->shared;
    char any[BUS_SUBJECT_CAP], own[BUS_SUBJECT_CAP];
    snprintf(any, sizeof any, "discover.%s.rpc.resolve", shared->options.region);
    snprintf(own, sizeof own, "discover.%s.rpc.host.%s.*", shared->options.region, shared->options.host);
    if (shared->options.max_requests == 0)
        return NATS_OK;
    natsStatus s = subscribe(link, NULL, "$SRV.>", bus_link_on_request, shared);
    if (s == NATS_OK)
        s = subscribe(link, BUS_REQUEST_QUEUE, any, bus_link_on_request, shared);
    return s == NATS_OK ? subscribe(link, NULL, own, bus_link_on_request, shared) : s;
}

static natsStatus subscribe_all(struct bus_link *link)
{
    char puts[BUS_SUBJECT_CAP], pulls[BUS_SUBJECT_CAP];
    natsStatus s = NATS_OK;
    snprintf(puts, sizeof puts, "%s.put.*", link->session.inbox);
    snprintf(pulls, sizeof pulls, "%s.pull.*", link->session.inbox);
    for (int i = 0; s == NATS_OK && i < BUS_BUCKETS; i++) {
        struct bus_feed *feed = &link->feeds[i];
        bus_feed_begin(feed);
        s = subscribe(link, NULL, link->shared->streams[i].destination, bus_feed_message, feed);
    }
    if (s == NATS_OK)
        s = subscribe(link, NULL, puts, bus_link_on_answer, link);
    if (s == NATS_OK)
        s = subscribe(link, NULL, pulls, bus_inbox_message, link->session.answers);
    return s == NATS_OK ? listen_for_requests(link) : s;
}

static natsStatus set_up(struct bus_link *link)
{
    natsStatus s = natsConnection_JetStream(&link->session.js, link->session.nc, NULL);
    if (s == NATS_OK)
        s = subscribe_all(link);
    /* Once this returns the server has the subscriptions: what it stores from now on is heard. */
    if (s == NATS_OK)
        s = natsConnection_FlushTimeout(link->session.nc, BUS_REQUEST_TIMEOUT_MS);
    return s;
}

int bus_link_open(struct bus_link *link, const struct bus_access *access, struct bus_cluster *cluster,
                  char ret_reason[static BUS_REASON_CAP])
{
    link->lame = link->closed = link->publish_denied = false;
    link->n_denied = 0;
    bus_inbox_reset(link->session.answers);
    natsStatus s = connect_now(link, access, cluster, ret_reason);
    if (s != NATS_OK)
        return -ENOTCONN;
    s = set_up(link);
    if (s != NATS_OK) {
        (void)bus_stream_error(s, 0, ret_reason);
        (void)bus_link_close(link);
        return -ENOTCONN;
    }
    remember_cluster(cluster, link->session.nc);
    pthread_mutex_lock(&link->lock);
    link->open = true;
    pthread_mutex_unlock(&link->lock);
    return 0;
}

int bus_link_news_fd(const struct bus_link *link)
{
    return link->news_fd;
}

enum bus_link_news bus_link_news(struct bus_link *link)
{
    uint64_t count;
    pthread_mutex_lock(&link->lock);
    enum bus_link_news news = link->closed ? BUS_LINK_LOST : link->lame ? BUS_LINK_LAME : BUS_LINK_NONE;
    link->lame = false;
    if (news != BUS_LINK_LOST)
        (void)!read(link->news_fd, &count, sizeof count);
    pthread_mutex_unlock(&link->lock);
    return news;
}

/* ---- close ---- */

static void destroy(struct bus_link *link)
{
    while (link->n_subscriptions > 0)
        natsSubscription_Destroy(link->subscriptions[--link->n_subscriptions]);
    for (int i = 0; i < BUS_BUCKETS; i++)
        bus_deferred_free(&link->feeds[i].deferred);
    bus_deferred_free(&link->deferred);
    bus_inbox_reset(link->session.answers);
    jsCtx_Destroy(link->session.js);
    natsConnection_Destroy(link->session.nc);
    link->session.js = NULL;
    link->session.nc = NULL;
}

/*
 * 1. Let the reader come to an end: a request that is answered while nats.c closes is a race inside nats.c.
 * 2. Close, and wait for the closed callback: it comes after nats.c has joined its reading thread, which uses
 *    subscriptions without holding them.
 * 3. Wait for the threads that deliver messages.
 * 4. Now nobody is left: destroy.
 */
const char *bus_link_close(struct bus_link *link)
{
    uint64_t count;
    pthread_mutex_lock(&link->lock);
    link->open = false;
    while (link->users > 0)
        pthread_cond_wait(&link->changed, &link->lock);
    pthread_mutex_unlock(&link->lock);
    natsConnection_Close(link->session.nc);
    pthread_mutex_lock(&link->lock);
    while (!link->closed || link->deliveries > 0)
        pthread_cond_wait(&link->changed, &link->lock);
    bus_timeout_lost(&link->timeout, link->silent, clock_now_ns() - link->opened_ns);
    pthread_mutex_unlock(&link->lock);
    destroy(link);
    (void)!read(link->news_fd, &count, sizeof count);
    return link->lost_reason;
}

const struct bus_session *bus_link_use(struct bus_link *link)
{
    pthread_mutex_lock(&link->lock);
    bool open = link->open;
    link->users += open;
    pthread_mutex_unlock(&link->lock);
    return open ? &link->session : NULL;
}

void bus_link_unuse(struct bus_link *link)
{
    pthread_mutex_lock(&link->lock);
    link->users--;
    pthread_cond_broadcast(&link->changed);
    pthread_mutex_unlock(&link->lock);
}

bool bus_link_closing(struct bus_link *link)
{
    pthread_mutex_lock(&link->lock);
    bool closing = !link->open;
    pthread_mutex_unlock(&link->lock);
    return closing;
}

bool bus_link_denied(struct bus_link *link, const char *subject)
{
    bool denied = false;
    pthread_mutex_lock(&link->lock);
    for (size_t i = 0; i < link->n_denied; i++)
        denied |= strncmp(link->denied[i], subject, strlen(subject)) == 0;
    pthread_mutex_unlock(&link->lock);
    return denied;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The responder as a whole: options, sockets, and the threads that serve them. */
#include "daemon/dns/dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dns/dns_impl.h"
#include "daemon/dns/dns_reverse.h"
#include "daemon/base/thread.h"
#include "libdiscover/core/clock.h"

struct range {
    const char *name;
    uint32_t value, min, max;
};

static int check_numbers(const struct dns_options *o, char *reason)
{
    const struct range ranges[] = {
        {"ttl", o->ttl_s, 0, 3600},
        {"workers", o->workers, 1, DNS_WORKERS_MAX},
        {"udp_payload", o->udp_payload, 512, 4096},
        {"loopback_payload", o->loopback_payload, 512, 16384},
        {"rate_limit", o->rate_limit, 0, 1000000},
        {"cache_bytes", o->cache_bytes, 1 << 20, 1 << 30},
        {"tcp_connections", o->tcp_connections, 1, 65536},
        {"tcp_per_client", o->tcp_per_client, 1, 65536},
        {"tcp_idle_ms", o->tcp_idle_ms, 100, 3600000},
        {"tcp_message_ms", o->tcp_message_ms, 100, 3600000},
    };
    for (const struct range *r = ranges; r < ranges + sizeof ranges / sizeof *ranges; r++) {
        if (r->value >= r->min && r->value <= r->max)
            continue;
        snprintf(reason, DNS_REASON_CAP, "%s: %u is not within %u to %u", r->name, r->value, r->min, r->max);
        return -EINVAL;
    }
    return 0;
}

static int check_counts(const struct dns_options *o, char *reason)
{
    const char *what = NULL;
    if (o->n_zones == 0 || o->n_zones > DNS_ZONES_MAX)
        what = "zones: there must be 1 to 16";
    else if (o->n_listen + o->n_inherited == 0)
        what = "listen: no address";
    else if (o->n_listen > DNS_LISTEN_MAX || o->n_inherited > DNS_INHERITED_MAX)
        what = "listen: more than 16 addresses, or more than 32 sockets that were passed";
    else if (o->n_allow > DNS_ALLOW_MAX)
        what = "allow: more than 64 networks";
    if (!what)
        return 0;
    snprintf(reason, DNS_REASON_CAP, "%s", what);
    return -EINVAL;
}

static int refuse(const char *key, const char *value, const char *why, char *reason)
{
    snprintf(reason, DNS_REASON_CAP, "%s: \"%s\": %s", key, value, why);
    return -EINVAL;
}

static int read_zones(const struct dns_options *o, struct dns_zones *zones, char *reason)
{
    const char *why;
    for (zones->n = 0; zones->n < o->n_zones; zones->n++)
        if (dns_zone_parse(o->zones[zones->n], &zones->zone[zones->n], &why) < 0)
            return refuse("zones", o->zones[zones->n], why, reason);
    return 0;
}

static int read_networks(const struct dns_options *o, struct dns_access *access, char *reason)
{
    for (access->n = 0; access->n < o->n_allow; access->n++)
        if (dns_network_parse(o->allow[access->n], &access->networks[access->n]) < 0)
            return refuse("allow", o->allow[access->n], "not an address or a network like 10.0.0.0/8", reason);
    return 0;
}

static int check_listen(const struct dns_options *o, char *reason)
{
    union dns_peer peer;
    socklen_t n;
    for (size_t i = 0; i < o->n_listen; i++)
        if (dns_peer_parse(o->listen[i], &peer, &n) < 0)
            return refuse("listen", o->listen[i], "not an address and a port like 127.0.0.1:53 or [::1]:53", reason);
    return 0;
}

static int read_options(const struct dns_options *o, struct dns_zones *zones, struct dns_access *access, char *reason)
{
    int err = check_counts(o, reason);
    if (!err)
        err = check_numbers(o, reason);
    if (!err)
        err = check_listen(o, reason);
    if (!err)
        err = read_zones(o, zones, reason);
    return err ? err : read_networks(o, access, reason);
}

/* The queries of a network come from many ports, so the workers of an address get about the same part of them. */
static uint32_t share_of(uint32_t limit, uint32_t workers)
{
    return limit == 0 ? 0 : (limit + workers - 1) / workers;
}

static int new_udp(struct dns *dns, struct worker *w, const struct dns_socket *socket)
{
    uint32_t larger = dns->options.loopback_payload > dns->options.udp_payload ? dns->options.loopback_payload
                                                                               : dns->options.udp_payload;
    const struct dns_udp_options o = {
        .socket = socket,
        .access = &dns->access,
        .responder = w->responder,
        .counters = w->counters,
        .progress = &w->progress,
        .rate_limit = share_of(dns->options.rate_limit, dns->options.workers),
        .reply_max = larger,
    };
    return dns_udp_new(&o, &w->udp);
}

static int new_tcp(struct dns *dns, struct worker *w)
{
    const struct dns_tcp_options o = {
        .sockets = &dns->sockets,
        .access = &dns->access,
        .responder = w->responder,
        .counters = w->counters,
        .progress = &w->progress,
        .connections = dns->options.tcp_connections,
        .per_client = dns->options.tcp_per_client,
        .idle_ns = dns->options.tcp_idle_ms * NS_PER_MS,
        .message_ns = dns->options.tcp_message_ms * NS_PER_MS,
    };
    return dns_tcp_new(&o, &w->tcp);
}

/* socket: NULL for the TCP worker. */
static int new_worker(struct dns *dns, const struct dns_socket *socket)
{
    struct worker *w = &dns->workers[dns->n_workers++];
    w->dns = dns;
    w->counters = calloc(1, sizeof *w->counters);
    if (!w->counters)
        return -ENOMEM;
    int err = dns_responder_new(&dns->config, &dns->tables, w->counters, dns->options.cache_bytes, &w->responder);
    if (!err)
        err = socket ? new_udp(dns, w, socket) : new_tcp(dns, w);
    return err;
}

/* Last of all, because what was added cannot be taken back. */
static int add_metrics(const struct dns *dns, struct metrics *metrics)
{
    int err = 0;
    for (size_t i = 0; metrics && i < dns->n_workers && !err; i++)
        err = metrics_add(metrics, dns_metrics, dns_metrics_n, dns->workers[i].counters);
    return err;
}

static int new_workers(struct dns *dns)
{
    int err = 0;
    dns->workers = calloc(dns->sockets.n_udp + 1, sizeof *dns->workers);
    if (!dns->workers)
        return -ENOMEM;
    for (size_t i = 0; i < dns->sockets.n_udp && !err; i++)
        err = new_worker(dns, &dns->sockets.udp[i]);
    return err ? err : new_worker(dns, NULL);
}

int dns_new(const struct dns_options *o, struct metrics *metrics, struct dns **ret_dns,
            char ret_reason[static DNS_REASON_CAP])
{
    struct dns *dns = calloc(1, sizeof *dns);
    if (!dns)
        return -ENOMEM;
    dns_tables_init(&dns->tables);
    dns->options = *o;
    dns->config.ttl_s = o->ttl_s;
    dns->config.udp_payload = (uint16_t)o->udp_payload;
    dns->config.loopback_payload = (uint16_t)o->loopback_payload;
    int err = read_options(o, &dns->config.zones, &dns->access, ret_reason);
    if (!err && dns_zones_first(&dns->config.zones, true))
        err = dns_reverse_new(&dns->tables, &dns->config.reverse);
    if (!err)
        err = dns_sockets_open(o, &dns->sockets, ret_reason);
    if (!err) {
        err = new_workers(dns);
        if (!err)
            err = add_metrics(dns, metrics);
        if (err)
            snprintf(ret_reason, DNS_REASON_CAP, "cannot set up the DNS workers: %s", strerror(-err));
    }
    if (err)
        dns_free(dns);
    else
        *ret_dns = dns;
    return err;
}

int dns_set_table(struct dns *dns, int fd)
{
    int err = dns_tables_set(&dns->tables, fd);
    if (!err)
        dns_tcp_wake(dns->workers[dns->n_workers - 1].tcp); /* the others wake up by themselves */
    return err;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    if (w->udp)
        dns_udp_run(w->udp, &w->dns->stop);
    else
        dns_tcp_run(w->tcp, &w->dns->stop);
    return NULL;
}

static int start_thread(struct dns *dns, pthread_t *thread, void *(*fn)(void *), void *arg, const char *name,
                        struct progress *progress)
{
    int err = pthread_create(thread, NULL, fn, arg);
    if (err)
        return -err;
    pthread_setname_np(*thread, name);
    watchdog_watch(dns->options.watchdog, progress, name);
    return 0;
}

static int start_worker(struct worker *w, size_t number)
{
    char name[16];
    snprintf(name, sizeof name, w->udp ? "dns-%zu" : "dns-tcp", number);
    int err = start_thread(w->dns, &w->thread, run, w, name, &w->progress);
    w->running = !err;
    return err;
}

static void *run_reverse(void *arg)
{
    dns_reverse_run(arg);
    return NULL;
}

static int start_reverse(struct dns *dns)
{
    struct dns_reverse *r = dns->config.reverse;
    if (!r)
        return 0;
    int err = start_thread(dns, &dns->reverse_thread, run_reverse, r, "dns-reverse", dns_reverse_progress(r));
    dns->reverse_running = !err;
    return err;
}

/* An inherited socket must stay usable for whoever else has it; its workers see the flag when they wake. */
static void wake_udp(struct dns *dns)
{
    for (size_t i = 0; i < dns->sockets.n_udp; i++)
        if (!dns->sockets.udp[i].inherited)
            (void)shutdown(dns->sockets.udp[i].fd, SHUT_RD);
}

/* Also when only some of the threads run, or none. */
static void stop_threads(struct dns *dns)
{
    atomic_store(&dns->stop, true);
    wake_udp(dns);
    for (size_t i = 0; i < dns->n_workers; i++) {
        struct worker *w = &dns->workers[i];
        if (!w->running)
            continue;
        if (w->tcp)
            dns_tcp_wake(w->tcp);
        pthread_join(w->thread, NULL);
        watchdog_unwatch(dns->options.watchdog, &w->progress);
        w->running = false;
    }
    if (dns->reverse_running) {
        dns_reverse_stop(dns->config.reverse);
        pthread_join(dns->reverse_thread, NULL);
        watchdog_unwatch(dns->options.watchdog, dns_reverse_progress(dns->config.reverse));
        dns->reverse_running = false;
    }
}

int dns_start(struct dns *dns)
{
    sigset_t before;
    int err = 0;
    thread_block_signals(&before);
    for (size_t i = 0; i < dns->n_workers && !err; i++)
        err = start_worker(&dns->workers[i], i);
    if (!err)
        err = start_reverse(dns);
    thread_restore_signals(&before);
    if (err)
        stop_threads(dns);
    return err;
}

void dns_free(struct dns *dns)
{
    if (!dns)
        return;
    stop_threads(dns);
    for (size_t i = 0; i < dns->n_workers; i++) {
        struct worker *w = &dns->workers[i];
        dns_udp_free(w->udp);
        dns_tcp_free(w->tcp);
        dns_responder_free(w->responder);
        free(w->counters);
    }
    free(dns->workers);
    dns_responder_free(dns->explainer);
    dns_sockets_close(&dns->sockets);
    dns_reverse_free(dns->config.reverse);
    dns_tables_fini(&dns->tables);
    free(dns);
}

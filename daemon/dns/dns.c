/* SPDX-License-Identifier: Apache-2.0 */
/* The responder as a whole: options, sockets, and the threads that serve them. */
#include "daemon/dns/dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dns/dns_impl.h"
#include "daemon/dns/dns_reverse.h"

static int refuse(const char *key, const char *value, const char *why, char *reason)
{
    snprintf(reason, DNS_REASON_CAP, "%s: \"%s\": %s", key, value, why);
    return -EINVAL;
}

static int read_zones(const struct dns_options *o, struct dns_zones *zones, char *reason)
{
    const char *why;
    for (zones->n = 0; zones->n < o->zones->n; zones->n++)
        if (dns_zone_parse(o->zones->items[zones->n], &zones->zone[zones->n], &why) < 0)
            return refuse("zones", o->zones->items[zones->n], why, reason);
    return 0;
}

static int read_networks(const struct dns_options *o, struct dns_access *access, char *reason)
{
    for (access->n = 0; access->n < o->allow->n; access->n++)
        if (network_parse(o->allow->items[access->n], &access->networks[access->n]) < 0)
            return refuse("allow", o->allow->items[access->n], "not an address or a network like 10.0.0.0/8", reason);
    return 0;
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
        err = socket ? dns_udp_new(w, socket) : dns_tcp_new(w);
    return err;
}

/* Last of all, because what was added cannot be taken back. */
static int add_metrics(const struct dns *dns, struct metrics *metrics)
{
    int err = 0;
    for (size_t i = 0; metrics && i <= dns->sockets.n_udp && !err; i++)
        err = metrics_add(metrics, dns_metrics, dns_metrics_n, dns->workers[i].counters);
    return err;
}

static int new_workers(struct dns *dns)
{
    int err = 0;
    dns->workers = calloc(dns->sockets.n_udp + 2, sizeof *dns->workers);
    if (!dns->workers)
        return -ENOMEM;
    for (size_t i = 0; i < dns->sockets.n_udp && !err; i++)
        err = new_worker(dns, &dns->sockets.udp[i]);
    if (!err)
        err = new_worker(dns, NULL);
    if (!err && dns->config.reverse)
        dns->workers[dns->n_workers++].dns = dns;
    return err;
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
    int err = read_zones(o, &dns->config.zones, ret_reason);
    if (!err)
        err = read_networks(o, &dns->access, ret_reason);
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
        dns_tcp_wake(dns->workers[dns->sockets.n_udp].tcp); /* the others wake up by themselves */
    return err;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    if (w->udp)
        dns_udp_run(w->udp);
    else if (w->tcp)
        dns_tcp_run(w->tcp);
    else
        dns_reverse_run(w->dns->config.reverse, &w->progress);
    return NULL;
}

static int start_worker(struct worker *w, size_t number)
{
    char name[16];
    snprintf(name, sizeof name, w->udp ? "dns-%zu" : w->tcp ? "dns-tcp" : "dns-reverse", number);
    int err = -pthread_create(&w->thread, NULL, run, w);
    w->running = !err;
    if (err)
        return err;
    pthread_setname_np(w->thread, name);
    watchdog_watch(w->dns->options.watchdog, &w->progress, name);
    return 0;
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
        else if (!w->udp)
            dns_reverse_stop(dns->config.reverse);
        pthread_join(w->thread, NULL);
        watchdog_unwatch(dns->options.watchdog, &w->progress);
        w->running = false;
    }
}

int dns_start(struct dns *dns)
{
    int err = 0;
    for (size_t i = 0; i < dns->n_workers && !err; i++)
        err = start_worker(&dns->workers[i], i);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: what happens at each turn, at each second, and on signals. */
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/deadlines.h"
#include "daemon/base/allocator.h"
#include "daemon/base/log.h"
#include "daemon/base/thread.h"
#include "libdiscover/core/clock.h"

/* While a snapshot is read, its services are written this often, not after each batch: see daemon_turn. */
#define SNAPSHOT_FLUSH_NS (50 * NS_PER_MS)
#define FIRST_FLUSH_NS    NS_PER_S

#define FLUSH_BLOCKS 4 /* between two looks at the clock */

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
    (void)what;
    loop_meter_enter();
    if (signal == SIGHUP)
        (void)daemon_reload(arg); /* which logs what became of it */
    else
        stop_by_signal(arg);
    loop_meter_leave();
}

static void on_second(void *arg)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    table_writer_alive(catalog_table(d->catalog), now_ns);
    catalog_forget_gone(d->catalog, now_ns - d->config->registry.record_ttl_ns);
    inbound_second(d->inbound, now_ns);
    regions_second(d->regions, now_ns);
    daemon_table_again(d);
    table_writer_trim(catalog_table(d->catalog));
    soa_serial_second(&d->soa_serial);
    outbound_second(d->outbound);
    services_second(d->services);
    allocator_second();
    loop_timer_arm(&d->second_timer, now_ns + NS_PER_S, now_ns);
    daemon_turn(d);
}

/* Before all is known for the first time readers see nothing of it anyway, and each writing leaves a block behind. */
static int64_t flush_interval_ns(const struct daemon *d)
{
    return inbound_synced_once(d->inbound) ? SNAPSHOT_FLUSH_NS : FIRST_FLUSH_NS;
}

/*
 * A snapshot touches most services once for each of their instances. Written after every batch each would be written
 * that often; what changes otherwise meanwhile waits for a moment no reader notices.
 */
static bool flush_may_wait(const struct daemon *d, int64_t now_ns)
{
    return inbound_reads_records(d->inbound) && now_ns - d->flushed_ns < flush_interval_ns(d);
}

static void store_catalog(struct daemon *d, int64_t now_ns)
{
    int64_t true_ns;
    if (status_catalog_is_worth_storing(d->status, now_ns, &true_ns))
        catalog_file_write(d->catalog_file, catalog_table(d->catalog), true_ns, now_ns);
}

/* What a slice has no time for is written in the next one. */
static void flush(struct daemon *d, int64_t now_ns)
{
    struct loop_slice slice = loop_slice_begin();
    do
        (void)catalog_flush_some(d->catalog, FLUSH_BLOCKS);
    while (catalog_has_work(d->catalog) && !loop_slice_over(&slice));
    if (!catalog_is_dirty(d->catalog)) {
        d->flushed_ns = now_ns;
        inbound_visible(d->inbound, clock_now_ns());
    }
    bool more = regions_flush(d->regions, &slice, now_ns) || catalog_has_work(d->catalog);
    d->failover_ns = region_failover_run(d->failover, &slice, now_ns);
    if (!more)
        tracing_settle(d->tracing);
    if (more || d->failover_ns <= now_ns)
        loop_timer_arm(&d->flush_timer, 0, 0);
}

/* Logs when the table has it all. */
static void on_flush(void *arg)
{
    struct daemon *d = arg;
    bool was_dirty = catalog_is_dirty(d->catalog);
    flush(d, clock_now_ns());
    if (was_dirty && !catalog_is_dirty(d->catalog))
        daemon_turn(d);
}

/* Does whatever is due by now. Returns the time at which something is due again. */
static int64_t tick(struct daemon *d, int64_t now_ns)
{
    (void)agent_tick(d->agent, now_ns);
    int64_t next_ns = deadline_earlier(inbound_tick(d->inbound, now_ns), regions_tick(d->regions, now_ns));
    next_ns = deadline_earlier(
        next_ns, agent_deadline(d->agent)); /* only now: a probe of the feed makes the lease due at once */
    next_ns =
        deadline_earlier(next_ns, region_events_tick(&d->region_events, d->regions, inbound_sync(d->inbound), now_ns));
    next_ns = deadline_earlier(next_ns, events_tick(d->events, now_ns));
    return deadline_earlier(next_ns, d->rpc ? rpc_tick(d->rpc, now_ns) : INT64_MAX);
}

void daemon_turn(void *arg)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    loop_timer_arm(&d->soon_timer, INT64_MAX, 0);
    stall_begin_turn(d, now_ns);
    int64_t next_ns = tick(d, now_ns);
    if (flush_may_wait(d, now_ns))
        next_ns = deadline_earlier(next_ns, d->flushed_ns + flush_interval_ns(d));
    else
        flush(d, now_ns);
    next_ns = deadline_earlier(next_ns, d->failover_ns);
    status_update_sync(d->status, now_ns); /* after the flush: it reports what the table says now */
    store_catalog(d, now_ns);
    loop_timer_arm(&d->turn_timer, next_ns, now_ns);
    stall_end_turn(d, next_ns, now_ns);
    if (d->stopping)
        stop_check(d);
}

void daemon_turn_soon(void *arg)
{
    struct daemon *d = arg;
    loop_timer_arm(&d->soon_timer, 0, 0);
}

int daemon_loop_start(struct daemon *d)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    int err = loop_timer_init(&d->turn_timer, d->base, daemon_turn, d);
    if (!err)
        err = loop_timer_init(&d->soon_timer, d->base, daemon_turn, d);
    if (!err)
        err = loop_timer_init(&d->second_timer, d->base, on_second, d);
    if (!err)
        err = loop_timer_init(&d->flush_timer, d->base, on_flush, d);
    if (!err)
        err = stop_init(d);
    if (!err)
        err = stall_start(d);
    if (!err) { /* the lease is written whatever else there is to do */
        loop_timer_urgent(&d->turn_timer);
        loop_timer_urgent(&d->soon_timer);
        loop_timer_urgent(&d->second_timer);
    }
    for (size_t i = 0; i < 3 && !err; i++) {
        d->signals[i] = evsignal_new(d->base, numbers[i], on_signal, d);
        err = d->signals[i] && event_add(d->signals[i], NULL) == 0 ? 0 : -ENOMEM;
    }
    return err;
}

void daemon_loop_stop(struct daemon *d)
{
    for (size_t i = 0; i < 3; i++)
        if (d->signals[i])
            event_free(d->signals[i]);
    loop_timer_fini(&d->stop_look_timer);
    loop_timer_fini(&d->stop_timer);
    stall_stop(d);
    loop_timer_fini(&d->flush_timer);
    loop_timer_fini(&d->second_timer);
    loop_timer_fini(&d->soon_timer);
    loop_timer_fini(&d->turn_timer);
}

/* Threads are started with all signals blocked: they are the main thread's to take. */
static int start_with_signals_blocked(struct daemon *d)
{
    sigset_t before;
    thread_block_signals(&before);
    int err = parts_start(d);
    thread_restore_signals(&before);
    return err;
}

/* Where others find this daemon. The host's own address was logged when it was taken. */
static void log_served(const struct config *c, const struct activation *a)
{
    char dns[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < c->dns.listen.n && used < sizeof dns; i++)
        used += (size_t)snprintf(dns + used, sizeof dns - used, "%s%s", i ? ", " : "", c->dns.listen.items[i]);
    log_notice("serving DNS at %s, HTTP at %s, programs at %s", *dns ? dns : "(nowhere)",
               c->http.listen[0] ? c->http.listen : "(nowhere)", c->api.socket);
    if (a->n_dns || a->http || a->api)
        log_notice("sockets that were passed: %zu for DNS%s%s", a->n_dns,
                   a->http ? ", one for HTTP, instead of http.listen" : "",
                   a->api ? ", one for programs, instead of api.socket" : "");
}

int daemon_run(struct config *config, const char *config_path)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (!d)
        return EXIT_FAILURE;
    d->config = config;
    d->config_path = config_path;
    d->started_ns = clock_now_ns();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may grow no more is an error of the write, not the end of us */
    int err = log_start();
    if (err)
        log_warning("no thread writes the log, so a slow terminal or journal delays whoever logs: %s", strerror(-err));
    err = start_with_signals_blocked(d);
    if (!err) {
        log_notice("discoverd %s on host %s, epoch %llu", DISCOVER_VERSION, config->host,
                   (unsigned long long)agent_status(d->agent).epoch);
        log_served(config, &d->activation);
        listen_problems_log(config, d->activation.http > 0);
        sd_notify(0, "READY=1");
        on_second(d);
        loop_meter_use(&d->loop_meter);
        event_base_dispatch(d->base);
        loop_meter_use(NULL);
        parts_stop(d);
    }
    config_free(config);
    free(d);
    log_stop();
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the configuration anew, while everything runs, and reports what became of it.
 *
 *   1. read    on a thread: the files, what they name, the group that may register
 *   2. take    what can be taken while it runs; the services in slices of the loop
 *   3. store   on a thread: what services_dir says, for the day when it is wrong
 *   4. answer  those who asked before it was read; whoever asked later waits for the next one, which begins now
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/api/access_policy.h"
#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "daemon/registry/configured.h"
#include "daemon/registry/services/reload_report.h"
#include "libdiscover/core/clock.h"

#define LINE_CAP 512

/* --- 1: on a thread --- */

static void on_config_error(void *arg, const char *message)
{
    reload_report_refuse(arg, "%s", message);
}

/* What the connection to NATS is made with. False: that cannot be used. */
static bool read_access(struct reload *r)
{
    char why[BUS_WHY_CAP];
    struct bus_options options;
    configured_bus_options(r->config, false, &options);
    if (bus_access_read(&options, &r->access, why) == 0)
        return true;
    reload_report_refuse(&r->report, "%s", why);
    return false;
}

/* The same for each other region. One that cannot be used keeps what it has, and nobody else waiting. */
static void read_region_accesses(struct reload *r)
{
    char why[BUS_WHY_CAP];
    struct bus_options options;
    struct region_mirrors mirrors;
    r->region_access = calloc(r->config->n_regions + 1, sizeof *r->region_access);
    for (size_t i = 0; r->region_access && i < r->config->n_regions; i++) {
        configured_region_bus_options(r->config, &r->config->regions[i], &mirrors, &options);
        if (bus_access_read(&options, &r->region_access[i], why) < 0)
            reload_report_refuse(&r->report, "region %s: %s", r->config->regions[i].name, why);
    }
}

static void read_files(void *arg)
{
    struct daemon *d = arg; /* on this thread only d->reload may be used */
    struct reload *r = &d->reload;
    if (!r->path)
        reload_report_refuse(&r->report, "there is no configuration file: this is a daemon of --dev");
    else if (config_load(r->path, on_config_error, &r->report, &r->config) == 0)
        r->good = read_access(r);
    if (r->good)
        read_region_accesses(r);
    if (r->good)
        r->good = configured_access(r->config, &r->rule) == 0;
}

static void discard_region_accesses(struct reload *r)
{
    for (size_t i = 0; r->region_access && i < r->config->n_regions; i++)
        bus_access_free(r->region_access[i]);
    free(r->region_access);
    r->region_access = NULL;
}

static void discard(struct reload *r)
{
    discard_region_accesses(r);
    bus_access_free(r->access);
    config_free(r->config);
    access_policy_free(r->rule.policy);
    r->rule.policy = NULL;
    r->access = NULL;
    r->config = NULL;
}

/* --- 2 --- */

static void on_change(void *arg, const char *key, bool reloadable)
{
    struct reload_report *report = arg;
    reload_report_add(reloadable ? &report->taken : &report->restart, key);
    if (!reloadable)
        log_warning("%s has changed; it takes effect with the next start", key);
}

static void name_files(const struct config *c, struct reload_report *report)
{
    char text[LINE_CAP];
    for (size_t i = 0; i < c->n_service_files && report->taken.n <= RELOAD_LINES_MAX; i++) {
        const struct service_file *file = &c->service_files[i];
        snprintf(text, sizeof text, "%s/%s", c->services_dir, file->name);
        if (!file->refused)
            reload_report_add(&report->taken, text);
    }
}

static void log_taken(const struct daemon *d, const struct reload_report *report)
{
    char text[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < report->taken.n && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : ": ", report->taken.items[i]);
    if (config_refused_files(d->config))
        log_error("configuration reloaded%s; refused: %zu of the files of %s", text, config_refused_files(d->config),
                  d->config->services_dir);
    else
        log_notice("configuration reloaded%s", text);
}

static void services_taken(void *arg);

static void take(struct daemon *d, struct reload *r)
{
    if (bus_set_access(d->bus, r->access))
        reload_report_add(&r->report.taken, "what the files of nats.* say");
    r->access = NULL;
    config_changes(d->config, r->config, on_change, &r->report);
    if (config_list_equal(d->config, r->config, "regions"))
        regions_set_access(d->regions, r->region_access);
    discard_region_accesses(r);
    config_reload(d->config, r->config);
    checking_limits_changed(services_checking(d->services));
    log_set_level(d->config->log.level);
    api_set_access(d->api, &r->rule);
    r->rule.policy = NULL;
    host_address_look_soon(d->host_address);
    services_set(d->services, &r->report, services_taken, d);
}

/* --- 4 --- */

static void begin(struct daemon *d);

static void end(void *arg)
{
    struct daemon *d = arg;
    struct reload *r = &d->reload;
    sd_notify(0, "READY=1");
    if (d->api)
        api_reloaded(d->api, r->number, &r->report);
    reload_report_fini(&r->report);
    r->running = false;
    if (r->asked > r->number)
        begin(d);
    daemon_turn_soon(d);
}

/* --- 3: on a thread again --- */

static void store_files(void *arg)
{
    struct daemon *d = arg;
    services_store(d->reload.in_force);
    config_free(d->reload.config); /* as it was before: when that is large, this takes its time too */
    d->reload.config = NULL;
}

static void services_taken(void *arg)
{
    struct daemon *d = arg;
    d->reload.in_force = d->config;
    name_files(d->config, &d->reload.report);
    log_taken(d, &d->reload.report);
    background_run(&d->reload.background, store_files, end, d);
}

/* --- 1, its end --- */

static void files_read(void *arg)
{
    struct daemon *d = arg;
    struct reload *r = &d->reload;
    if (r->good) {
        take(d, r);
    } else {
        reload_report_refuse(&r->report, "the configuration is not reloaded: it goes on as it was");
        discard(r);
        end(d);
    }
    daemon_turn_soon(d);
}

static void begin(struct daemon *d)
{
    struct reload *r = &d->reload;
    r->running = true;
    r->good = false;
    r->number = r->asked;
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_now_ns() / NS_PER_US));
    background_run(&d->reload.background, read_files, files_read, d);
}

uint64_t daemon_reload(void *arg)
{
    struct daemon *d = arg;
    struct reload *r = &d->reload;
    r->asked++;
    if (!r->running)
        begin(d);
    return r->asked;
}

int reload_start(struct daemon *d)
{
    d->reload.path = d->config_path;
    return background_init(&d->reload.background, d->base);
}

void reload_stop(struct daemon *d)
{
    background_fini(&d->reload.background);
    discard(&d->reload);
    reload_report_fini(&d->reload.report);
}

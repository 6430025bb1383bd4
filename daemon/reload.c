/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the configuration anew, while everything runs, and tells what became of it. */
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "daemon/registry/configured.h"
#include "daemon/registry/reload_report.h"
#include "libdiscover/core/clock.h"

#define LINE_CAP 512

static void on_config_error(void *arg, const char *message)
{
    reload_report_refuse(arg, "%s", message);
}

static void on_change(void *arg, const char *key, bool reloadable)
{
    struct reload_report *report = arg;
    reload_report_add(reloadable ? &report->taken : &report->restart, key);
    if (!reloadable)
        log_warning("%s has changed; it takes effect with the next start", key);
}

#define EXCHANGE(a, b)                                                                                                 \
    do {                                                                                                               \
        __typeof__(a) kept = (a);                                                                                      \
        (a) = (b);                                                                                                     \
        (b) = kept;                                                                                                    \
    } while (0)

/* What takes effect only at a start stays what it is: others may hold pointers to it. */
static void exchange_reloadable(struct config *c, struct config *fresh)
{
    EXCHANGE(c->log.level, fresh->log.level);
    EXCHANGE(c->registry.on_stop, fresh->registry.on_stop);
    EXCHANGE(c->limits.host_changes, fresh->limits.host_changes);
    EXCHANGE(c->api.register_group, fresh->api.register_group);
    EXCHANGE(c->address, fresh->address);
    EXCHANGE(c->allow_loopback, fresh->allow_loopback);
    EXCHANGE(c->services_dir, fresh->services_dir);
    EXCHANGE(c->services, fresh->services);
    EXCHANGE(c->n_services, fresh->n_services);
    EXCHANGE(c->service_files, fresh->service_files);
    EXCHANGE(c->n_service_files, fresh->n_service_files);
    EXCHANGE(c->nats.servers, fresh->nats.servers);
    EXCHANGE(c->nats.credentials, fresh->nats.credentials);
    EXCHANGE(c->nats.nkey_seed, fresh->nats.nkey_seed);
    EXCHANGE(c->nats.user, fresh->nats.user);
    EXCHANGE(c->nats.password_file, fresh->nats.password_file);
    EXCHANGE(c->nats.tls, fresh->nats.tls);
}

/* The connection by what the files say now. False: they cannot be used. */
static bool take_access(struct daemon *d, const struct config *fresh, struct reload_report *report)
{
    char why[BUS_WHY_CAP];
    bool changed;
    struct bus_options options;
    configured_bus_options(fresh, false, &options);
    if (bus_set_access(d->bus, &options, &changed, why) < 0) {
        reload_report_refuse(report, "%s", why);
        return false;
    }
    if (changed)
        reload_report_add(&report->taken, "what the files of nats.* say");
    return true;
}

static void name_files(const struct config *c, struct reload_report *report)
{
    char text[LINE_CAP];
    for (size_t i = 0; i < c->n_service_files; i++) {
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
        log_error("configuration reloaded, but for %zu files of %s%s", config_refused_files(d->config),
                  d->config->services_dir, text);
    else
        log_notice("configuration reloaded%s", text);
}

static void take(struct daemon *d, struct config *fresh, struct reload_report *report)
{
    config_changes(d->config, fresh, on_change, report);
    exchange_reloadable(d->config, fresh);
    log_set_level(d->config->log.level);
    api_set_group(d->api, d->config->api.register_group);
    host_address_look(d->host_address);
    services_set(d->services, report);
    name_files(d->config, report);
    log_taken(d, report);
}

void daemon_reload(struct daemon *d, struct reload_report *report)
{
    struct config *fresh = NULL;
    if (!d->config_path) {
        reload_report_refuse(report, "there is no configuration file: this is a daemon of --dev");
        return;
    }
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_now_ns() / NS_PER_US));
    bool good = config_load(d->config_path, on_config_error, report, &fresh) == 0 && take_access(d, fresh, report);
    if (good)
        take(d, fresh, report);
    else
        reload_report_refuse(report, "the configuration is not reloaded: it goes on as it was");
    if (fresh)
        config_free(fresh);
    sd_notify(0, "READY=1");
    daemon_turn(d);
}

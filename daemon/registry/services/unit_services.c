/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the services of systemd units while these are active. */
#include "daemon/registry/services/unit_services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/background.h"
#include "daemon/base/hash.h"
#include "daemon/base/log.h"
#include "daemon/base/string_list.h"
#include "daemon/check/pid.h"
#include "daemon/config/x_discover.h"
#include "daemon/units/unit_files.h"
#include "daemon/units/unit_template.h"
#include "libdiscover/core/clock.h"

/* A unit for which services are registered here. */
struct followed {
    UT_hash_handle hh;
    struct unit_services *owner;
    char name[UNIT_NAME_CAP];
    struct unit_watch *watch;
    enum unit_state state; /* as the services were last set */
    pid_t main_pid;        /* the process that is watched; 0: none */
    pid_t dead_pid;        /* a main process that died, which systemd has not reported yet */
    bool wanted;           /* a service still names the unit */
};

/* Input and output of a reading of unit files on a thread. */
struct reading {
    struct string_list folders, instances;
    struct unit_files files;
    int err;
};

struct unit_services {
    struct unit_services_reach reach;
    struct pids *pids;
    struct followed *all;
    struct service_config *found; /* services that sections [X-Discover] name */
    size_t n_found;

    struct background background;
    struct reading reading;
    struct string_list folders, instances; /* as systemd said last */
    struct string_list templates;          /* templates that have services, as last read */
    struct string_list wrong;              /* what was wrong in the files, as last read */
    bool reading_now, again;
    struct unit_services_metrics {
        metric_value registered, refused, deaths;
    } metrics;
};

static const struct metric metrics_table[] = {
    GAUGE_OF(unit_services_metrics, registered, "discoverd_unit_services",
             "Services that sections [X-Discover] of units name."),
    GAUGE_OF(unit_services_metrics, refused, "discoverd_unit_files_refused",
             "Files of units whose sections [X-Discover] are wrong; the log names them."),
    COUNTER_OF(unit_services_metrics, deaths, "discoverd_unit_deaths_total",
               "Main processes of units whose death was known before systemd reported it."),
};
METRICS_LISTED(metrics_table)

/* --- one unit's services --- */

/* Those of the configuration, then those that units name; NULL: there are no more. */
static const struct service_config *service_at(const struct unit_services *s, size_t i)
{
    const struct config *c = s->reach.config;
    if (i < c->n_services)
        return &c->services[i];
    return i - c->n_services < s->n_found ? &s->found[i - c->n_services] : NULL;
}

static void set_one(const struct followed *f, const struct service_config *service)
{
    const struct unit_services *s = f->owner;
    if (f->state == UNIT_UP || f->state == UNIT_STOPPING)
        services_put(s->reach.services, service, f->state == UNIT_UP ? DISCOVER_PASSING : DISCOVER_DRAINING);
    else if (f->state != UNIT_UNKNOWN)
        services_end(s->reach.services, &service->key);
}

static void set_services(const struct followed *f)
{
    const struct service_config *service;
    for (size_t i = 0; (service = service_at(f->owner, i)); i++)
        if (strcmp(service->unit, f->name) == 0)
            set_one(f, service);
}

static void apply(struct followed *f)
{
    set_services(f);
    f->owner->reach.turn(f->owner->reach.arg);
}

static void watch_main(struct followed *f, pid_t pid)
{
    struct unit_services *s = f->owner;
    uint64_t start = 0;
    if (pid == f->main_pid)
        return;
    if (f->main_pid)
        pids_unwatch(s->pids, f->main_pid);
    f->main_pid = 0;
    if (pid == 0)
        return;
    int err = pids_watch(s->pids, pid, &start);
    if (err == 0)
        f->main_pid = pid;
    else if (err == -ESRCH)
        f->dead_pid = pid;
}

static void set_state(struct followed *f, enum unit_state state)
{
    if (state == f->state)
        return;
    f->state = state;
    apply(f);
    log_info("unit %s: %s", f->name, unit_state_word(state));
}

static void on_state(void *arg, enum unit_state state, pid_t pid)
{
    struct followed *f = arg;
    watch_main(f, state == UNIT_UP || state == UNIT_STOPPING ? pid : 0);
    if (!pid || pid != f->dead_pid)
        f->dead_pid = 0;
    set_state(f, f->dead_pid ? UNIT_GONE : state);
}

static void on_death(void *arg, pid_t pid)
{
    struct unit_services *s = arg;
    for (struct followed *f = s->all; f; f = f->hh.next) {
        if (f->main_pid != pid)
            continue;
        f->main_pid = 0;
        f->dead_pid = pid;
        metric_inc(&s->metrics.deaths);
        set_state(f, UNIT_GONE);
    }
}

/* --- which units --- */

static void end_one(struct followed *f)
{
    struct unit_services *s = f->owner;
    units_unwatch(f->watch);
    if (f->main_pid)
        pids_unwatch(s->pids, f->main_pid);
    HASH_DEL(s->all, f);
    free(f);
}

static void follow(struct unit_services *s, const char *name)
{
    struct followed *f;
    HASH_FIND_STR(s->all, name, f);
    if (f) {
        f->wanted = true;
        return;
    }
    f = calloc(1, sizeof *f);
    if (!f)
        return;
    f->owner = s;
    f->wanted = true;
    snprintf(f->name, sizeof f->name, "%s", name);
    HASH_ADD_STR(s->all, name, f);
    if (!hash_added(&f->hh)) {
        free(f);
        return;
    }
    if (units_watch(s->reach.units, name, on_state, f, &f->watch) < 0)
        end_one(f); /* no memory: tried again at the next reload */
}

static void follow_wanted(struct unit_services *s)
{
    const struct service_config *service;
    struct followed *f, *next;
    for (f = s->all; f; f = f->hh.next)
        f->wanted = false;
    for (size_t i = 0; (service = service_at(s, i)); i++)
        if (service->unit[0])
            follow(s, service->unit);
    HASH_ITER(hh, s->all, f, next)
    if (!f->wanted)
        end_one(f);
}

/* --- files of units --- */

static int replace(struct string_list *list, const char *const *items, size_t n)
{
    string_list_fini(list);
    for (size_t i = 0; i < n; i++)
        if (string_list_add(list, items[i]) < 0)
            return -ENOMEM;
    return 0;
}

static void read_files(void *arg)
{
    struct unit_services *s = arg; /* the thread touches s->reading alone */
    s->reading.err = unit_files_read((const char *const *)s->reading.folders.items, s->reading.folders.n,
                                     &s->reading.instances, &s->reading.files);
}

static void note(void *arg, const char *message)
{
    (void)!string_list_add(arg, message);
}

/* Files are read again for each new instance of a template: a mistake is logged only when it was not there before. */
static void log_mistakes(struct unit_services *s, struct string_list *wrong)
{
    for (size_t i = 0; i < wrong->n; i++)
        if (!string_list_has(&s->wrong, wrong->items[i]))
            log_error("%s", wrong->items[i]);
    string_list_fini(&s->wrong);
    s->wrong = *wrong;
}

static bool has(const struct service_config *services, size_t n, const struct instance_key *key)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&services[i].key, key, sizeof *key) == 0)
            return true;
    return false;
}

/* Drops services that the configuration has as well: these come first. Returns how many are left. */
static size_t without_configured(const struct unit_services *s, struct service_config *found, size_t n)
{
    const struct config *c = s->reach.config;
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (!has(c->services, c->n_services, &found[i].key)) {
            found[left++] = found[i];
            continue;
        }
        log_error("unit %s: %s/%s, instance %s, is in the configuration already", found[i].unit, found[i].key.domain,
                  found[i].key.service, found[i].key.instance);
        string_list_fini(&found[i].checks);
    }
    return left;
}

/* Ends services that no file names any more, and registers new ones in the state of their unit. */
static void exchange(struct unit_services *s, struct service_config *found, size_t n)
{
    struct service_config *before = s->found;
    size_t n_before = s->n_found;
    s->found = found;
    s->n_found = n;
    for (size_t i = 0; i < n_before; i++)
        if (!has(found, n, &before[i].key))
            services_end(s->reach.services, &before[i].key);
    service_configs_free(before, n_before);
    follow_wanted(s);
    for (struct followed *f = s->all; f; f = f->hh.next)
        apply(f);
}

static void take_files(struct unit_services *s)
{
    const struct unit_files *files = &s->reading.files;
    struct service_config *found;
    struct string_list wrong = {NULL, 0};
    size_t n, refused;
    struct x_discover_file *views = calloc(files->n + 1, sizeof *views);
    if (!views)
        return;
    for (size_t i = 0; i < files->n; i++)
        views[i] = (struct x_discover_file){files->items[i].unit, files->items[i].path, files->items[i].text};
    if (x_discover_read(s->reach.config, views, files->n, note, &wrong, &found, &n, &refused) == 0) {
        n = without_configured(s, found, n);
        metric_set(&s->metrics.registered, n);
        metric_set(&s->metrics.refused, refused);
        exchange(s, found, n);
    }
    log_mistakes(s, &wrong);
    (void)replace(&s->templates, (const char *const *)files->templates.items, files->templates.n);
    free(views);
}

static void begin_reading(struct unit_services *s);

static void on_read(void *arg)
{
    struct unit_services *s = arg;
    s->reading_now = false;
    if (!s->reading.err)
        take_files(s);
    unit_files_fini(&s->reading.files);
    string_list_fini(&s->reading.folders);
    string_list_fini(&s->reading.instances);
    if (s->again)
        begin_reading(s);
}

static void begin_reading(struct unit_services *s)
{
    s->again = s->reading_now;
    if (s->reading_now || !s->reach.config->systemd.units)
        return;
    if (replace(&s->reading.folders, (const char *const *)s->folders.items, s->folders.n) < 0 ||
        replace(&s->reading.instances, (const char *const *)s->instances.items, s->instances.n) < 0)
        return;
    s->reading_now = true;
    background_run(&s->background, read_files, on_read, s);
}

static void on_folders(void *arg, const char *const *folders, size_t n)
{
    struct unit_services *s = arg;
    if (replace(&s->folders, folders, n) == 0)
        begin_reading(s);
}

static bool of_templates(const struct string_list *templates, const char *unit)
{
    for (size_t i = 0; i < templates->n; i++)
        if (unit_is_instance_of(unit, templates->items[i]))
            return true;
    return false;
}

/* Whether `units` has an instance of a template with services that `than` does not have. Both are sorted. */
static bool has_others(const struct unit_services *s, const char *const *units, size_t n,
                       const struct string_list *than)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        while (k < than->n && strcmp(than->items[k], units[i]) < 0)
            k++;
        bool known = k < than->n && strcmp(than->items[k], units[i]) == 0;
        if (!known && of_templates(&s->templates, units[i]))
            return true;
    }
    return false;
}

/* Most instances that come and go have no section [X-Discover]: the files are not read again for those. */
static void on_instances(void *arg, const char *const *units, size_t n)
{
    struct unit_services *s = arg;
    struct string_list before = s->instances;
    s->instances = (struct string_list){NULL, 0};
    int err = replace(&s->instances, units, n);
    bool other =
        has_others(s, units, n, &before) || has_others(s, (const char *const *)before.items, before.n, &s->instances);
    string_list_fini(&before);
    if (!err && s->folders.n && (other || s->reading_now))
        begin_reading(s);
}

/* --- life --- */

void unit_services_set(struct unit_services *s)
{
    follow_wanted(s);
    for (struct followed *f = s->all; f; f = f->hh.next)
        set_services(f);
    begin_reading(s);
}

int unit_services_new(const struct unit_services_reach *reach, struct unit_services **ret_s)
{
    struct unit_services *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->reach = *reach;
    s->background.done_fd = -1;
    int err = background_init(&s->background, reach->base);
    if (!err)
        err = pids_new(reach->base, on_death, s, &s->pids);
    if (!err)
        err = metrics_add(reach->metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &s->metrics);
    if (!err && reach->config->systemd.units)
        err = units_follow_files(reach->units,
                                 &(struct units_ops){.arg = s, .folders = on_folders, .instances = on_instances});
    if (err)
        unit_services_free(s);
    else
        *ret_s = s;
    return err;
}

void unit_services_free(struct unit_services *s)
{
    if (!s)
        return;
    background_fini(&s->background);
    while (s->all)
        end_one(s->all);
    pids_free(s->pids);
    unit_files_fini(&s->reading.files);
    string_list_fini(&s->reading.folders);
    string_list_fini(&s->reading.instances);
    string_list_fini(&s->folders);
    string_list_fini(&s->instances);
    string_list_fini(&s->templates);
    string_list_fini(&s->wrong);
    service_configs_free(s->found, s->n_found);
    free(s);
}

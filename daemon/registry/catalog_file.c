/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and loads <state_dir>/catalog.snap. */
#include "daemon/registry/catalog_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/background.h"
#include "daemon/base/log.h"
#include "daemon/catalog/catalog_format.h"
#include "libdiscover/core/clock.h"

/* At most one file in this time, however much changes: a registry of 200,000 instances is 30 MB. */
#define INTERVAL_NS (30 * NS_PER_S)
#define HURRY_NS    NS_PER_S /* the same for what must not be lost */

struct catalog_file {
    char path[4096], region[LABEL_CAP];
    struct catalog_file_counters {
        metric_value written, failed, refused;
    } counters;
    uint32_t serial; /* of the table when it was last written */
    bool written;
    int64_t begun_ns; /* when the last file was begun */
    bool hurry;
    struct background background;
    int64_t true_ms;    /* wall clock: when what is written was true */
    int result;         /* of writing it */
    struct table table; /* the thread's own mapping */
    bool failing;       /* that the file cannot be written was logged */
};

static const struct metric catalog_file_metrics[] = {
    COUNTER_OF(catalog_file_counters, written, "discoverd_snapshot_file_writes_total{result=\"stored\"}",
               "Times catalog.snap was to be written."),
    COUNTER_OF(catalog_file_counters, failed, "discoverd_snapshot_file_writes_total{result=\"failed\"}", NULL),
    COUNTER_OF(catalog_file_counters, refused, "discoverd_snapshot_files_refused_total",
               "Damaged files that were set aside."),
};
METRICS_LISTED(catalog_file_metrics)

int catalog_file_new(struct event_base *base, const char *state_dir, const char *region, struct metrics *metrics,
                     struct catalog_file **ret_f)
{
    struct catalog_file *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    int err = background_init(&f->background, base);
    snprintf(f->region, sizeof f->region, "%s", region);
    const char *sign = *region ? "@" : "";
    if (!err &&
        snprintf(f->path, sizeof f->path, "%s/catalog%s%s.snap", state_dir, sign, region) >= (int)sizeof f->path - 8)
        err = -ENAMETOOLONG;
    if (!err)
        err = metrics_add(metrics, catalog_file_metrics, sizeof catalog_file_metrics / sizeof *catalog_file_metrics,
                          &f->counters);
    if (err)
        catalog_file_free(f);
    else
        *ret_f = f;
    return err;
}

static void set_aside(struct catalog_file *f)
{
    char bad[sizeof f->path + 4];
    snprintf(bad, sizeof bad, "%s.bad", f->path);
    metric_inc(&f->counters.refused);
    if (rename(f->path, bad) < 0)
        log_warning("%s: damaged, and it cannot be set aside: %s", f->path, strerror(errno));
    else
        log_warning("%s: damaged or not a catalog of this version; set aside as %s", f->path, bad);
}

bool catalog_file_load(struct catalog_file *f, struct catalog *c, int64_t now_ns, int64_t *ret_since_ns)
{
    int64_t written_ms;
    int err = catalog_format_load(c, f->path, now_ns, &written_ms);
    if (err == -EBADMSG)
        set_aside(f);
    else if (err && err != -ENOENT)
        log_warning("%s: %s", f->path, strerror(-err));
    if (err)
        return false;
    int64_t age_ms = clock_wall_ms() - written_ms;
    if (age_ms < 0) /* the clock was set back: the file's age is not known, but it is older than now */
        age_ms = 0;
    *ret_since_ns = now_ns - age_ms * NS_PER_MS;
    log_notice("%s: %zu instances as of %lld s ago, served as stale until NATS has been heard", f->path,
               catalog_counts(c).instances, (long long)(age_ms / 1000));
    return true;
}

static void report(void *arg)
{
    struct catalog_file *f = arg;
    metric_inc(f->result ? &f->counters.failed : &f->counters.written);
    if (f->result && !f->failing)
        log_warning("%s cannot be written: %s; the old one stays", f->path, strerror(-f->result));
    else if (!f->result && f->failing)
        log_notice("%s is written again", f->path);
    f->failing = f->result != 0;
    f->written = f->written && !f->result;
}

static void write_file(void *arg)
{
    struct catalog_file *f = arg;
    f->result = catalog_format_write(&f->table, f->region, f->path, f->true_ms);
    table_unmap(&f->table); /* on this thread: unmapping a large table takes milliseconds */
}

static bool changed(const struct catalog_file *f, const struct table_writer *table)
{
    return !f->written || table_serial(table_writer_table(table)) != f->serial;
}

void catalog_file_own(const struct catalog_file *f, const char *host, catalog_format_own_fn *fn, void *arg)
{
    (void)catalog_format_own(f->path, host, fn, arg); /* a damaged file was logged when it was loaded */
}

/*
 * now_ns counts on while the machine is suspended, as the wall clock does, so the difference holds across a suspension.
 */
static int64_t true_ms(int64_t true_ns, int64_t now_ns)
{
    return clock_wall_ms() - (now_ns - true_ns) / NS_PER_MS;
}

static bool is_due(const struct catalog_file *f, int64_t now_ns)
{
    return f->begun_ns == 0 || now_ns - f->begun_ns >= (f->hurry ? HURRY_NS : INTERVAL_NS);
}

void catalog_file_hurry(struct catalog_file *f)
{
    f->hurry = true;
}

void catalog_file_write(struct catalog_file *f, const struct table_writer *table, int64_t true_ns, int64_t now_ns)
{
    if (f->background.busy || !is_due(f, now_ns) || !changed(f, table))
        return;
    f->serial = table_serial(table_writer_table(table));
    f->written = true;
    f->hurry = false;
    f->begun_ns = now_ns;
    f->true_ms = true_ms(true_ns, now_ns);
    /* a mapping of the thread's own, as the table's writer may move to another segment meanwhile */
    if (table_map(table_writer_fd(table), &f->table) == 0)
        background_run(&f->background, write_file, report, f);
}

void catalog_file_write_now(struct catalog_file *f, const struct table_writer *table, int64_t true_ns)
{
    background_finish(&f->background);
    if (!changed(f, table))
        return;
    f->result = catalog_format_write(table_writer_table(table), f->region, f->path, true_ms(true_ns, clock_now_ns()));
    report(f);
}

void catalog_file_free(struct catalog_file *f)
{
    if (!f)
        return;
    background_finish(&f->background);
    background_fini(&f->background);
    free(f);
}

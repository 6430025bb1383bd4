/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and loads <state_dir>/catalog.snap. */
#include "daemon/registry/catalog_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/thread.h"
#include "daemon/catalog/catalog_format.h"
#include "libdiscover/core/clock.h"

/* At most one file in this time, however much changes: a registry of 200,000 instances is 30 MB. */
#define INTERVAL_NS (30 * NS_PER_S)
#define HURRY_NS    NS_PER_S /* the same for what must not be lost */

struct catalog_file_counters {
    metric_value written, failed, refused;
};

struct catalog_file {
    char path[4096], region[LABEL_CAP];
    struct catalog_file_counters counters;
    uint32_t serial; /* of the table when it was last written */
    bool written;
    int64_t begun_ns; /* when the last one was begun */
    bool hurry;
    int64_t true_ms; /* wall clock: when what the thread writes was true */
    bool running;    /* the thread is to be joined */
    pthread_t thread;
    atomic_bool done;
    int result;         /* of the thread; read after done */
    struct table table; /* the thread's own mapping */
    bool failing;       /* said in the log once */
};

static const struct metric catalog_file_metrics[] = {
    COUNTER_OF(catalog_file_counters, written, "discoverd_snapshot_file_writes_total{result=\"stored\"}",
               "Times catalog.snap was to be written."),
    COUNTER_OF(catalog_file_counters, failed, "discoverd_snapshot_file_writes_total{result=\"failed\"}", NULL),
    COUNTER_OF(catalog_file_counters, refused, "discoverd_snapshot_files_refused_total",
               "Damaged files that were set aside."),
};
METRICS_LISTED(catalog_file_metrics)

int catalog_file_new(const char *state_dir, const char *region, struct metrics *metrics, struct catalog_file **ret_keep)
{
    struct catalog_file *k = calloc(1, sizeof *k);
    if (!k)
        return -ENOMEM;
    int err = 0;
    snprintf(k->region, sizeof k->region, "%s", region);
    const char *sign = *region ? "@" : "";
    if (snprintf(k->path, sizeof k->path, "%s/catalog%s%s.snap", state_dir, sign, region) >= (int)sizeof k->path - 8)
        err = -ENAMETOOLONG;
    if (!err)
        err = metrics_add(metrics, catalog_file_metrics, sizeof catalog_file_metrics / sizeof *catalog_file_metrics,
                          &k->counters);
    if (err)
        free(k);
    else
        *ret_keep = k;
    return err;
}

static void set_aside(struct catalog_file *k)
{
    char bad[sizeof k->path + 4];
    snprintf(bad, sizeof bad, "%s.bad", k->path);
    metric_inc(&k->counters.refused);
    if (rename(k->path, bad) < 0)
        log_warning("%s: damaged, and it cannot be set aside: %s", k->path, strerror(errno));
    else
        log_warning("%s: damaged or not a catalog of this version; set aside as %s", k->path, bad);
}

bool catalog_file_load(struct catalog_file *k, struct catalog *c, int64_t now_ns, int64_t *ret_since_ns)
{
    int64_t written_ms;
    int err = catalog_format_load(c, k->path, now_ns, &written_ms);
    if (err == -EBADMSG)
        set_aside(k);
    else if (err && err != -ENOENT)
        log_warning("%s: %s", k->path, strerror(-err));
    if (err)
        return false;
    int64_t age_ms = clock_wall_ms() - written_ms;
    if (age_ms < 0) /* the clock was set back: how old it is, nobody knows, but older than now */
        age_ms = 0;
    *ret_since_ns = now_ns - age_ms * NS_PER_MS;
    log_notice("%s: %zu instances as of %lld s ago, served as stale until NATS has been heard", k->path,
               catalog_counts(c).instances, (long long)(age_ms / 1000));
    return true;
}

static void report(struct catalog_file *k)
{
    metric_inc(k->result ? &k->counters.failed : &k->counters.written);
    if (k->result && !k->failing)
        log_warning("%s cannot be written: %s; the old one stays", k->path, strerror(-k->result));
    else if (!k->result && k->failing)
        log_notice("%s is written again", k->path);
    k->failing = k->result != 0;
    k->written = k->written && !k->result;
}

static void *write_file(void *arg)
{
    struct catalog_file *k = arg;
    k->result = catalog_format_write(&k->table, k->region, k->path, k->true_ms);
    table_unmap(&k->table); /* here: of a large table it takes milliseconds */
    atomic_store_explicit(&k->done, true, memory_order_release);
    return NULL;
}

static void finish(struct catalog_file *k)
{
    if (!k->running)
        return;
    pthread_join(k->thread, NULL);
    k->running = false;
    report(k);
}

/* Its own mapping: the writer may move to another segment meanwhile. Signals stay the main thread's. */
static void start(struct catalog_file *k, const struct table_writer *table)
{
    if (table_map(table_writer_fd(table), &k->table) < 0)
        return;
    sigset_t before;
    thread_block_signals(&before);
    atomic_store(&k->done, false);
    k->running = pthread_create(&k->thread, NULL, write_file, k) == 0;
    thread_restore_signals(&before);
    if (!k->running)
        table_unmap(&k->table);
}

static bool changed(const struct catalog_file *k, const struct table_writer *table)
{
    return !k->written || table_serial(table_writer_table(table)) != k->serial;
}

void catalog_file_own(const struct catalog_file *k, const char *host, catalog_format_own_fn *fn, void *arg)
{
    (void)catalog_format_own(k->path, host, fn, arg); /* what is wrong with it was said when it was loaded */
}

/* The clock goes on over a suspension, as the wall clock does. */
static int64_t true_ms(int64_t true_ns, int64_t now_ns)
{
    return clock_wall_ms() - (now_ns - true_ns) / NS_PER_MS;
}

static bool is_due(const struct catalog_file *k, int64_t now_ns)
{
    return k->begun_ns == 0 || now_ns - k->begun_ns >= (k->hurry ? HURRY_NS : INTERVAL_NS);
}

void catalog_file_hurry(struct catalog_file *k)
{
    k->hurry = true;
}

void catalog_file_write(struct catalog_file *k, const struct table_writer *table, int64_t true_ns, int64_t now_ns)
{
    if (k->running && atomic_load_explicit(&k->done, memory_order_acquire))
        finish(k);
    if (k->running || !is_due(k, now_ns) || !changed(k, table))
        return;
    k->serial = table_serial(table_writer_table(table));
    k->written = true;
    k->hurry = false;
    k->begun_ns = now_ns;
    k->true_ms = true_ms(true_ns, now_ns);
    start(k, table);
}

void catalog_file_write_now(struct catalog_file *k, const struct table_writer *table, int64_t true_ns)
{
    finish(k);
    if (!changed(k, table))
        return;
    k->result = catalog_format_write(table_writer_table(table), k->region, k->path, true_ms(true_ns, clock_now_ns()));
    report(k);
}

void catalog_file_free(struct catalog_file *k)
{
    if (!k)
        return;
    finish(k);
    free(k);
}

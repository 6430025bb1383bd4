/* SPDX-License-Identifier: Apache-2.0 */
/* The SOA serial over restarts: taken from a store of numbers that is refilled on disk before it runs out. */
#include "daemon/registry/soa_serial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/file.h"
#include "daemon/base/log.h"

#define FILE_NAME "serial"
#define FILE_MAX  32

/* More numbers than there can be changes while the disk is waited for. */
#define STORE_LEAST UINT32_C(100000)
#define STORE_FULL  (2 * STORE_LEAST)

static uint32_t present(const struct soa_serial *s)
{
    return table_serial(table_writer_table(s->table));
}

/* Runs on a thread of its own: a disk may take longer than the loop may be blocked. */
static void store(void *arg)
{
    struct soa_serial *s = arg;
    char text[FILE_MAX];
    int n = snprintf(text, sizeof text, "%u\n", s->storing);
    s->err = state_dir_store(s->state_dir, FILE_NAME, (const uint8_t *)text, (size_t)n);
}

static void stored(void *arg)
{
    struct soa_serial *s = arg;
    if (s->err && !s->failed)
        log_warning("%s/" FILE_NAME ": %s; the serial of the zones may go back after a restart", s->path,
                    strerror(-s->err));
    s->failed = s->err != 0;
    if (!s->err)
        s->reserved = s->storing;
}

/*
 * Without a file, or with a damaged one, the serial begins at the clock's seconds, which are ahead of any number that
 * was counted.
 */
int soa_serial_init(struct soa_serial *s, struct event_base *base, struct state_dir *state_dir, const char *dir,
                    struct table_writer *table)
{
    char path[4096], *text, *end;
    size_t n;
    *s = (struct soa_serial){.state_dir = state_dir, .table = table, .path = dir};
    table_writer_advance_serial(table, (uint32_t)time(NULL));
    snprintf(path, sizeof path, "%s/" FILE_NAME, dir);
    if (file_read(path, FILE_MAX, &text, &n) == 0) {
        unsigned long read = strtoul(text, &end, 10);
        if (end != text && read <= UINT32_MAX)
            table_writer_advance_serial(table, (uint32_t)read);
        free(text);
    }
    s->storing = present(s) + STORE_FULL;
    store(s);
    stored(s);
    return background_init(&s->background, base);
}

void soa_serial_fini(struct soa_serial *s)
{
    background_fini(&s->background);
}

void soa_serial_second(struct soa_serial *s)
{
    if (s->background.busy || (int32_t)(s->reserved - present(s)) >= (int32_t)STORE_LEAST)
        return;
    s->storing = present(s) + STORE_FULL;
    background_run(&s->background, store, stored, s);
}

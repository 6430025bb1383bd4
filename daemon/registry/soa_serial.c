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

/* More than there can be changes in a second, between two looks. */
#define STORE_LEAST UINT32_C(50000)
#define STORE_FULL  (2 * STORE_LEAST)

static uint32_t present(const struct soa_serial *s)
{
    return table_serial(table_writer_table(s->table));
}

static void reserve(struct soa_serial *s)
{
    char text[FILE_MAX];
    uint32_t end = present(s) + STORE_FULL;
    int n = snprintf(text, sizeof text, "%u\n", end);
    int err = state_dir_store(s->state_dir, FILE_NAME, (const uint8_t *)text, (size_t)n);
    if (err && !s->failed)
        log_warning("%s/" FILE_NAME ": %s; the serial of the zones may go back after a restart", s->path,
                    strerror(-err));
    s->failed = err != 0;
    if (!err)
        s->reserved = end;
}

/* Without a file, or with one that makes no sense: from the clock, which is ahead of any number that was counted. */
void soa_serial_init(struct soa_serial *s, struct state_dir *state_dir, const char *dir, struct table_writer *table)
{
    char path[4096], *text, *end;
    size_t n;
    *s = (struct soa_serial){.state_dir = state_dir, .table = table, .path = dir};
    table_writer_advance_serial(table, (uint32_t)time(NULL));
    snprintf(path, sizeof path, "%s/" FILE_NAME, dir);
    if (file_read(path, FILE_MAX, &text, &n) == 0) {
        unsigned long stored = strtoul(text, &end, 10);
        if (end != text && stored <= UINT32_MAX)
            table_writer_advance_serial(table, (uint32_t)stored);
        free(text);
    }
    reserve(s);
}

void soa_serial_second(struct soa_serial *s)
{
    if ((int32_t)(s->reserved - present(s)) < (int32_t)STORE_LEAST)
        reserve(s);
}

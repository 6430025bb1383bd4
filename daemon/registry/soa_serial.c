/* SPDX-License-Identifier: Apache-2.0 */
/* The SOA serial over restarts: taken from a store of numbers that is refilled on disk before it runs out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/file.h"
#include "daemon/base/log.h"
#include "daemon/daemon.h"

#define FILE_NAME "serial"
#define FILE_MAX  32

/* More than there can be changes in a second, between two looks. */
#define STORE_LEAST UINT32_C(50000)
#define STORE_FULL  (2 * STORE_LEAST)

static uint32_t present(const struct daemon *d)
{
    return table_serial(table_writer_table(catalog_table(d->catalog)));
}

static void reserve(struct daemon *d)
{
    char text[FILE_MAX];
    uint32_t end = present(d) + STORE_FULL;
    int n = snprintf(text, sizeof text, "%u\n", end);
    int err = state_dir_store(d->state_dir, FILE_NAME, (const uint8_t *)text, (size_t)n);
    if (err && !d->serial_failed)
        log_warning("%s/" FILE_NAME ": %s; the serial of the zones may go back after a restart", d->config->state_dir,
                    strerror(-err));
    d->serial_failed = err != 0;
    if (!err)
        d->serial_reserved = end;
}

/* Without a file, or with one that makes no sense: from the clock, which is ahead of any number that was
 * counted. */
void soa_serial_start(struct daemon *d)
{
    struct table_writer *table = catalog_table(d->catalog);
    char path[4096], *text, *end;
    size_t n;
    table_writer_advance_serial(table, (uint32_t)time(NULL));
    snprintf(path, sizeof path, "%s/" FILE_NAME, d->config->state_dir);
    if (file_read(path, FILE_MAX, &text, &n) == 0) {
        unsigned long stored = strtoul(text, &end, 10);
        if (end != text && stored <= UINT32_MAX)
            table_writer_advance_serial(table, (uint32_t)stored);
        free(text);
    }
    reserve(d);
}

void soa_serial_keep(struct daemon *d)
{
    if ((int32_t)(d->serial_reserved - present(d)) < (int32_t)STORE_LEAST)
        reserve(d);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SOA serial over restarts and crashes: it never goes back (RFC 1982 3.2). Each life sets numbers aside for itself on
 * disk, and the next one begins behind them. Main thread only.
 */
#ifndef REGISTRY_SOA_SERIAL_H
#define REGISTRY_SOA_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/agent/state_dir.h"
#include "daemon/base/background.h"
#include "daemon/catalog/table_writer.h"

struct soa_serial {
    struct state_dir *state_dir;
    struct table_writer *table;
    const char *path;             /* of the state directory, for the log */
    struct background background; /* writes the file, off the loop */
    uint32_t reserved;            /* the number on disk: the next life begins there */
    uint32_t storing;             /* the number that is being written */
    int err;                      /* result of the last writing */
    bool failed;                  /* that the file cannot be written was logged */
};

/*
 * Moves the table's serial to where this life begins; blocks on the disk. base, state_dir, path and table stay the
 * caller's. A file that cannot be written is logged, and written again later. -ENOMEM, or a negative errno.
 */
int soa_serial_init(struct soa_serial *s, struct event_base *base, struct state_dir *state_dir, const char *path,
                    struct table_writer *table);

/* Waits for the disk. An s that is all zeros is fine. */
void soa_serial_fini(struct soa_serial *s);

/* Once a second: sets more numbers aside before the last ones are used up. */
void soa_serial_second(struct soa_serial *s);

#endif

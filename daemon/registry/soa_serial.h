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
#include "daemon/catalog/table_writer.h"

struct soa_serial {
    struct state_dir *state_dir;
    struct table_writer *table;
    const char *path;  /* of the state directory, for the log */
    uint32_t reserved; /* as stored: the next life begins there */
    bool failed;       /* said in the log once */
};

/*
 * Moves the table's serial to where this life begins. All three stay the caller's. That nothing can be stored is said in
 * the log, and tried again.
 */
void soa_serial_init(struct soa_serial *s, struct state_dir *state_dir, const char *path, struct table_writer *table);

/* Once a second: sets more numbers aside before the last ones are used up. */
void soa_serial_second(struct soa_serial *s);

#endif

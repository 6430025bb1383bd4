/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers, and what they let us in by: names of files and not their contents, so that each connection is made with
 * what the files say at that time. Belongs to one thread at a time.
 */
#ifndef BUS_ACCESS_H
#define BUS_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/bus/bus.h"

enum bus_access_text {
    ACCESS_CREDENTIALS, /* file */
    ACCESS_NKEY_SEED,   /* file */
    ACCESS_USER,
    ACCESS_PASSWORD, /* file */
    ACCESS_TLS_CA,   /* file */
    ACCESS_TLS_CERT, /* file */
    ACCESS_TLS_KEY,  /* file */
    ACCESS_TEXTS,
};

struct bus_access {
    char **servers;
    size_t n_servers;
    char *texts[ACCESS_TEXTS]; /* "": none */
    uint64_t found;            /* the fingerprint of the files when they were last read; 0: they were not */
};

bool bus_access_same_servers(const struct bus_access *a, const struct bus_access *b);

/*
 * A number that is another one when a name or the content of a file is. Blocks on the disk. What cannot be read counts
 * as empty.
 */
uint64_t bus_access_fingerprint(const struct bus_access *access);

#endif

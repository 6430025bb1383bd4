/* SPDX-License-Identifier: Apache-2.0 */
/* A handle for fuzz targets: everything that talks to the daemon is on, and the daemon is the input. Aborts
 * on failure. */
#ifndef FUZZ_CLIENT_H
#define FUZZ_CLIENT_H

#include "libdiscover/context.h"

struct client {
    struct discover *d;
    struct discover_registration *registration;
    struct discover_picker *picker;
    struct discover_watch *watch;
    struct discover_query *query;
    int daemon;          /* the other end of its connection */
    int begun, reported; /* calls that do not wait, and their completions */
};

/* Connected, greeted if the input need not do that, and with something to wait for of each kind. */
void client_open(struct client *c, bool greeted);
void client_close(struct client *c);

/* What the daemon sends; the first byte carries a table's descriptor along. What is left of it is not read by
 * anybody. */
void client_hear(struct client *c, const uint8_t *bytes, size_t n);

/* Calls that wait for an answer, with no time to wait for it; then look-ups and a turn of the loop. */
void client_call(struct client *c);

/* Look-ups of every kind. */
void client_look_up(struct client *c);

#endif

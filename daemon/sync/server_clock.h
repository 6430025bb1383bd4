/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a NATS server's clock says, as far as it can be known from here: each own message that comes back says when it was
 * put and heard here, and when the server stored it, which is somewhere between. Clocks of different machines are never
 * taken to be the same; those of the servers of one cluster are, within what NTP leaves. Pure; times are arguments.
 */
#ifndef SYNC_SERVER_CLOCK_H
#define SYNC_SERVER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: nothing is known. */
struct server_clock {
    bool known;
    int64_t offset_ns; /* of the server's clock to ours, at most error_ns wrong */
    int64_t error_ns;
    int64_t at_ns; /* when it was measured; error_ns grows from then on, as clocks drift apart */
};

/* put_ns, heard_ns: on our clock; stored_ns: on the server's, since 1970; 0: it did not say. */
void server_clock_heard(struct server_clock *c, int64_t put_ns, int64_t stored_ns, int64_t heard_ns);

/* How long ago that was, which cannot be less than 0; -1: not known. *ret_error_ns: by how much that may be wrong. */
int64_t server_clock_since(const struct server_clock *c, int64_t stored_ns, int64_t now_ns, int64_t *ret_error_ns);

#endif

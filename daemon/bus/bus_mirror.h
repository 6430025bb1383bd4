/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of the own region that mirrors a bucket of another one. Reading it costs the link between them nothing, and it is
 * there when the link is not. Whose it is stands in its description: "of b, made 2026-...", the region and when the bucket that
 * it mirrors was made. For a mirror whose origin was made anew goes on with what it has, mixes the lives, and says nothing of it
 * (all versions of nats-server): such a one is never read. Reader thread; blocks.
 */
#ifndef BUS_MIRROR_H
#define BUS_MIRROR_H

#include "daemon/bus/bus_link.h"
#include "daemon/bus/bus_stream.h"

struct bus_mirror {
    struct bus_stream stream; /* the origin's, under the mirror's own name; no name: there is none */
    char origin[BUS_KEY_MAX + 1];
    char region[64];
    char domain[BUS_KEY_MAX + 1], origin_domain[BUS_KEY_MAX + 1]; /* "": none */
    int64_t keep_ns;
};

/* The connection as what concerns the mirrors goes over it; to be ended. */
struct bus_mirror_session {
    struct bus_session session;
    char api_prefix[BUS_PREFIX_CAP];
};
int bus_mirror_begin(const struct bus_session *session, const struct bus_mirror *mirror,
                     struct bus_mirror_session *ret_local, char ret_reason[static BUS_REASON_CAP]);
void bus_mirror_end(struct bus_mirror_session *local);

/*
 * How it is beside its origin, and what is in it, as of the origin's life. origin: NULL: that does not answer; then it is of
 * the life that it says itself. One that is behind is given a moment.
 */
enum bus_mirror_state bus_mirror_look(const struct bus_mirror_session *local, const struct bus_mirror *mirror,
                                      const struct bus_stream_state *origin, struct bus_stream_state *ret_state);

/*
 * Makes it if there is none; with `anew` also in the place of one of another life, which goes. 0 or a negative errno; ret_text
 * says what was done, or why it was not.
 */
int bus_mirror_make(const struct bus_mirror_session *local, const struct bus_mirror *mirror,
                    const struct bus_stream_state *origin, bool anew, char ret_text[static BUS_REASON_CAP]);

#endif

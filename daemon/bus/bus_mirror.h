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

/* The connection as requests about a mirror use it. */
struct bus_session bus_mirror_session(const struct bus_session *session, const struct bus_mirror *mirror);

/*
 * Compares the mirror with its origin, and reads its state. origin: NULL: the origin does not answer; then the mirror
 * is taken to be of the life that its description names. A mirror that is behind is given a moment to catch up.
 */
enum bus_mirror_state bus_mirror_look(const struct bus_session *local, const struct bus_mirror *mirror,
                                      const struct bus_stream_state *origin, struct bus_stream_state *ret_state);

/*
 * Makes the mirror if there is none; with `anew`, one of another life is deleted first. 0 or a negative errno;
 * ret_text says what was done, or why it was not.
 */
int bus_mirror_make(const struct bus_session *local, const struct bus_mirror *mirror,
                    const struct bus_stream_state *origin, bool anew, char ret_text[static BUS_REASON_CAP]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing connections whose peers have sent descriptors along. Closing the last copy of a descriptor can take as long as
 * whoever made it likes (socket(7), SO_LINGER), and what was not taken off a connection is closed with it. So none is taken
 * but a pidfd, and such connections are closed in batches by a thread that ends with them, which nothing delays; until then
 * each counts as one of its user's. Where threads may not do that (a container that forbids unshare), it takes as long as
 * it takes, and while too many wait nobody else is let in.
 */
#ifndef API_API_CLOSING_H
#define API_API_CLOSING_H

#include <stdbool.h>

struct api;
struct share;
struct event_base;
struct api_closing;

/* -ENOMEM, or a negative errno. */
int api_closing_new(struct event_base *base, struct api *api, struct api_closing **ret_closing);

/* Closing that is under way goes on until the process ends. NULL is fine. */
void api_closing_free(struct api_closing *closing);

/* Whether so many connections wait to be closed that no more may be accepted. */
bool api_closing_is_full(struct api_closing *closing);

/*
 * Closes a copy of a descriptor that is still on its way, on a thread of its own, since some files do something at each
 * close (FUSE). The number of these threads is limited: make no copy when no more are taken.
 */
bool api_closing_takes_copies(const struct api_closing *closing);
void api_close_copy(struct api_closing *closing, int fd);

/*
 * Closes a connection: at once, or, where that may take a while, on a thread. The share is given back when it is
 * closed.
 */
void api_close(struct api_closing *closing, int sock, struct share *share);

#endif

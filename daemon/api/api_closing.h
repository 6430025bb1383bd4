/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing connections whose peers have sent descriptors along. Closing the last copy of a descriptor can take as long as
 * whoever made it likes (socket(7), SO_LINGER; a file of a FUSE file system), and what was not taken off a connection is
 * closed with it. So none is taken but a pidfd, and such a connection is closed by a thread of its own; until then it
 * counts as one of its user's. There is a limit to the threads, and to the connections that wait for one; at that nobody
 * else is let in before some are closed: it is all that keeps who is turned away from using up what there is.
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

/* What is being closed goes on with the process. NULL is fine. */
void api_closing_free(struct api_closing *closing);

/* So many wait to be closed that no more may come. */
bool api_closing_is_full(struct api_closing *closing);

/* Closes what a client has sent, elsewhere. */
void api_close_descriptor(struct api_closing *closing, int fd);

/* Closes a connection: at once, or, where that may take a while, elsewhere. The share is given back when it is done. */
void api_close(struct api_closing *closing, int sock, struct share *share);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NATS for a program that asks something and waits for the answer, or listens: discoverctl. Blocks; any one thread. What is
 * wrong is in ret_why, for people.
 */
#ifndef BUS_BUS_ASK_H
#define BUS_BUS_ASK_H

#include "daemon/bus/bus.h"

struct bus_ask;

/* Of options servers, and what they say of credentials, nkey, user, password and TLS. -ENOTCONN, -EINVAL, -ENOMEM. */
int bus_ask_open(const struct bus_options *options, struct bus_ask **ret_ask, char ret_why[static BUS_WHY_CAP]);
void bus_ask_close(struct bus_ask *ask); /* NULL is fine */

/*
 * The answer, which the caller frees. -ENOENT: nobody listens there, or we may not ask; -EREMOTEIO: answered with an error, which
 * is in ret_why; -ETIMEDOUT; -ENOTCONN.
 */
int bus_ask(struct bus_ask *ask, const char *subject, const char *body, int64_t timeout_ns, char **ret_text,
            size_t *ret_n, char ret_why[static BUS_WHY_CAP]);

/* Calls fn for each message until it returns false, through losses of the connection. -EACCES: we may not; -ENOTCONN. */
typedef bool bus_ask_fn(void *arg, const char *text, size_t n);
int bus_ask_follow(struct bus_ask *ask, const char *subject, bus_ask_fn *fn, void *arg,
                   char ret_why[static BUS_WHY_CAP]);

#endif

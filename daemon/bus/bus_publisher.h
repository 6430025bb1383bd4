/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus thread: keeps the connection up, for ever, and writes the puts that main hands over. While there is no
 * connection puts come back at once: what is desired is kept by who desires it, not in a queue here.
 *
 * When a server says that it is about to stop, the connection moves to another one without a gap: connect and
 * subscribe there, let the puts that are out come to their end, write the next ones there, and only then close the old
 * one. What both deliver meanwhile main knows already (daemon/sync: by its sequence).
 */
#ifndef BUS_BUS_PUBLISHER_H
#define BUS_BUS_PUBLISHER_H

#include "daemon/bus/bus_link.h"

struct bus_publisher;

/* Takes access over, unless it fails. -ENOMEM, errno. */
int bus_publisher_new(struct bus_shared *shared, struct bus_access *access, struct bus_publisher **ret_publisher);
void bus_publisher_free(struct bus_publisher *publisher);

/* Main thread. */
int bus_publisher_start(struct bus_publisher *publisher, struct watchdog *watchdog); /* NULL: nobody watches */
void bus_publisher_stop(struct bus_publisher *publisher); /* waits for its end, which closes the connection */

/* Main thread. What to connect by from now on: see bus_set_access. Takes it over. */
void bus_publisher_set_access(struct bus_publisher *publisher, struct bus_access *access);

/* Main thread, which sees to max_puts. Puts are written in the order in which they come here. */
void bus_publisher_put(struct bus_publisher *publisher, struct bus_put *put);

/* Main thread. -ENOBUFS; else takes it over. It is written when no put waits. */
int bus_publisher_publish(struct bus_publisher *publisher, struct publish_mail *mail);

#endif

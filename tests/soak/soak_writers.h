/* SPDX-License-Identifier: Apache-2.0 */
/* Those who register, change and die, and one who writes garbage over others' keys. Main thread. */
#ifndef SOAK_WRITERS_H
#define SOAK_WRITERS_H

#include "tests/soak/soak.h"

/* Before anything has threads: forks the process that makes others. */
void soak_writers_begin(struct soak_fleet *fleet);

/* Connects, once daemons and servers run. */
void soak_writers_connect(struct soak_fleet *fleet);

/* One birth, death or change by chance, around that many living ones; one of garbage: over the key of a living one. */
void soak_writers_act(struct soak_fleet *fleet, unsigned population);
void soak_writers_garbage(struct soak_fleet *fleet);

/* Keeps what has a TTL alive, and the library's connections going. */
void soak_writers_renew(struct soak_fleet *fleet);

/* This process's handle on a host's daemon. */
struct discover *soak_handle(unsigned host);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection in use, and a spare: a server that says that it is about to stop is left for another one by
 * connecting there first. The bus thread opens, exchanges and closes them; everyone else asks which one it is.
 */
#ifndef BUS_LINKS_H
#define BUS_LINKS_H

#include <stdatomic.h>

#include "daemon/bus/bus_link.h"

struct bus_links {
    struct bus_link *all[2];
    _Atomic(struct bus_link *) now; /* one of them, always */
};

static inline struct bus_link *bus_links_now(struct bus_links *l)
{
    return atomic_load(&l->now);
}

static inline struct bus_link *bus_links_spare(struct bus_links *l)
{
    return l->all[l->all[0] == bus_links_now(l)];
}

#endif

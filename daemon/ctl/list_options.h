/* SPDX-License-Identifier: Apache-2.0 */
/* What "discoverctl list" and "discoverctl hosts" are asked for. Pure; one thread. */
#ifndef CTL_LIST_OPTIONS_H
#define CTL_LIST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/ctl/options.h"

struct list_options {
    const char *domain, *tag; /* NULL: any */
    const char *region;       /* "": the own one */
    uint8_t state;            /* enum discover_state; 0: any */
    bool all;                 /* hosts: those that are gone, too */
};

extern const struct option_spec list_specs[], hosts_specs[];

#endif

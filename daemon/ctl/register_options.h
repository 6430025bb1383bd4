/* SPDX-License-Identifier: Apache-2.0 */
/* What "discoverctl register" is asked for, from its command line. One thread. */
#ifndef CTL_REGISTER_OPTIONS_H
#define CTL_REGISTER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/ctl/options.h"
#include "discover/discover.h"

#define REGISTER_ADDRESSES_MAX 2
#define REGISTER_LIST_MAX      16
#define REGISTER_DRAIN_DEFAULT UINT32_MAX

struct register_options {
    const char *service;
    const char *instance; /* NULL: the daemon makes one up */
    uint32_t port, weight, priority;
    bool unexported;
    uint32_t ttl_ms, pid; /* 0: not given */
    uint32_t
        drain_ms; /* how long the command goes on after SIGTERM; REGISTER_DRAIN_DEFAULT: as long as others may be looking */
    bool require; /* a daemon, before the command is started */
    enum discover_protocol protocol;
    const char *addresses[REGISTER_ADDRESSES_MAX], *tags[REGISTER_LIST_MAX], *meta[REGISTER_LIST_MAX],
        *checks[REGISTER_LIST_MAX];
    size_t n_addresses, n_tags, n_meta, n_checks;
    char **command; /* NULL: none */
};

extern const struct option_spec register_specs[];

/* -EINVAL with the reason in ret_why; *ret_options points into argv. */
int register_options_parse(char **argv, struct register_options *ret_options, char ret_why[static OPTIONS_WHY_CAP]);

/* The registration they describe. -EINVAL with the reason, -ENOMEM, or an error of the library. */
int register_options_build(const struct register_options *o, struct discover_registration **ret_r,
                           char ret_why[static OPTIONS_WHY_CAP]);

#endif

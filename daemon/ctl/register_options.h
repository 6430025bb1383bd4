/* SPDX-License-Identifier: Apache-2.0 */
/* What "discoverctl register" is asked for, from its command line. One thread. */
#ifndef CTL_REGISTER_OPTIONS_H
#define CTL_REGISTER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/ctl/options.h"
#include "discover/discover.h"

#define REGISTER_DRAIN_DEFAULT UINT32_MAX

struct register_options {
    const char *instance; /* NULL: the daemon makes one up */
    uint32_t port, weight, priority;
    bool unexported;
    uint32_t ttl_ms, pid; /* 0: not given */
    uint32_t
        drain_ms; /* how long the command goes on after SIGTERM; REGISTER_DRAIN_DEFAULT: as long as others may be looking */
    bool require; /* a daemon, before the command is started */
    enum discover_protocol protocol;
    struct option_list addresses, tags, meta, checks;
};

extern const struct option_spec register_specs[];
extern const struct register_options register_defaults;

/* Whether they go together, and with a command or without one. -EINVAL with the reason in ret_why. */
int register_options_check(const struct register_options *o, bool has_command, char ret_why[static OPTIONS_WHY_CAP]);

/* The registration of a service that they describe. -EINVAL with the reason, -ENOMEM, or an error of the library. */
int register_options_build(const char *service, const struct register_options *o, bool has_command,
                           struct discover_registration **ret_r, char ret_why[static OPTIONS_WHY_CAP]);

#endif

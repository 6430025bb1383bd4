/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that units of systemd are, by sections of their own (systemd.syntax(7)), each of which is one service:
 *
 *     [X-Discover]
 *     Service=shop/payment
 *     Port=8080
 *
 * Also Instance, Address, Protocol, Weight, Priority, Tag, Exported, Meta (key=value) and Check (check_spec.h), as the
 * configuration has them; Address, Tag, Meta and Check may stand more than once. They obey the same tables and rules as `services`.
 * Any thread.
 */
#ifndef CONFIG_X_DISCOVER_H
#define CONFIG_X_DISCOVER_H

#include "daemon/config/config.h"

/* One file of a unit. */
struct x_discover_file {
    const char *unit, *path, *text;
};

/*
 * The services of all files. What is wrong is reported with file, line and key, and leaves out the services of that file alone;
 * *ret_refused counts those files. -ENOMEM. The list is ended with service_configs_free.
 */
int x_discover_read(const struct config *config, const struct x_discover_file *files, size_t n, config_error_fn *fn,
                    void *arg, struct service_config **ret_services, size_t *ret_n, size_t *ret_refused);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that units of systemd are, by sections of their own (systemd.syntax(7)), each of which is one service:
 *
 *     [X-Discover]
 *     Service=shop/payment
 *     Port=8080
 *
 * Also Instance, Address, Protocol, Weight, Priority, Tag, Meta (key=value) and Check (check_spec.h), the words of the
 * configuration; Address, Tag, Meta and Check may stand more than once. They obey the same tables and rules as `services`.
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
 * The services of all files. What is wrong is told with file, line and key, and leaves out the services of that file alone;
 * *ret_refused counts those files. -ENOMEM. The list is ended with x_discover_free.
 */
int x_discover_read(const struct config *config, const struct x_discover_file *files, size_t n, config_error_fn *fn,
                    void *arg, struct service_config **ret_services, size_t *ret_n, size_t *ret_refused);
void x_discover_free(struct service_config *services, size_t n);

#endif

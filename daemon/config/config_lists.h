/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of groups of a configuration file that are kept as they are: `api.policy`, `regions` and `failover_services`. */
#ifndef CONFIG_CONFIG_LISTS_H
#define CONFIG_CONFIG_LISTS_H

#include "daemon/config/config_source.h"

/* Reads the lists into the configuration, in which they are empty; what is wrong is reported. -ENOMEM. */
int config_lists_read(struct config_source *s, struct config *c);
void config_lists_fini(struct config *c);

/* Exchanges the lists at that path, if it is one of these lists'. */
void config_list_exchange(struct config *a, struct config *b, const char *path);

#endif

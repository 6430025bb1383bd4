/* SPDX-License-Identifier: Apache-2.0 */
/* The lists `regions` and `failover_services` of a configuration file. */
#ifndef CONFIG_CONFIG_REGIONS_H
#define CONFIG_CONFIG_REGIONS_H

#include "daemon/config/config_source.h"

/* Into the configuration; what is wrong is reported. -ENOMEM. */
int config_regions_read(struct config_source *s, struct config *c);
void config_regions_fini(struct config *c);

#endif

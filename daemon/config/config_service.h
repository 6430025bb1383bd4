/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one group of `services`, with its meta and checks. Thread: any. Failure: reported with the place. */
#ifndef CONFIG_CONFIG_SERVICE_H
#define CONFIG_CONFIG_SERVICE_H

#include "daemon/config/config_keys.h"
#include "daemon/config/config_source.h"

/* -EINVAL: reported; -ENOMEM. ret_service is undefined then. */
int config_service_read(struct config_source *s, const config_setting_t *group, struct service_config *ret_service);

/*
 * What a group says by its table, into a service whose record was only begun. -EINVAL with the reason; *ret_key: what is
 * wrong, or NULL.
 */
int service_config_fill(const struct service_block *block, struct service_config *service, const char **ret_key,
                        char ret_why[static CONFIG_WHY_CAP]);

/* Adds a pair of metadata. -EINVAL with the reason. */
int service_config_add_meta(struct service_config *service, const char *key, const char *value,
                            char ret_why[static CONFIG_WHY_CAP]);

#endif

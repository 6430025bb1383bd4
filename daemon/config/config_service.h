/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one group of `services`, with its meta and checks. Thread: any. Failure: reported with the place. */
#ifndef CONFIG_CONFIG_SERVICE_H
#define CONFIG_CONFIG_SERVICE_H

#include "daemon/config/config_source.h"

/* -EINVAL: reported; -ENOMEM. ret_service is undefined then. */
int config_service_read(struct config_source *s, const config_setting_t *group, struct service_config *ret_service);

#endif

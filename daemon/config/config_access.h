/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys of a group nats need each other, or exclude each other. Thread: any. */
#ifndef CONFIG_CONFIG_ACCESS_H
#define CONFIG_CONFIG_ACCESS_H

#include "daemon/config/config_source.h"

/* Reports what does not go together in the group nats of this one: of the whole file, or of a region. */
void config_check_access(struct config_source *s, const config_setting_t *group);

#endif

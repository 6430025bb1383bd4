/* SPDX-License-Identifier: Apache-2.0 */
/* Reads api.policy. Any thread. What is wrong is reported with its place. */
#ifndef CONFIG_CONFIG_POLICY_H
#define CONFIG_CONFIG_POLICY_H

#include "daemon/config/config_source.h"

/* -ENOMEM. */
int config_policy_read(struct config_source *s, struct config *c);
void config_policy_fini(struct config *c);

#endif

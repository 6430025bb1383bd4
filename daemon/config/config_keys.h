/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of all keys: what a configuration file may say, and nothing else. The parser, the defaults, the manual's
 * section and the example file come from here. Const data; any thread.
 */
#ifndef CONFIG_CONFIG_KEYS_H
#define CONFIG_CONFIG_KEYS_H

#include "daemon/config/check_spec.h"
#include "daemon/config/config_table.h"

/* The groups of `services` as they are written in a file. */
struct service_block {
    char *name, *instance, *unit;
    uint32_t port, proto, weight, priority;
    struct string_list address, tags;
    bool exported;
};

/* The groups of `api.policy`. */
extern const struct config_table policy_keys;   /* of struct policy_line */
extern const struct config_table config_keys;   /* of struct config */
extern const struct config_table service_keys;  /* of struct service_block */
extern const struct config_table check_keys;    /* of struct check_spec */
extern const struct config_table region_keys;   /* of struct region_config */
extern const struct config_table failover_keys; /* of struct failover_service */

#endif

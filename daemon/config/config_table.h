/* SPDX-License-Identifier: Apache-2.0 */
/* A table of keys that describes a structure, and what can be done with any such table. Pure; any thread. */
#ifndef CONFIG_CONFIG_TABLE_H
#define CONFIG_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/config/config_value.h"

#define CONFIG_PATH_CAP 128

struct config_table {
    const struct config_key *keys;
    size_t n;
    const char *prefix; /* for people: where its keys stand, "services[]." */
};

/* NULL when there is none. */
const struct config_key *config_table_find(const struct config_table *t, const char *path);

/* Whether there are keys below: "nats.tls" of "nats.tls.ca". */
bool config_table_has_group(const struct config_table *t, const char *path);

/* Which key or group was meant by a path that is neither; false when nothing is near. */
bool config_table_suggest(const struct config_table *t, const char *path, char ret_path[static CONFIG_PATH_CAP]);

/* Sets everything to its preset. base: the structure, all zeros. -ENOMEM. */
int config_table_init(const struct config_table *t, void *base);
void config_table_fini(const struct config_table *t, void *base);

/* The default of a key that has one, as it is written in a file. */
void config_key_print_preset(const struct config_key *key, FILE *out);

/* A line for each key with its present value. There is no secret among them: those stand in files of their own. */
void config_table_dump(const struct config_table *t, const void *base, FILE *out);

/* A line for each key: key, kind, default, range, help, "reload" if one takes it; separated by tabs. */
void config_table_print(const struct config_table *t, FILE *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One configuration file, parsed: libconfig's tree, and what is needed to say where in it something is wrong. Owner:
 * the caller. Thread: any. Failure: reported through the callback as "FILE:LINE: key: reason".
 */
#ifndef CONFIG_CONFIG_SOURCE_H
#define CONFIG_CONFIG_SOURCE_H

#include <libconfig.h>

#include "daemon/config/config_table.h"
#include "daemon/config/config_text.h"

struct config_source {
    struct config_text text;
    config_t tree;
    struct config_report *report;
};

/* -EINVAL: reported; -ENOMEM. To be closed if it is 0. */
int config_source_open(const char *path, struct config_report *report, struct config_source *ret_source);
void config_source_close(struct config_source *s);

/* Where a setting begins. Elements of arrays and lists of values begin where their list does. */
struct config_place config_source_place(const struct config_source *s, const config_setting_t *setting);

/* "services[1].checks[0].tcp" */
void config_setting_path(const config_setting_t *setting, char ret_path[static CONFIG_PATH_CAP]);

/* The setting at a path below a group, or NULL. */
const config_setting_t *config_source_find(const config_setting_t *group, const char *path);

/* Reports something about a setting. */
void config_complain(struct config_source *s, const config_setting_t *setting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether a setting is written in this form; reported if not. */
bool config_source_check_form(struct config_source *s, const config_setting_t *setting, enum value_form form);

/* Calls fn for each group of a list (NULL: of none), until one fails; what is no group is reported. */
typedef int config_group_fn(struct config_source *s, const config_setting_t *group, void *arg);
int config_source_each(struct config_source *s, const config_setting_t *list, config_group_fn *fn, void *arg);

/* How many elements a list has; 0 where it is NULL, or something else than a list. */
unsigned config_source_length(const config_setting_t *list);

/*
 * Sets what the members of a group say, each checked by the table; everything else is reported and keeps its default.
 * Of members whose values the table does not keep, only the form is checked. -ENOMEM.
 */
int config_source_apply(struct config_source *s, const config_setting_t *group, const struct config_table *t,
                        void *base);

/*
 * Reads one group of a list by its table, into a structure that is all zeros. What is missing or wrong is reported.
 * -ENOMEM.
 */
int config_source_read_block(struct config_source *s, const config_setting_t *group, const struct config_table *t,
                             void *base);

#endif

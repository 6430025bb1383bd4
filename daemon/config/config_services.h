/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects the services of configuration files. Owner: the caller. Thread: any. Failure: reported with the place; the
 * caller looks at the number of reports.
 */
#ifndef CONFIG_CONFIG_SERVICES_H
#define CONFIG_CONFIG_SERVICES_H

#include "daemon/config/config_source.h"

/* All zeros in the beginning. */
struct service_set {
    struct service_config *services;
    struct service_place {
        char file[256]; /* cut if longer */
        unsigned line;
        char path[CONFIG_PATH_CAP];
    } * places;
    size_t n, cap;
};

/* Adds what stands under `services`. -ENOMEM. */
int service_set_read(struct service_set *set, struct config_source *source);

/* Adds those of all *.conf of a folder, in the order of their names. One that is missing is empty. -ENOMEM. */
int service_set_read_folder(struct service_set *set, const char *folder, struct config_report *report);

/* Checks them against each other and against the limits, and hands them over. -ENOMEM. */
int service_set_finish(struct service_set *set, struct config_report *report, struct config *config);

void service_set_fini(struct service_set *set);

#endif

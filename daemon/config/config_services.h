/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects the services of configuration files. Owner: the caller. Thread: any. Failure: reported with the place; the
 * caller looks at the number of reports.
 */
#ifndef CONFIG_CONFIG_SERVICES_H
#define CONFIG_CONFIG_SERVICES_H

#include "daemon/base/hash.h"
#include "daemon/config/config_keys.h"
#include "daemon/config/config_source.h"

#define SERVICE_NAME_CAP (SERVICE_CAP + LABEL_CAP)

/* "shop/payment p1", and which one of the set it is. */
struct service_name {
    char text[SERVICE_NAME_CAP];
    size_t index;
    UT_hash_handle hh;
};

/* All zeros in the beginning. */
struct service_set {
    struct service_config *services;
    struct service_place {
        char file[256]; /* cut if longer */
        unsigned line;
        char path[CONFIG_PATH_CAP];
    } * places;
    size_t n, cap;
    struct service_name *names; /* of those that were checked */
};

/* Adds one, and where it stands (file, line, path); takes its lists over. -ENOMEM. */
int service_set_add(struct service_set *set, struct service_config *service, struct config_place at, const char *path);

/* Adds what stands under `services`. -ENOMEM. */
int service_set_read(struct service_set *set, struct config_source *source);

/*
 * Checks the services from that index on: each by itself, against all before it, and against the limits. What is wrong
 * is reported. -ENOMEM.
 */
int service_set_check(struct service_set *set, size_t from, struct config_report *report, const struct config *config);

/* Forgets all but the first n. */
void service_set_cut(struct service_set *set, size_t n);

/* Ends it, and hands its services over: to be ended by service_configs_free. */
void service_set_finish(struct service_set *set, struct service_config **ret_services, size_t *ret_n);

void service_set_fini(struct service_set *set);

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

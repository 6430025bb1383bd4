/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of services_dir. Each stands alone: one that is wrong is refused by its name, and what it said when it was
 * last right stays in force, from a copy in <state_dir>/services.d, over a restart as well. Owner: the caller. Main
 * thread; blocks on the disk.
 */
#ifndef CONFIG_SERVICE_FILES_H
#define CONFIG_SERVICE_FILES_H

#include "daemon/config/config_services.h"

/*
 * Adds the services of all *.conf of config->services_dir, in the order of their names, and notes the files in config.
 * A folder that is missing is empty; one that cannot be read is reported. -ENOMEM.
 */
int service_files_read(struct service_set *set, struct config *config, struct config_report *report);

void service_files_fini(struct config *config);

#endif

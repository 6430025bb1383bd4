/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of systemd's units that have a section [X-Discover], which systemd passes over (systemd.syntax(7)): the services
 * that a unit is. Blocks on the disk; any thread.
 */
#ifndef UNITS_UNIT_FILES_H
#define UNITS_UNIT_FILES_H

#include <stddef.h>

#include "daemon/base/string_list.h"

#define UNIT_FILES_MAX     10000     /* with such a section; others are left out */
#define UNIT_FILE_BYTES    (1 << 18) /* a longer one is not read */
#define UNIT_FILES_SECTION "[X-Discover]"

struct unit_file {
    char *unit; /* "payment.service" */
    char *path;
    char *text;
};

struct unit_files {
    struct unit_file *items;
    size_t n, cap;
    struct string_list templates; /* that have such a section */
};

/*
 * Of all services (*.service) of the folders, of which the first that has one counts, and their drop-ins
 * (NAME.service.d/ *.conf of any of them). What templates say is said of each of these instances of theirs, with specifiers in
 * place (unit_template.h), but for one that has a file of its own. What cannot be read has none. -ENOMEM.
 */
int unit_files_read(const char *const *folders, size_t n, const struct string_list *instances,
                    struct unit_files *ret_files);
void unit_files_fini(struct unit_files *files);

#endif

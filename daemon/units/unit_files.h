/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of systemd's units that have a section [X-Discover], which systemd passes over (systemd.syntax(7)): the services
 * that a unit is. Blocks on the disk; any thread.
 */
#ifndef UNITS_UNIT_FILES_H
#define UNITS_UNIT_FILES_H

#include <stddef.h>

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
};

/*
 * Of all services (*.service, without templates) of the folders, of which the first that has one counts, and their drop-ins
 * (NAME.service.d/ *.conf of any of them). What cannot be read has none. -ENOMEM.
 */
int unit_files_read(const char *const *folders, size_t n, struct unit_files *ret_files);
void unit_files_fini(struct unit_files *files);

#endif

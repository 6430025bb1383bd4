/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a reload, as it is told to whoever asked for it (api.h), and to the log in the same words. One thread at a time. */
#ifndef REGISTRY_RELOAD_REPORT_H
#define REGISTRY_RELOAD_REPORT_H

#include "daemon/api/api.h"

#define RELOAD_LINES_MAX 36 /* of a list: more of them help nobody, and the answer has to fit into a frame */

/* Adds to one of its lists, which are limited. What there is no memory for stands in the log alone. */
void reload_report_add(struct string_list *list, const char *text);

/* Something was refused, with the reason: into the log, and the report unless that is NULL. */
void reload_report_refuse(struct reload_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

void reload_report_fini(struct reload_report *report);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a reload, for whoever asked for it (api.h) and, in the same words, for the log. One thread at a time. */
#ifndef REGISTRY_RELOAD_REPORT_H
#define REGISTRY_RELOAD_REPORT_H

#include "daemon/api/api.h"

#define RELOAD_LINES_MAX 36 /* lines of a list: more of them help nobody, and the answer has to fit into a frame */

/* Adds a line to one of the report's lists, as far as the limit goes. Without memory it is in the log alone. */
void reload_report_add(struct string_list *list, const char *text);

/* Logs what was refused and why, and adds it to the report unless that is NULL. */
void reload_report_refuse(struct reload_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

void reload_report_fini(struct reload_report *report);

#endif

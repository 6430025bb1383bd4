/* SPDX-License-Identifier: Apache-2.0 */
/* Collects what became of a reload. */
#include "daemon/registry/services/reload_report.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/base/log.h"

#define LINE_CAP 512

void reload_report_add(struct string_list *list, const char *text)
{
    if (list->n < RELOAD_LINES_MAX)
        (void)string_list_add(list, text);
    else if (list->n == RELOAD_LINES_MAX)
        (void)string_list_add(list, "and more: see the log");
}

void reload_report_refuse(struct reload_report *report, const char *format, ...)
{
    char text[LINE_CAP];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_error("%s", text);
    if (report)
        reload_report_add(&report->refused, text);
}

void reload_report_fini(struct reload_report *report)
{
    string_list_fini(&report->taken);
    string_list_fini(&report->restart);
    string_list_fini(&report->refused);
}

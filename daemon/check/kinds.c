/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the kinds of checks. */
#include <stdarg.h>
#include <stdio.h>

#include "daemon/check/kind.h"

static const struct check_kind *const kinds[] = {
    [CHECK_TCP] = &check_tcp, [CHECK_HTTP] = &check_http, [CHECK_GRPC] = &check_grpc, [CHECK_EXEC] = &check_exec,
    [CHECK_TTL] = &check_ttl, [CHECK_UNIT] = &check_unit, [CHECK_PID] = &check_pid,
};

const struct check_kind *check_kind_of(enum check_type type)
{
    return kinds[type];
}

void check_report_line(const struct check_setup *setup, enum check_result result, bool certain, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    check_report(setup, result, certain, line, n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

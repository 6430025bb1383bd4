/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines to stderr. */
#include "daemon/base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static int max_level = LOG_INFO;

void log_set_level(int level)
{
    max_level = level;
}

/* Texts of others come along in lines of ours: they must not begin a line, or move about on a terminal. */
static void one_line(char *line, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
}

void log_line(int level, const char *format, ...)
{
    if (level > max_level)
        return;
    char line[1024];
    int used = isatty(STDERR_FILENO) ? 0 : snprintf(line, sizeof line, "<%d>", level);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + used, sizeof line - 1 - (size_t)used, format, args);
    va_end(args);
    size_t length = (size_t)used + (n > 0 ? (size_t)n : 0);
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    one_line(line, length);
    line[length++] = '\n';
    (void)!write(STDERR_FILENO, line, length);
}

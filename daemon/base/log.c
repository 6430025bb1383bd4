/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines to stderr. */
#include "daemon/base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log_queue.h"
#include "daemon/base/log_ring.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/hex.h"
#include "libdiscover/core/words.h"

struct log_counters {
    metric_value lost;
};

static int max_level = LOG_INFO;
static struct log_queue *queue; /* NULL: lines are written at once. Set while there is one thread alone */
static struct log_counters counters;

void log_set_level(int level)
{
    max_level = level;
}

#define LINE_CAP 1024

/*
 * Texts of others come along in lines of ours: they must not begin a line, or move about on a terminal; nor must it depend
 * on who reads it what an octet beyond ASCII means. Returns the length.
 */
static size_t one_line(const char *text, size_t n, char *ret_line, size_t cap)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t needs = c < 0x80 ? 1 : 4;
        if (used + needs > cap)
            break;
        if (c < 0x80) {
            ret_line[used] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
        } else {
            memcpy(ret_line + used, "\\x", 2);
            hex_write(ret_line + used + 2, &c, 1);
        }
        used += needs;
    }
    return used;
}

/* systemd names in JOURNAL_STREAM what it has connected to the journal, as "DEVICE:INODE". */
static bool to_journal(void)
{
    struct stat st;
    char stream[64];
    const char *journal = getenv("JOURNAL_STREAM");
    if (!journal || fstat(STDERR_FILENO, &st) < 0)
        return false;
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    return strcmp(journal, stream) == 0;
}

/* What stands in front of a text: for the journal the level, for anything else the time (RFC 3339) and the level's name. */
static size_t line_head(int level, char *ret_head, size_t cap)
{
    char time[CLOCK_TEXT_CAP];
    bool named = level <= LOG_WARNING;
    if (to_journal())
        return (size_t)snprintf(ret_head, cap, "<%d>", level);
    clock_wall_text(clock_wall_ms(), time);
    return (size_t)snprintf(ret_head, cap, "%s %s%s", time, named ? level_word(level) : "", named ? ": " : "");
}

static void put(const char *line, size_t n)
{
    if (!queue)
        (void)!write(STDERR_FILENO, line, n);
    else if (!log_queue_put(queue, line, n))
        metric_inc(&counters.lost);
}

int log_start(void)
{
    return log_queue_new(STDERR_FILENO, to_journal() ? "<4>" : "", &queue);
}

void log_stop(void)
{
    struct log_queue *ended = queue;
    queue = NULL;
    if (ended)
        (void)log_queue_stop(ended, NS_PER_S);
}

int log_add_metrics(struct metrics *m)
{
    static const struct metric table[] = {
        COUNTER_OF(log_counters, lost, "discoverd_log_lines_lost_total", "Log lines that nobody took in time."),
    };
    METRICS_LISTED(table)
    return metrics_add(m, table, 1, &counters);
}

void log_line(int level, const char *format, ...)
{
    bool keep_only = level > max_level;
    if (keep_only && level > log_ring_level(clock_now_ns()))
        return;
    char text[LINE_CAP], line[LINE_CAP];
    size_t used = line_head(level, text, sizeof text);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + used, sizeof text - used, format, args);
    va_end(args);
    size_t length = used + (n > 0 ? (size_t)n : 0);
    if (length > sizeof text - 1)
        length = sizeof text - 1;
    length = one_line(text, length, line, sizeof line - 1);
    log_ring_put(level, clock_wall_ms(), line + used, length > used ? length - used : 0);
    line[length++] = '\n';
    if (!keep_only)
        put(line, length);
}

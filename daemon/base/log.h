/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines to stderr: in the form systemd's journal understands ("<4>text") where it goes there, else with the time in front
 * ("2026-11-28T23:45:01.250Z warning: text"). Any thread; a line is one write in ASCII without control characters (other octets
 * as \xc3), cut at 1 KiB. The daemon logs once, where it decides; libraries and logic modules return errors.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <syslog.h>

#include "daemon/base/metrics.h"

/* Lines above this level are dropped; default LOG_INFO. Set before threads start. */
void log_set_level(int level);

/*
 * From now on lines are written by a thread of their own (log_queue.h), and whoever logs never waits for whoever
 * reads; lines that find no room are lost and counted. A negative errno: lines go on being written by the thread that
 * logs them. log_stop writes what waits, if that takes no longer than a second. Main thread, while it is the only one.
 */
int log_start(void);
void log_stop(void);

/* Shows how many lines were lost. -ENOMEM. */
int log_add_metrics(struct metrics *m);

/* level: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)

#endif

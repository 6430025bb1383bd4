/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines to stderr, in the form systemd's journal understands ("<4>text"), or plain on a terminal. Any thread;
 * a line is one write in ASCII without control characters (other octets as \xc3), cut at 1 KiB. The daemon logs once, where it decides; libraries
 * and logic modules return errors.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <syslog.h>

/* Lines above this level are dropped; default LOG_INFO. Set before threads start. */
void log_set_level(int level);

/* level: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

#endif

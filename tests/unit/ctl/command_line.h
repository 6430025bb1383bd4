/* SPDX-License-Identifier: Apache-2.0 */
/* Splits a command line at spaces, for tests. One line at a time: the words live until the next call. */
#ifndef CTL_COMMAND_LINE_H
#define CTL_COMMAND_LINE_H

char **command_line(const char *text);

#endif

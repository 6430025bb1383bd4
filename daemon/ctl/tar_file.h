/* SPDX-License-Identifier: Apache-2.0 */
/* A tar archive (POSIX ustar) of a few texts. One thread. */
#ifndef CTL_TAR_FILE_H
#define CTL_TAR_FILE_H

#include <stddef.h>
#include <stdio.h>
#include <time.h>

/* name: at most 99 bytes. Errors stay with the stream (ferror). */
void tar_add(FILE *out, const char *name, const char *text, size_t n, time_t now);

/* The end of the archive. */
void tar_end(FILE *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* When a certificate expires. Any thread; blocks on the disk. */
#ifndef BUS_CERTIFICATE_H
#define BUS_CERTIFICATE_H

#include <stdint.h>

#define CERTIFICATE_TIME_CAP 32

/*
 * The first certificate of a PEM file: how many seconds from now on until it ends (negative: since), and when, as
 * "2026-11-28 23:45 UTC". -EBADMSG: there is none in it; else a negative errno of reading the file.
 */
int certificate_end(const char *path, int64_t *ret_left_s, char ret_when[static CERTIFICATE_TIME_CAP]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine of the test's own: a network with nothing but loopback, and files under /etc and /run that only
 * this test and what it starts sees. So ports are as the examples have them, port 53 too, and nothing of this
 * machine changes. Needs root and ip (iproute2). Main thread, before anything is started. Fails the test when
 * it fails.
 */
#ifndef CLIENTS_MACHINE_H
#define CLIENTS_MACHINE_H

#include <stdbool.h>

/* Whether it can be had here; if not, it says why. */
bool machine_possible(void);

void machine_start(void);

/* Puts a file in the place of one that is there. */
void machine_file(const char *path, const char *source);

/* Puts an empty folder in the place of one that is there. */
void machine_folder(const char *path);

/* A resolver of the rest of the world at 192.0.2.53: www.example.com is 192.0.2.80, and no other name is
 * there. */
void machine_other_names(void);

#endif

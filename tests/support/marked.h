/* SPDX-License-Identifier: Apache-2.0 */
/* Whether anything is left of what a test has had started: it is known by a text in its environment. */
#ifndef SUPPORT_MARKED_H
#define SUPPORT_MARKED_H

/* Processes, of whomever, that have this in their environment, as far as it may be read. */
unsigned marked_processes(const char *mark);

#endif

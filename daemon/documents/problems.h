/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a daemon, in words, from what it says of itself: one table of rules, for people, for documents and for
 * monitoring. Pure; any thread.
 */
#ifndef DOCUMENTS_PROBLEMS_H
#define DOCUMENTS_PROBLEMS_H

#include <stddef.h>

#include "proto/api.pb-c.h"

/* The worst of its problems is a daemon's condition. Their numbers are the exit codes of monitoring plugins. */
enum problem_level {
    PROBLEM_NONE = 0,
    PROBLEM_WARNING = 1,  /* answers are right as far as known, and something wants looking after */
    PROBLEM_CRITICAL = 2, /* answers miss something, or others do not hear of this host */
};

#define PROBLEMS_MAX     32
#define PROBLEM_TEXT_CAP 400

struct problem {
    enum problem_level level;
    char text[PROBLEM_TEXT_CAP];
};

/* The worst first; what is beyond PROBLEMS_MAX is left out. Returns how many; ret_problems has that many. */
size_t problems_of(const Discover__V1__Status *s, struct problem ret_problems[static PROBLEMS_MAX]);

/* "healthy", "warning", "critical". Static. */
const char *condition_word(enum problem_level level);

/* In one sentence: what is well, or the worst problem and how many others there are. */
void condition_sentence(const Discover__V1__Status *s, const struct problem *problems, size_t n,
                        char ret_text[static PROBLEM_TEXT_CAP]);

#endif

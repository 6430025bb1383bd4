/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registration as the caller describes it, and its way into a message. Plain memory: one thread at a time.
 * The setters are public (discover.h) and check at once what the daemon would refuse.
 */
#ifndef LIBDISCOVER_SESSION_REGISTRATION_H
#define LIBDISCOVER_SESSION_REGISTRATION_H

#include "libdiscover/core/record.h"
#include "proto/api.pb-c.h"

#define REGISTRATION_CHECKS_MAX 64
#define REGISTRATION_CHECKS_CAP 8192

struct discover_registration {
    uint64_t serial; /* distinguishes copies of one registration from two that look the same */
    char service[SERVICE_CAP];
    char instance[LABEL_CAP]; /* "": the daemon makes one up */
    struct record record;
    uint32_t ttl_ms;
    int32_t pid;
    bool take_over;
    size_t n_checks, checks_n;                  /* number of checks; bytes used in checks */
    char checks[REGISTRATION_CHECKS_CAP];       /* their texts, one behind the other, each with its NUL */
    char *check_texts[REGISTRATION_CHECKS_MAX]; /* pointers into checks, for the message that was made last */
};

/* Fills in a Register message that points into r; registration_message_fini frees the rest. -ENOMEM. */
int registration_message(struct discover_registration *r, Discover__V1__Register *ret_msg);
/* A pidfd of the process it names, which the caller closes; -1 where there is none, or this kernel has none. */
int registration_pidfd(const struct discover_registration *r);
void registration_message_fini(Discover__V1__Register *msg);

#endif

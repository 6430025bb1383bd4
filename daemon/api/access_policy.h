/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may register what (api.policy): lines, each for a user, the members of a group, or everybody. The first that is for a
 * user counts, and no other. Owner: the caller. Making one may wait for a directory service; the rest is pure. Any thread.
 */
#ifndef API_ACCESS_POLICY_H
#define API_ACCESS_POLICY_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/base/string_list.h"

struct access_policy;

/* A line as it stands in the configuration. */
struct access_policy_source {
    const char *user, *group; /* names; "": none */
    const struct string_list *services;
    bool overrides;
    const char *place; /* "discoverd.conf:12" */
};

struct access_line {
    bool everybody, has_uid, has_gid; /* none of them: the name is not known here, so the line is for nobody */
    uid_t uid;
    gid_t gid;
    bool overrides;
    struct string_list services;
    char *text; /* for messages: "user alice (discoverd.conf:12)" */
};

/* Copies the lines. May block on a directory service. -ENOMEM. */
int access_policy_new(const struct access_policy_source *lines, size_t n, struct access_policy **ret_policy);
void access_policy_free(struct access_policy *policy); /* NULL is fine */

/* The first line that is for this user, with groups beside its first one; NULL: none is. */
const struct access_line *access_policy_find(const struct access_policy *policy, uid_t uid, gid_t gid,
                                             const gid_t *groups, size_t n_groups);

/* Whether the line allows a service ("shop/payment"); "": the host itself, which "*" alone stands for. */
bool access_line_has(const struct access_line *line, const char *service);

/* Calls fn for each line whose user or group is not known here. */
void access_policy_each_unknown(const struct access_policy *policy, void (*fn)(void *arg, const char *text), void *arg);

#endif

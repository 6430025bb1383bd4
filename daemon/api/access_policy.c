/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves and asks the lines of a policy. */
#include "daemon/api/access_policy.h"

#include <errno.h>
#include <fnmatch.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/access.h"

#define USER_MAX (1 << 20) /* bytes of a user's entry in the user database, at most */

struct access_policy {
    size_t n;
    struct access_line lines[];
};

static bool find_user(const char *name, uid_t *ret_uid)
{
    struct passwd user, *found = NULL;
    char *text = NULL;
    int err = ERANGE;
    for (size_t size = 1 << 12; err == ERANGE && size <= USER_MAX; size *= 4) {
        free(text);
        text = malloc(size);
        err = text ? getpwnam_r(name, &user, text, size, &found) : ENOMEM;
    }
    if (found)
        *ret_uid = found->pw_uid;
    free(text);
    return found;
}

static int set_line(struct access_line *line, const struct access_policy_source *from)
{
    const char *kind = *from->user ? "user " : *from->group ? "group " : "everybody", *name = from->user;
    if (!*name)
        name = from->group;
    line->everybody = !*name;
    line->has_uid = *from->user && find_user(from->user, &line->uid);
    line->has_gid = *from->group && access_find_group(from->group, &line->gid);
    line->overrides = from->overrides;
    for (size_t i = 0; i < from->services->n; i++)
        if (string_list_add(&line->services, from->services->items[i]) < 0)
            return -ENOMEM;
    return asprintf(&line->text, "%s%s (%s)", kind, name, from->place) < 0 ? -ENOMEM : 0;
}

int access_policy_new(const struct access_policy_source *lines, size_t n, struct access_policy **ret_policy)
{
    struct access_policy *p = calloc(1, sizeof *p + n * sizeof *p->lines);
    int err = p ? 0 : -ENOMEM;
    for (size_t i = 0; i < n && !err; i++)
        err = set_line(&p->lines[p->n++], &lines[i]);
    if (err)
        access_policy_free(p);
    else
        *ret_policy = p;
    return err;
}

void access_policy_free(struct access_policy *p)
{
    for (size_t i = 0; p && i < p->n; i++) {
        string_list_fini(&p->lines[i].services);
        free(p->lines[i].text);
    }
    free(p);
}

static bool is_for(const struct access_line *line, uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
    bool is = line->everybody || (line->has_uid && line->uid == uid) || (line->has_gid && line->gid == gid);
    for (size_t i = 0; i < n; i++)
        is |= line->has_gid && line->gid == groups[i];
    return is;
}

const struct access_line *access_policy_find(const struct access_policy *p, uid_t uid, gid_t gid, const gid_t *groups,
                                             size_t n_groups)
{
    for (size_t i = 0; i < p->n; i++)
        if (is_for(&p->lines[i], uid, gid, groups, n_groups))
            return &p->lines[i];
    return NULL;
}

bool access_line_has(const struct access_line *line, const char *service)
{
    for (size_t i = 0; i < line->services.n; i++) {
        const char *pattern = line->services.items[i];
        if (*service ? fnmatch(pattern, service, 0) == 0 : strcmp(pattern, "*") == 0)
            return true;
    }
    return false;
}

void access_policy_each_unknown(const struct access_policy *p, void (*fn)(void *arg, const char *text), void *arg)
{
    for (size_t i = 0; i < p->n; i++)
        if (!p->lines[i].everybody && !p->lines[i].has_uid && !p->lines[i].has_gid)
            fn(arg, p->lines[i].text);
}

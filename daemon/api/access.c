/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which users of this machine may register. */
#include "daemon/api/access.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/api/access_policy.h"

#define GROUP_MAX (1 << 26)

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* since Linux 6.5 */
#endif

/* The entry of a group holds all its members, so it may need a large buffer. */
bool access_find_group(const char *name, gid_t *ret_gid)
{
    struct group group, *found = NULL;
    char *text = NULL;
    int err = ERANGE;
    for (size_t size = 1 << 12; err == ERANGE && size <= GROUP_MAX; size *= 4) {
        free(text);
        text = malloc(size);
        err = text ? getgrnam_r(name, &group, text, size, &found) : ENOMEM;
    }
    if (found)
        *ret_gid = found->gr_gid;
    free(text);
    return found;
}

int access_rule_init(struct access_rule *rule, const char *name)
{
    *rule = (struct access_rule){.own_uid = geteuid()};
    snprintf(rule->group_name, sizeof rule->group_name, "%s", name);
    if (!name[0])
        return 0;
    rule->has_group = access_find_group(name, &rule->group);
    return rule->has_group ? 0 : -ENOENT;
}

bool access_is_operator(const struct access_rule *rule, uid_t uid)
{
    return uid == 0 || uid == rule->own_uid;
}

bool access_allows(const struct access_rule *rule, uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups)
{
    if (access_is_operator(rule, uid))
        return true;
    if (rule->policy)
        return access_policy_find(rule->policy, uid, gid, groups, n_groups);
    if (!rule->has_group)
        return false;
    bool member = gid == rule->group;
    for (size_t i = 0; i < n_groups; i++)
        member = member || groups[i] == rule->group;
    return member;
}

/* The peer's groups beside its first one, for the caller to free; NULL: none. */
static gid_t *groups_of(int sock, size_t *ret_n)
{
    socklen_t size = 0;
    gid_t *groups = NULL;
    /*
     * With no room the call fails with ERANGE and returns the size that is needed; a peer in no further group needs
     * none.
     */
    if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) < 0 && errno == ERANGE)
        groups = malloc(size);
    if (!groups || getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
        size = 0;
    *ret_n = size / sizeof *groups;
    return groups;
}

const struct access_line *access_peer_line(const struct access_rule *rule, int sock, const struct peer *peer)
{
    size_t n;
    gid_t *groups = groups_of(sock, &n);
    const struct access_line *line = access_policy_find(rule->policy, peer->uid, peer->gid, groups, n);
    free(groups);
    return line;
}

static bool peer_allowed(const struct access_rule *rule, int sock, const struct ucred *cred)
{
    size_t n;
    gid_t *groups = groups_of(sock, &n);
    bool allowed = access_allows(rule, cred->uid, cred->gid, groups, n);
    free(groups);
    return allowed;
}

int access_peer(const struct access_rule *rule, int sock, struct peer *ret_peer)
{
    struct ucred cred;
    socklen_t size = sizeof cred;
    if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
        return -errno;
    *ret_peer = (struct peer){cred.uid, cred.gid, cred.pid, peer_allowed(rule, sock, &cred)};
    return 0;
}

int access_pidfd(int sock, const struct peer *peer, int *ret_fd)
{
    int fd;
    socklen_t size = sizeof fd;
    int err = getsockopt(sock, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) < 0 ? -errno : 0;
    if (err == -ENOPROTOOPT) {
        if (peer->pid <= 0)
            return -EPERM;
        fd = (int)syscall(SYS_pidfd_open, peer->pid, 0);
        err = fd < 0 ? -errno : 0;
    }
    if (err == 0)
        *ret_fd = fd;
    return err == -EINVAL ? -ESRCH : err; /* -EINVAL: the process is dead */
}

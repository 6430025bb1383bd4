/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may register: root, the daemon's own user, and members of one group. The kernel says who is at the other end
 * (unix(7), SO_PEERCRED, SO_PEERGROUPS); nothing that the client says counts. Main thread.
 */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct access_policy;
struct access_line;

struct access_rule {
    uid_t own_uid;
    gid_t group;
    bool has_group;
    char group_name[64];          /* for messages; a longer name is cut */
    struct access_policy *policy; /* used instead of the group; NULL: none. Freed by the owner of the rule */
};

struct peer {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    bool may_register;
};

/*
 * Makes a rule for members of the group called name; "": no group. -ENOENT: there is no such group, and the rule is one
 * without. Any thread; may block on a directory service.
 */
int access_rule_init(struct access_rule *rule, const char *name);

/* Whether there is such a group, and its number. Any thread; may block on a directory service. */
bool access_find_group(const char *name, gid_t *ret_gid);

/*
 * The line of the rule's policy that is for this peer now; NULL: none is. To be called only where the rule has a
 * policy.
 */
const struct access_line *access_peer_line(const struct access_rule *rule, int sock, const struct peer *peer);

/* Whether the user is root or our own, who may do everything. */
bool access_is_operator(const struct access_rule *rule, uid_t uid);

/* Whether a user may register. groups: those of the peer beside its first one, gid. */
bool access_allows(const struct access_rule *rule, uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups);

/*
 * Asks the kernel who is at the other end of the socket, and whether the rule lets him register. A negative errno.
 */
int access_peer(const struct access_rule *rule, int sock, struct peer *ret_peer);

/*
 * A pidfd of the process that connected, which the caller closes. -ESRCH: it is dead. Kernels before 6.5 give its number
 * alone: if it has died since and the number was used again, the descriptor is another's, which lives longer, and so does
 * what depends on it; the connection's end still counts. -EPERM: such a kernel, and a process that has no number here (in
 * another PID namespace). Or another negative errno.
 */
int access_pidfd(int sock, const struct peer *peer, int *ret_fd);

#endif

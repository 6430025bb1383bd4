/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what a start of the daemon would run into, as the user that it would run as (`discoverd -t --user`). */
#include "daemon/preflight.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/address_text.h"
#include "daemon/bus/certificate.h"
#include "daemon/registry/configured.h"

#define SOON_S         (14 * 86400)
#define UNIT_STATE_DIR "/var/lib/discoverd" /* not checked: systemd makes it, for the user (StateDirectory=) */

static bool try_bus(const char *region, const struct bus_options *options)
{
    char why[BUS_WHY_CAP];
    struct bus_access *access;
    if (bus_access_read(options, &access, why) == 0) {
        bus_access_free(access);
        return true;
    }
    fprintf(stderr, "%s%s%s%s\n", region ? "region " : "", region ? region : "", region ? ": " : "", why);
    return false;
}

static bool try_access(const struct config *c)
{
    struct bus_options options;
    struct region_mirrors mirrors;
    configured_bus_options(c, false, &options);
    bool good = try_bus(NULL, &options);
    for (size_t i = 0; i < c->n_regions; i++) {
        configured_region_bus_options(c, &c->regions[i], &mirrors, &options);
        good &= try_bus(c->regions[i].name, &options);
    }
    return good;
}

static bool try_certificate(const char *key, const char *path)
{
    int64_t left_s;
    char when[CERTIFICATE_TIME_CAP];
    if (!*path || certificate_end(path, &left_s, when) < 0) /* what is wrong with the file was said */
        return true;
    if (left_s < 0)
        fprintf(stderr, "%s: %s: the certificate has expired: %s\n", key, path, when);
    else if (left_s < SOON_S)
        fprintf(stderr, "%s: %s: the certificate expires soon: %s\n", key, path, when);
    return left_s >= 0;
}

static bool try_state_dir(const char *path, const char *as)
{
    char copy[PATH_MAX];
    struct stat st;
    if (as && strcmp(path, UNIT_STATE_DIR) == 0)
        return true;
    snprintf(copy, sizeof copy, "%s", path);
    const char *folder = stat(path, &st) == 0 ? path : dirname(copy);
    if (folder == path && !S_ISDIR(st.st_mode))
        errno = ENOTDIR;
    else if (access(folder, W_OK | X_OK) == 0)
        return true;
    fprintf(stderr, "state_dir: %s: %s\n", folder, strerror(errno));
    return false;
}

/* Whether a daemon of this configuration runs: it holds the lock of its state. */
static bool runs_already(const char *state_dir)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/lock", state_dir);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    bool held = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    held |= fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return held;
}

/*
 * v6only: [::] leaves IPv4 to other entries of its list. An address that is not there yet is no mistake: it is waited for. Nor
 * is, for another user, what only root may open: the unit may have a drop-in, or systemd the socket.
 */
static bool try_port(const char *key, const char *text, int type, bool v6only, const char *as)
{
    struct sockaddr_storage address;
    socklen_t n;
    if (address_parse(text, &address, &n) < 0)
        return true;
    int fd = socket(address.ss_family, type | SOCK_CLOEXEC, 0), on = 1, only = v6only;
    if (fd < 0)
        return true;
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    int err = bind(fd, (struct sockaddr *)&address, n) < 0 ? errno : 0;
    const char *kind = type == SOCK_STREAM ? "TCP" : "UDP";
    close(fd);
    if (err == EACCES && as)
        fprintf(stderr, "%s: %s (%s): user %s needs port53.conf for it, or systemd's socket\n", key, text, kind, as);
    else if (err == EADDRINUSE || err == EACCES)
        fprintf(stderr, "%s: %s (%s): %s\n", key, text, kind, strerror(err));
    return err != EADDRINUSE && (err != EACCES || as);
}

static bool try_ports(const struct config *c, const char *as)
{
    bool good = true;
    for (size_t i = 0; i < c->dns.listen.n; i++) {
        good &= try_port("dns.listen", c->dns.listen.items[i], SOCK_DGRAM, true, as);
        good &= try_port("dns.listen", c->dns.listen.items[i], SOCK_STREAM, true, as);
    }
    return good & (!c->http.listen[0] || try_port("http.listen", c->http.listen, SOCK_STREAM, false, as));
}

bool preflight(const struct config *c, const char *as)
{
    bool good = try_access(c);
    good &= try_certificate("nats.tls.ca", c->nats.tls.ca);
    good &= try_certificate("nats.tls.cert", c->nats.tls.cert);
    good &= try_state_dir(c->state_dir, as);
    return good & (runs_already(c->state_dir) || try_ports(c, as));
}

/* --- the user --- */

/* As systemd does for User=; the process is left with no capability. */
static int become(const struct passwd *user)
{
    uid_t uid = user->pw_uid;
    gid_t gid = user->pw_gid;
    if (initgroups(user->pw_name, gid) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;
    return 0;
}

int preflight_take_user(const char *name, const char **ret_taken)
{
    const char *wanted = name ? name : PREFLIGHT_USER;
    const struct passwd *user = name || geteuid() == 0 ? getpwnam(wanted) : NULL;
    if (!user && name) {
        fprintf(stderr, "--user %s: there is no such user\n", name);
        return -EINVAL;
    }
    *ret_taken = NULL;
    if (!user || user->pw_uid == geteuid())
        return 0;
    int err = become(user);
    if (err < 0) {
        fprintf(stderr, "--user %s: only root may try what another user finds: %s\n", wanted, strerror(-err));
        return -EINVAL;
    }
    *ret_taken = wanted;
    return 0;
}

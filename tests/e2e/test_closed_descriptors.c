/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that closes descriptors of the library's, as daemons do with closefrom(3) and as wrong code does by number, and
 * gets their numbers for files of its own: the library touches none of them, and works on by itself.
 */
#include <dirent.h>
#include <discover/discover.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"
#define FDS_MAX 256

static struct nats nats;
static struct host a;

/* A program's handle with all that it may have. */
struct program {
    struct discover *d;
    struct discover_registration *r;
    struct discover_watch *w;
    struct discover_picker *p;
    int reported;
    char instance[16]; /* its own: another process may not have been heard to have ended */
};

static bool open_fds(bool ret_open[static FDS_MAX])
{
    DIR *dir = opendir("/proc/self/fd");
    memset(ret_open, 0, FDS_MAX * sizeof *ret_open);
    if (!dir)
        return false;
    for (const struct dirent *e; (e = readdir(dir));) {
        int fd = atoi(e->d_name);
        if (fd < FDS_MAX && fd != dirfd(dir))
            ret_open[fd] = true;
    }
    closedir(dir);
    return true;
}

static void on_change(void *arg, const struct discover_change *change)
{
    struct program *p = arg;
    p->reported += change->n > 0;
}

static void ignore_status(void *arg, const struct discover_status *status)
{
    (void)arg, (void)status;
}

/* Asserts nothing: it runs where the test's own descriptors may be gone. 0, or a negative errno. */
static int begin(struct program *p)
{
    memset(p, 0, sizeof *p);
    snprintf(p->instance, sizeof p->instance, "p%d", (int)getpid());
    if (discover_new(&p->d) < 0 || discover_set_socket(p->d, a.socket) < 0 || discover_start(p->d) < 0 ||
        discover_registration_new(SERVICE, 80, &p->r) < 0 ||
        discover_registration_set_instance(p->r, p->instance) < 0 ||
        discover_registration_add_address(p->r, "127.0.0.1") < 0 || discover_register(p->d, p->r) < 0 ||
        discover_watch(p->d, SERVICE, on_change, p, &p->w) < 0 || discover_picker_new(p->d, SERVICE, &p->p) < 0)
        return -EIO;
    return discover_dispatch(p->d);
}

static void end(struct program *p)
{
    discover_unwatch(p->w);
    discover_picker_free(p->p);
    discover_registration_free(p->r);
    discover_free(p->d);
}

/* --- what a program may do next --- */

static int do_dispatch(struct program *p)
{
    int err = discover_dispatch(p->d);
    bool reported =
        err == -EBADF && strstr(discover_last_error(p->d), "closefrom") && discover_dispatch(p->d) != -EBADF;
    return reported ? 0 : -EPROTO;
}

static int do_register(struct program *p)
{
    return discover_register(p->d, p->r);
}

static int do_deregister(struct program *p)
{
    int err = discover_deregister(p->d, SERVICE, p->instance);
    return err == 0 || err == DISCOVER_E_UNKNOWN ? discover_register(p->d, p->r) : err;
}

static int do_heartbeat(struct program *p)
{
    int err = discover_heartbeat(p->d, SERVICE, p->instance);
    return err == -EINVAL ? 0 : err; /* the daemon says that it has no TTL */
}

static int do_drain(struct program *p)
{
    int err = discover_drain(p->d, NULL);
    return err ? err : discover_registration_set_state(p->r, DISCOVER_PASSING) ?: discover_register(p->d, p->r);
}

static int do_status(struct program *p)
{
    return discover_status(p->d, ignore_status, NULL);
}

static int do_status_later(struct program *p)
{
    return discover_status_async(p->d, NULL, NULL, NULL);
}

static int do_watch(struct program *p)
{
    struct discover_watch *w;
    int err = discover_watch(p->d, "shop/other", on_change, p, &w);
    if (!err)
        discover_unwatch(w);
    return err;
}

static int do_share(struct program *p)
{
    return discover_picker_share(p->p);
}

/* With its connection the instance went. */
static bool is_gone(int result)
{
    return result == DISCOVER_E_UNKNOWN || result == DISCOVER_E_NONE || result == DISCOVER_E_BUSY;
}

static int do_pick(struct program *p)
{
    struct discover_endpoint e;
    int err = discover_pick(p->p, &e);
    if (!err)
        discover_report(p->p, e.id, 10, DISCOVER_OK);
    return is_gone(err) ? 0 : err;
}

static int do_resolve(struct program *p)
{
    size_t n;
    int result = discover_resolve(p->d, SERVICE, NULL, 0, &n);
    return result < 0 && !is_gone(result) ? result : 0;
}

static int do_wait(struct program *p)
{
    int result = discover_wait_usable(p->d, SERVICE, 1000);
    return result < 0 && result != -EBADF ? result : 0;
}

static int do_nothing(struct program *p)
{
    (void)p;
    return 0;
}

static const struct next {
    const char *name;
    int (*fn)(struct program *p);
} nexts[] = {
    {"dispatch", do_dispatch},
    {"register", do_register},
    {"deregister", do_deregister},
    {"heartbeat", do_heartbeat},
    {"drain", do_drain},
    {"status", do_status},
    {"status_async", do_status_later},
    {"watch", do_watch},
    {"share", do_share},
    {"pick", do_pick},
    {"resolve", do_resolve},
    {"wait", do_wait},
    {"free", do_nothing},
};

enum { NEXTS = sizeof nexts / sizeof *nexts, FREE = NEXTS - 1 };

/* Connected, registered, told of what there is: as if nothing had happened. */
static int check_works(struct program *p)
{
    int reported = p->reported;
    for (int64_t end_ns = clock_now_ns() + 5 * NS_PER_S; clock_now_ns() < end_ns;) {
        struct discover_endpoint e;
        size_t n = 0;
        int err = discover_dispatch(p->d);
        if (err < 0 && err != -EBADF)
            return err;
        bool served = discover_resolve(p->d, SERVICE, &e, 1, &n) == DISCOVER_FRESH && n == 1;
        if (served && discover_connected(p->d) == 1 && discover_status(p->d, ignore_status, NULL) == 0)
            return p->reported >= reported ? 0 : -EPROTO;
        (void)poll(&(struct pollfd){.fd = discover_fd(p->d), .events = POLLIN}, 1, 20);
    }
    return -ETIME;
}

/* --- files of the program's own, with a number of the library's --- */

struct decoy {
    int peer;
    struct stat st;
};

/* A socket with a byte to be read that nobody may read. */
static int put_decoy(int fd, struct decoy *ret_decoy)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0 || write(pair[1], "d", 1) != 1)
        return -errno;
    if (pair[0] != fd && (dup2(pair[0], fd) < 0 || close(pair[0]) < 0))
        return -errno;
    ret_decoy->peer = pair[1];
    return fstat(fd, &ret_decoy->st) < 0 ? -errno : 0;
}

static int check_decoy(int fd, struct decoy *decoy)
{
    struct stat st;
    char byte = 0;
    if (fstat(fd, &st) < 0 || st.st_ino != decoy->st.st_ino)
        return -EBADF; /* it was closed */
    if (read(fd, &byte, 1) != 1 || byte != 'd')
        return -ENODATA; /* it was read */
    ssize_t n = read(decoy->peer, &byte, 1);
    if (n != -1 || errno != EAGAIN)
        return n == 0 ? -EPIPE : -EEXIST; /* it was shut down, or written to */
    close(fd);
    close(decoy->peer);
    return 0;
}

static void try_one(int number, bool reused, const struct next *next)
{
    bool before[FDS_MAX], after[FDS_MAX];
    struct program p;
    struct decoy decoy;
    int fd = 0, err = 0;
    ck_assert(open_fds(before));
    ck_assert_int_eq(begin(&p), 0);
    ck_assert(open_fds(after));
    for (int seen = 0; fd < FDS_MAX; fd++)
        if (after[fd] && !before[fd] && seen++ == number)
            break;
    if (fd < FDS_MAX) {
        close(fd);
        err = reused ? put_decoy(fd, &decoy) : 0;
        ck_assert_int_eq(err, 0);
        err = next->fn(&p);
        ck_assert_msg(err == 0, "%s after descriptor %d of the library's was %s: %s (%s)", next->name, number,
                      reused ? "another's" : "closed", discover_strerror(err), discover_last_error(p.d));
        err = next == &nexts[FREE] ? 0 : check_works(&p);
        ck_assert_msg(err == 0, "%s, descriptor %d %s, then it works no more: %s (%s)", next->name, number,
                      reused ? "another's" : "closed", discover_strerror(err), discover_last_error(p.d));
    }
    end(&p);
    err = fd < FDS_MAX && reused ? check_decoy(fd, &decoy) : 0;
    ck_assert_msg(err == 0, "%s touched what had the number %d: %s", next->name, number, discover_strerror(err));
}

START_TEST(one_of_them)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls});
    for (size_t i = 0; i < NEXTS; i++)
        for (int number = 0; number < 5; number++)
            for (int reused = 0; reused < 2; reused++)
                try_one(number, reused, &nexts[i]);
}
END_TEST

/* --- closefrom(3) --- */

/* The program's own loop: it must stay as it is. */
static int check_loop(int epoll, int event)
{
    struct epoll_event events[4];
    uint64_t value;
    if (epoll_wait(epoll, events, 4, 0) != 1 || events[0].data.u64 != 77)
        return -EPROTO;
    return read(event, &value, sizeof value) == sizeof value && value == 5 ? 0 : -EPROTO;
}

/* What has which number decides chance, so all that there may be of the library's are taken. */
static int close_all(const struct next *next, bool reused)
{
    enum { DECOYS = 24 };
    struct program p;
    struct decoy decoys[DECOYS];
    int fds[DECOYS], err = begin(&p), epoll = -1, event = -1;
    if (err)
        return err;
    closefrom(3);
    if (reused) {
        epoll = epoll_create1(0);
        event = eventfd(5, EFD_NONBLOCK);
        struct epoll_event watched = {.events = EPOLLIN, .data.u64 = 77};
        err = epoll_ctl(epoll, EPOLL_CTL_ADD, event, &watched) < 0 ? -errno : 0;
    }
    for (int i = 0; i < DECOYS && reused && !err; i++) {
        fds[i] = open("/dev/null", O_RDONLY);
        err = put_decoy(fds[i], &decoys[i]);
    }
    if (!err)
        err = next->fn(&p);
    if (!err && next != &nexts[FREE])
        err = check_works(&p);
    end(&p);
    for (int i = 0; i < DECOYS && reused && !err; i++)
        err = check_decoy(fds[i], &decoys[i]);
    return !err && reused ? check_loop(epoll, event) : err;
}

START_TEST(all_of_them)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls});
    for (size_t i = 0; i < NEXTS; i++)
        for (int reused = 0; reused < 2; reused++) {
            int status;
            fflush(NULL);
            pid_t child = fork();
            if (child == 0)
                _exit(-close_all(&nexts[i], reused) & 0x7f);
            ck_assert_int_eq(waitpid(child, &status, 0), child);
            ck_assert_msg(status == 0, "%s after closefrom%s: signal %d, exit %d (%s)", nexts[i].name,
                          reused ? ", numbers used again" : "", WTERMSIG(status), WEXITSTATUS(status),
                          strerror(WEXITSTATUS(status)));
            (void)wait_until(2000, seen_by_lib(&a, SERVICE) == 0, a.seen);
        }
}
END_TEST

/* --- without a daemon --- */

static int over_dns(void)
{
    struct discover *d;
    char server[32];
    snprintf(server, sizeof server, "127.0.0.1:%d", a.dns_port);
    if (discover_new(&d) < 0 || discover_set_source(d, DISCOVER_SOURCE_DNS) < 0 ||
        discover_set_dns(d, server, NULL) < 0 || discover_start(d) < 0 || discover_wait(d, "web/front", 5000) != 0)
        return 1;
    for (int round = 0; round < 5; round++) {
        char other[32];
        struct decoy decoys[16];
        int fds[16];
        snprintf(other, sizeof other, "web/other%d", round);
        size_t n;
        /* In the middle of a question, too. */
        if (discover_resolve(d, other, NULL, 0, &n) != DISCOVER_E_UNSYNCED || (round % 2 && discover_dispatch(d) < 0))
            return 2;
        closefrom(3);
        for (int i = 0; i < 16; i++)
            if (put_decoy(fds[i] = open("/dev/null", O_RDONLY), &decoys[i]) < 0)
                return 3;
        int result = -EBADF;
        for (int i = 0; i < 3 && result == -EBADF; i++)
            result = discover_wait(d, other, 10000);
        if (result != DISCOVER_E_UNKNOWN || discover_wait(d, "web/front", 5000) != 0)
            return 4;
        for (int i = 0; i < 16; i++)
            if (check_decoy(fds[i], &decoys[i]) < 0)
                return 5;
    }
    closefrom(3);
    discover_free(d);
    return 0;
}

START_TEST(those_of_dns)
{
    int status;
    nats_start(&nats, 1);
    host_start(&a,
               &(struct host_options){.nats = nats.urls,
                                      .services = "{ name = \"web/front\"; port = 1; address = [\"127.0.0.1\"]; }"});
    pid_t child = fork();
    if (child == 0)
        _exit(over_dns());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

E2E_TESTS("closed_descriptors", 60, {"one_of_them", one_of_them}, {"all_of_them", all_of_them},
          {"those_of_dns", those_of_dns})

/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, pinning and stopping the servers. */
#include "tests/bench/dns/server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX 16

static const char *const programs[SERVER_KINDS] = {
    [SERVER_KNOT] = "/usr/sbin/knotd",
    [SERVER_NSD] = "/usr/sbin/nsd",
};

const char *server_name(enum server_kind kind)
{
    static const char *const names[SERVER_KINDS] = {"discoverd", "echo", "knot", "nsd"};
    return names[kind];
}

bool server_available(enum server_kind kind)
{
    return !programs[kind] || access(programs[kind], X_OK) == 0;
}

void pin_to(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (core >= 0)
        CPU_SET(core, &set);
    for (int i = 1; core < 0 && i < sysconf(_SC_NPROCESSORS_ONLN); i++)
        CPU_SET(i, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        perror("sched_setaffinity");
}

static void pin_to_first(uint32_t cores)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (uint32_t i = 0; i < cores; i++)
        CPU_SET(i, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        perror("sched_setaffinity");
}

int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = -1;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0)
        port = ntohs(a.sin_port);
    close(fd);
    return port;
}

static void be_quiet(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
}

static void run_child(const struct server_options *o, const char *const *argv, int ready_fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    pin_to_first(o->workers ? o->workers : 1);
    if (o->kind == SERVER_OURS)
        serve_ours(o, ready_fd);
    else if (o->kind == SERVER_FLOOR)
        serve_floor(o, ready_fd);
    else {
        be_quiet();
        execv(argv[0], (char *const *)argv);
    }
    _exit(EXIT_FAILURE);
}

static int spawn(const struct server_options *o, const char *const *argv, struct server *ret_s)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        close(ready[0]);
        run_child(o, argv, ready[1]);
    }
    close(ready[1]);
    bool own = o->kind == SERVER_OURS || o->kind == SERVER_FLOOR;
    int err = pid < 0 ? -errno : 0;
    ret_s->pid = pid;
    if (!err && own && read(ready[0], &ret_s->port, sizeof ret_s->port) != sizeof ret_s->port)
        err = -ECHILD;
    close(ready[0]);
    return err;
}

int server_start(const struct server_options *o, struct server *ret_s)
{
    const char *argv[ARGS_MAX] = {programs[o->kind]};
    if (!server_available(o->kind))
        return -ENOENT;
    if (programs[o->kind]) {
        ret_s->port = free_port();
        int err = rival_prepare(o, ret_s->port, argv, ARGS_MAX);
        if (err)
            return err;
    }
    return spawn(o, argv, ret_s);
}

/* The whole group: nsd has children that answer. */
void server_stop(struct server *s)
{
    if (s->pid <= 0)
        return;
    kill(-s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

static int64_t process_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec ts;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) < 0)
        return 0;
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool in_group(pid_t pid, pid_t group)
{
    return getpgid(pid) == group;
}

int64_t server_cpu_ns(const struct server *s)
{
    int64_t total = 0;
    DIR *proc = opendir("/proc");
    for (const struct dirent *d = proc ? readdir(proc) : NULL; d; d = readdir(proc)) {
        pid_t pid = atoi(d->d_name);
        if (pid > 0 && in_group(pid, s->pid))
            total += process_cpu_ns(pid);
    }
    if (proc)
        closedir(proc);
    return total;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a process that was killed (kill -9) is still in the answers, of its own host and of another one: by what its
 * registration is bound to, its connection, its pidfd, discoverctl's command, or the main process of a systemd unit; and the
 * floor, a process that waits for another one and does nothing else.
 *
 * For the last the program runs itself again in namespaces of its own, with its own /run, /tmp and /var/lib, which that systemd
 * would otherwise empty. Where they cannot be made it says so and measures the others.
 */
#include <discover/discover.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/propagation/await_count.h"
#include "tests/bench/propagation/samples.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/wait.h"

#define SERVICE  "bench/death"
#define DEATHS   100
#define LIMIT_MS 5000
#define OWN_MS   50 /* what is promised */
#define OTHER_MS 1000
#define BUS      "/run/user/0/systemd/private"

static struct nats nats;
static struct host a, b;

static void start_host(struct host *h, const char *name, const char *services)
{
    host_start(h, &(struct host_options){.name = name,
                                         .nats = nats.urls,
                                         .lease_ttl = "10s",
                                         .services = services,
                                         .extra = "systemd = { bus = \"unix:path=" BUS "\"; };"});
    (void)host_lib(h);
}

static void two_hosts(const char *services)
{
    nats_start(&nats, 1);
    start_host(&a, "a", services);
    start_host(&b, "b", NULL);
    prctl(PR_SET_TIMERSLACK, 1UL); /* for short sleeps that are short */
}

/* --- the floor --- */

static _Noreturn void sleeper(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
}

static pid_t start_sleeper(void)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        sleeper();
    return pid;
}

/* Waits for a process by nothing but a pidfd, and says so in shared memory. */
static _Noreturn void watch_bare(pid_t pid, atomic_int *alive)
{
    struct pollfd end = {.fd = pidfd_open(pid, 0), .events = POLLIN};

    atomic_store(alive, 1);
    (void)poll(&end, 1, -1);
    atomic_store(alive, 0);
    _exit(EXIT_SUCCESS);
}

static void await_bare(const atomic_int *alive, int n)
{
    while (atomic_load(alive) != n)
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_US}, NULL); /* as await_count does */
}

static void reap(pid_t pid)
{
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* What a death takes to be seen by another process, whatever is between the two. */
static void measure_floor(void)
{
    static struct samples bare;
    atomic_int *alive = mmap(NULL, sizeof *alive, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(alive, MAP_FAILED);
    for (int i = 0; i < DEATHS; i++) {
        pid_t pid = start_sleeper(), watcher = fork();
        ck_assert_int_ge(watcher, 0);
        if (watcher == 0)
            watch_bare(pid, alive);
        await_bare(alive, 1);
        int64_t start_ns = clock_now_ns();
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        await_bare(alive, 0);
        samples_add(&bare, clock_now_ns() - start_ns);
        reap(pid);
        reap(watcher);
    }
    samples_print_limit("death/floor-of-a-bare-pidfd", &bare, OWN_MS);
    (void)munmap(alive, sizeof *alive);
}

/* --- what is killed: begin returns its process --- */

struct kind {
    const char *name;
    pid_t (*begin)(void);
    void (*end)(pid_t pid); /* when it is gone everywhere */
};

static _Noreturn void server(void)
{
    struct discover *d;
    struct discover_registration *r;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (discover_new(&d) == 0 && discover_set_socket(d, a.socket) == 0 && discover_start(d) >= 0 &&
        discover_registration_new(SERVICE, 8080, &r) == 0 && discover_register(d, r) == 0)
        for (;;)
            pause();
    _exit(EXIT_FAILURE);
}

static pid_t begin_connection(void)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        server();
    return pid;
}

static pid_t begin_pidfd(void)
{
    struct discover_registration *r;
    pid_t pid = start_sleeper();

    ck_assert_int_eq(discover_registration_new(SERVICE, 8080, &r), 0);
    ck_assert_int_eq(discover_registration_set_pid(r, pid), 0);
    ck_assert_int_eq(discover_register(a.lib, r), 0);
    discover_registration_free(r);
    return pid;
}

static struct proc wrapper;

static pid_t child_of(pid_t pid)
{
    char path[64];
    int child = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *in = fopen(path, "r");
    if (in && fscanf(in, "%d", &child) != 1)
        child = 0;
    if (in)
        fclose(in);
    return child;
}

static pid_t begin_command(void)
{
    pid_t pid = 0;

    ctl_start(&a, &wrapper, "wrapper", "register", SERVICE, "--port", "8080", "--", "sleep", "1000", NULL);
    (void)wait_until(LIMIT_MS, (pid = child_of(wrapper.pid)) > 0 && has_count(&a, SERVICE, 1), "no command");
    return pid;
}

static void end_command(pid_t pid)
{
    (void)pid;
    (void)proc_wait(&wrapper, LIMIT_MS);
}

static pid_t begin_unit(void)
{
    struct output o;

    ck_assert_msg(shell(&o, "systemctl --user start death.service && systemctl --user show -P MainPID death.service") ==
                      0,
                  "%s", o.err);
    return (pid_t)atoi(o.out);
}

static void end_unit(pid_t pid)
{
    struct output o;

    (void)pid;
    (void)wait_until(LIMIT_MS, shell(&o, "systemctl --user is-failed -q death.service") == 0, "not failed");
    ck_assert_int_eq(shell(&o, "systemctl --user reset-failed death.service"), 0);
}

static void measure(const struct kind *kind)
{
    static struct samples own, other;
    char name[128];

    for (int i = 0; i < DEATHS; i++) {
        pid_t pid = kind->begin();
        ck_assert_int_gt(pid, 0);
        await_count(&a, SERVICE, 1);
        await_count(&b, SERVICE, 1);
        int64_t start_ns = clock_now_ns();
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        await_count(&a, SERVICE, 0);
        samples_add(&own, clock_now_ns() - start_ns);
        await_count(&b, SERVICE, 0);
        samples_add(&other, clock_now_ns() - start_ns);
        kind->end(pid);
    }
    snprintf(name, sizeof name, "death/%s-gone-on-its-host", kind->name);
    samples_print_limit(name, &own, OWN_MS);
    snprintf(name, sizeof name, "death/%s-gone-on-another-host", kind->name);
    samples_print_limit(name, &other, OTHER_MS);
}

START_TEST(connection)
{
    two_hosts(NULL);
    measure(&(struct kind){"connection", begin_connection, reap});
}
END_TEST

START_TEST(pidfd)
{
    two_hosts(NULL);
    measure_floor(); /* beside two hosts that have nothing to do */
    measure(&(struct kind){"pidfd", begin_pidfd, reap});
}
END_TEST

START_TEST(command)
{
    two_hosts(NULL);
    measure(&(struct kind){"command", begin_command, end_command});
}
END_TEST

START_TEST(unit)
{
    if (access(BUS, F_OK) != 0) {
        fprintf(stderr, "-- skipped: unit: no namespaces for a systemd of its own\n");
        return;
    }
    two_hosts("{ name = \"" SERVICE "\"; unit = \"death.service\"; port = 8080; }");
    measure(&(struct kind){"unit", begin_unit, end_unit});
    fprintf(stderr, "-- unit: %lld of %d deaths known before systemd told of them\n",
            (long long)host_counter(&a, "discoverd_unit_deaths_total"), DEATHS);
}
END_TEST

static const char in_namespaces[] =
    "mount --make-rprivate / && for d in /run /tmp /var/lib; do mount -t tmpfs tmpfs $d || exit; done; ip link set lo "
    "up;"
    "export XDG_RUNTIME_DIR=/run/user/0 SYSTEMD_UNIT_PATH=/run/units:/usr/lib/systemd/user DEATH_IN_NAMESPACES=yes;"
    "unset TMPDIR; mkdir -p /run/systemd/system $XDG_RUNTIME_DIR /run/units;"
    "printf '[Unit]\\nStartLimitIntervalSec=0\\n[Service]\\nExecStart=/bin/sleep 1000\\n' >/run/units/death.service;"
    "/lib/systemd/systemd --user >/tmp/systemd.log 2>&1 &"
    "for i in $(seq 500); do test -S $XDG_RUNTIME_DIR/systemd/private && break; sleep 0.01; done; exec \"$0\"";

static bool can_have_namespaces(void)
{
    return system("unshare -m -p -C -n -f --mount-proc true 2>/dev/null") == 0 &&
           access("/lib/systemd/systemd", X_OK) == 0;
}

int main(int argc, char **argv)
{
    const struct e2e_test tests[] = {
        {"connection", connection}, {"pidfd", pidfd}, {"command", command}, {"unit", unit}};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    (void)argc, (void)argv;
    if (n > 0 && !getenv("DEATH_IN_NAMESPACES") && can_have_namespaces()) {
        self[n] = '\0';
        execlp("unshare", "unshare", "-m", "-p", "-C", "-n", "-f", "--mount-proc", "--kill-child", "bash", "-c",
               in_namespaces, self, (char *)NULL);
    }
    return e2e_main("death", tests, sizeof tests / sizeof *tests, 120);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A process killed with -9 is gone from its own host's answers within 50 ms, from the other host's within 1 s. */
#include <discover/discover.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"

/* Generous: on a loaded machine the scheduler alone takes some of it. tests/bench/run has the figures. */
#define OWN_HOST_MS   500
#define OTHER_HOST_MS 1000

static struct nats nats;
static struct host a, b;

static void two_hosts(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
}

static void found_everywhere(void)
{
    (void)wait_until(3000, seen_by_all(&a, SERVICE, 1), a.seen);
    (void)wait_until(3000, seen_by_all(&b, SERVICE, 1), b.seen);
}

static void kill_and_watch(pid_t pid, const char *what)
{
    char line[128];

    int64_t killed_ns = clock_now_ns();
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    (void)wait_until(OWN_HOST_MS, seen_by_dns(&a, SERVICE) == 0, a.seen);
    int64_t own_ns = clock_now_ns() - killed_ns;
    (void)wait_until(OTHER_HOST_MS, seen_by_dns(&b, SERVICE) == 0, b.seen);
    int64_t other_ns = clock_now_ns() - killed_ns;
    snprintf(line, sizeof line, "kill -9 of %s, gone on its own host", what);
    measured(line, own_ns);
    snprintf(line, sizeof line, "kill -9 of %s, gone on the other host", what);
    measured(line, other_ns);
    ck_assert(seen_by_all(&a, SERVICE, 0) && seen_by_all(&b, SERVICE, 0));
}

/* The process writes its id to a file, as a test cannot know it otherwise. */
static pid_t read_pid(const char *path)
{
    pid_t pid = 0;
    FILE *in = NULL;

    (void)wait_until(3000, (in = fopen(path, "r")) && fscanf(in, "%d", &pid) == 1, path);
    fclose(in);
    return pid;
}

START_TEST(of_a_command)
{
    char path[300], script[1024];
    struct proc holder;

    two_hosts();
    snprintf(path, sizeof path, "%s/pid", e2e_folder());
    snprintf(script, sizeof script, "echo $$ > %s.new; mv %s.new %s; exec sleep 600", path, path, path);
    ctl_start(&a, &holder, "holder", "register", SERVICE, "--port", "1", "--", "sh", "-c", script, NULL);
    found_everywhere();
    kill_and_watch(read_pid(path), "a command");
    ck_assert_int_eq(proc_wait(&holder, 2000), 128 + SIGKILL);
}
END_TEST

START_TEST(of_a_holding_discoverctl)
{
    struct proc holder;

    two_hosts();
    ctl_start(&a, &holder, "holder", "register", SERVICE, "--port", "1", NULL);
    found_everywhere();
    kill_and_watch(holder.pid, "a holding discoverctl");
}
END_TEST

START_TEST(of_a_process_named_by_pid)
{
    struct proc other;
    struct output o;
    char pid[16];

    two_hosts();
    proc_start(&other, "other", (const char *const[]){"sleep", "600", NULL}, NULL);
    snprintf(pid, sizeof pid, "%d", other.pid);
    ck_assert_int_eq(ctl(&a, &o, "register", SERVICE, "--port", "1", "--pid", pid, NULL), 0);
    found_everywhere();
    kill_and_watch(other.pid, "a process named by pid");
}
END_TEST

/* In a process of its own: registers, and lives until it is killed. */
static _Noreturn void server(void)
{
    struct discover *d;
    struct discover_registration *r;

    if (discover_new(&d) == 0 && discover_set_socket(d, a.socket) == 0 && discover_start(d) >= 0 &&
        discover_registration_new(SERVICE, 1, &r) == 0 && discover_register(d, r) == 0)
        for (;;)
            pause();
    _exit(EXIT_FAILURE);
}

START_TEST(of_a_program_with_libdiscover)
{
    two_hosts();
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        server();
    found_everywhere();
    kill_and_watch(pid, "a program with libdiscover");
}
END_TEST

/* In a process of its own: registers, and has a child that keeps copies of all descriptors until it is told to go. */
static _Noreturn void server_with_a_child(int hold)
{
    pid_t server_pid = getpid();
    struct discover *d;
    struct discover_registration *r;

    if (discover_new(&d) < 0 || discover_set_socket(d, a.socket) < 0 || discover_start(d) < 0 ||
        discover_registration_new(SERVICE, 1, &r) < 0 || discover_register(d, r) < 0 || fork() < 0)
        _exit(EXIT_FAILURE);
    char byte;
    if (getpid() != server_pid)
        _exit((int)read(hold, &byte, 1));
    for (;;)
        pause();
}

/* The connection does not end, and yet its process is dead. */
START_TEST(of_a_program_whose_child_lives_on)
{
    int hold[2];

    two_hosts();
    ck_assert_int_eq(pipe(hold), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        close(hold[1]);
        server_with_a_child(hold[0]);
    }
    close(hold[0]);
    found_everywhere();
    kill_and_watch(pid, "a program whose child lives on");
    ck_assert_int_eq(host_counter(&a, "discoverd_api_peers_unwatched_total"), 0);
    ck_assert_int_eq(write(hold[1], "", 1), 1); /* its child has lived until now */
    close(hold[1]);
}
END_TEST

/*
 * A process in a PID namespace of its own registers another one there by the number that it has there, which outside is
 * another process's or none.
 */
static void of_a_process_in_a_container(const char *namespaces)
{
    struct proc container;
    struct output o;
    char script[2048];

    if (shell(&o, "unshare %s true", namespaces) != 0) {
        printf("-- skipped: a process in a container: needs root, and namespaces\n");
        return;
    }
    two_hosts();
    snprintf(script, sizeof script,
             "sleep 300 & p=$!; %s -s %s register " SERVICE " --port 1 --pid $p && touch %s/done; "
             "until [ -e %s/kill ]; do sleep 0.02; done; kill -9 $p; wait $p; sleep 300",
             e2e_binary("discoverctl"), a.socket, e2e_folder(), e2e_folder());
    const char *argv[] = {"/bin/sh", "-c", "exec unshare $0 /bin/sh -c \"$1\"", namespaces, script, NULL};
    proc_start(&container, "container", argv, NULL);
    found_everywhere();
    ck_assert_int_eq(shell(&o, "touch %s/kill", e2e_folder()), 0);
    (void)wait_until(OTHER_HOST_MS, seen_by_dns(&a, SERVICE) == 0, a.seen);
    (void)wait_until(OTHER_HOST_MS, seen_by_dns(&b, SERVICE) == 0, b.seen);
    proc_signal(&container, SIGKILL);
}

START_TEST(of_a_process_in_a_pid_namespace)
{
    of_a_process_in_a_container("--pid --fork --kill-child --mount-proc");
}
END_TEST

START_TEST(of_a_process_in_a_pid_and_network_namespace)
{
    of_a_process_in_a_container("--pid --fork --kill-child --mount-proc --net");
}
END_TEST

START_TEST(a_thread_is_refused)
{
    struct output o;
    char number[32];

    host_start(&a, &(struct host_options){0});
    ck_assert_int_eq(shell(&o, "ls /proc/%d/task | sort -n | tail -1", a.proc.pid), 0);
    ck_assert_int_eq(sscanf(o.out, "%31[0-9]", number), 1);
    ck_assert_int_ne(ctl(&a, &o, "register", SERVICE, "--port", "1", "--pid", number, NULL), 0);
    ck_assert_msg(strstr(o.err, "thread"), "%s%s", o.out, o.err);
}
END_TEST

E2E_TESTS("process death", 60, {"of_a_command", of_a_command}, {"of_a_holding_discoverctl", of_a_holding_discoverctl},
          {"of_a_process_named_by_pid", of_a_process_named_by_pid},
          {"of_a_process_in_a_pid_namespace", of_a_process_in_a_pid_namespace},
          {"of_a_process_in_a_pid_and_network_namespace", of_a_process_in_a_pid_and_network_namespace},
          {"a_thread_is_refused", a_thread_is_refused},
          {"of_a_program_with_libdiscover", of_a_program_with_libdiscover},
          {"of_a_program_whose_child_lives_on", of_a_program_whose_child_lives_on})

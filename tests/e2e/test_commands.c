/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl for people and scripts: lists by what they hold, a command at each change. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats nats;
static struct host a, b;
static struct output o;

static void two_hosts(const char *services_of_a)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls, .services = services_of_a});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
}

START_TEST(lists_by_domain_tag_and_state)
{
    two_hosts("{ name = \"shop/pay\"; instance = \"p1\"; port = 1; address = [\"10.1.2.3\"]; tags = [\"canary\"]; }, "
              "{ name = \"shop/pay\"; instance = \"p2\"; port = 2; address = [\"10.1.2.3\"]; }, "
              "{ name = \"stock/db\"; port = 3; address = [\"10.1.2.3\"]; }");
    (void)wait_until(3000, seen_by_dns(&b, "shop/pay") == 2 && seen_by_dns(&b, "stock/db") == 1, b.seen);
    ck_assert_int_eq(ctl(&b, &o, "list", NULL), 0);
    ck_assert_str_eq(o.out, "shop/pay  2/2\nstock/db  1/1\n");
    ck_assert_int_eq(ctl(&b, &o, "list", "stock", NULL), 0);
    ck_assert_str_eq(o.out, "stock/db  1/1\n");
    ck_assert_int_eq(ctl(&b, &o, "list", "--tag", "canary", NULL), 0);
    ck_assert_str_eq(o.out, "shop/pay  1/1\n");
    ck_assert_int_eq(ctl(&a, &o, "drain", "shop/pay", "p2", NULL), 0);
    (void)wait_until(3000, ctl(&b, &o, "list", "--state", "draining", NULL) == 0 && *o.out, b.seen);
    ck_assert_str_eq(o.out, "shop/pay  0/1\n");
    ck_assert_int_eq(ctl(&b, &o, "list", "--state", "well", NULL), 2);
}
END_TEST

START_TEST(hosts_that_are_gone)
{
    two_hosts("");
    (void)wait_until(3000, ctl(&b, &o, "hosts", NULL) == 0 && strstr(o.out, "a  alive"), o.out);
    host_leave(&a);
    (void)wait_until(3000, ctl(&b, &o, "hosts", NULL) == 0 && !strstr(o.out, "a  alive"), o.out);
    ck_assert_msg(!strstr(o.out, "gone") && strstr(o.err, "1 more are gone"), "%s%s", o.out, o.err);
    ck_assert_int_eq(ctl(&b, &o, "hosts", "--all", NULL), 0);
    ck_assert_msg(strstr(o.out, "a  gone"), "%s", o.out);
}
END_TEST

START_TEST(status_is_for_people)
{
    two_hosts("");
    ck_assert_int_eq(ctl(&a, &o, "status", NULL), 0);
    ck_assert_msg(*o.out && !strstr(o.out, "_total"), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "status", "--counters", NULL), 0);
    ck_assert_msg(strstr(o.out, "_total"), "%s", o.out);
}
END_TEST

/* --- watch DOMAIN/SERVICE -- COMMAND --- */

static char path[256], text[64 * 1024];

/* What the command has written so far. */
static const char *written(void)
{
    FILE *in = fopen(path, "r");
    size_t n = in ? fread(text, 1, sizeof text - 1, in) : 0;
    text[n] = '\0';
    if (in)
        fclose(in);
    return text;
}

/* The document of the last run. */
static const char *last(void)
{
    const char *run = written(), *next;
    while ((next = strstr(run, "shop/pay {")))
        run = next + 1;
    return run;
}

static size_t runs(void)
{
    size_t n = 0;
    for (const char *at = written(); (at = strstr(at, "shop/pay {")); at++)
        n++;
    return n;
}

START_TEST(a_command_at_each_change)
{
    static struct proc watcher, holder;
    char script[800], busy[300];
    two_hosts("{ name = \"shop/pay\"; instance = \"p1\"; port = 1; address = [\"10.1.2.3\"]; }");
    (void)wait_until(3000, seen_by_dns(&b, "shop/pay") == 1, b.seen);
    snprintf(path, sizeof path, "%s/written", e2e_folder());
    snprintf(busy, sizeof busy, "%s/busy", e2e_folder());
    snprintf(script, sizeof script, "{ echo \"$DISCOVER_SERVICE $(cat)\"; } >>%s; while [ -e %s ]; do sleep 0.02; done",
             path, busy);
    ctl_start(&b, &watcher, "watcher", "watch", "shop/pay", "--", "sh", "-c", script, NULL);
    (void)wait_until(3000, strstr(last(), "\"instance\":\"p1\""), text);
    ctl_start(&a, &holder, "holder", "register", "shop/pay", "--port", "9", "--address", "10.1.2.4", "--instance", "p9",
              NULL);
    (void)wait_until(3000, strstr(last(), "\"instance\":\"p9\""), text);
    /* Many changes while it is busy: they are one more run or two, and the last one is in it. */
    ck_assert_int_eq(close(open(busy, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
    size_t before = runs();
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(ctl(&a, &o, "drain", "shop/pay", "p9", NULL), 0);
        ck_assert_int_eq(ctl(&a, &o, "undrain", "shop/pay", "p9", NULL), 0);
    }
    ck_assert_int_eq(ctl(&a, &o, "drain", "shop/pay", "p9", NULL), 0);
    ck_assert_int_eq(unlink(busy), 0);
    (void)wait_until(3000, !strstr(last(), "\"instance\":\"p9\""), text);
    ck_assert_msg(runs() - before <= 3, "%zu runs", runs() - before);
    ck_assert_int_eq(ctl(&a, &o, "undrain", "shop/pay", "p9", NULL), 0);
    (void)wait_until(3000, strstr(last(), "\"instance\":\"p9\""), text);
    proc_kill(&holder);
    (void)wait_until(3000, !strstr(last(), "\"instance\":\"p9\""), text);
    ck_assert_int_eq(proc_stop(&watcher, 3000), 0);
    ck_assert_int_eq(ctl(&b, &o, "watch", "shop/pay", "--", "/nonexistent/program", NULL), 127);
}
END_TEST

static bool shell_says(const char *command, const char *wanted)
{
    return shell(&o, "%s", command) == 0 && strstr(o.out, wanted);
}

/* A host that died, and will not come back: everywhere at once, and only then. */
START_TEST(a_host_is_forgotten)
{
    two_hosts("{ name = \"shop/pay\"; instance = \"p1\"; port = 1; address = [\"10.1.2.3\"]; }, "
              "{ name = \"shop/pay\"; instance = \"p2\"; port = 2; address = [\"10.1.2.3\"]; }");
    static struct host c;
    host_start(&c, &(struct host_options){.name = "c", .nats = nats.urls});
    (void)wait_until(3000, seen_by_dns(&b, "shop/pay") == 2 && seen_by_dns(&c, "shop/pay") == 2, b.seen);
    ck_assert_int_eq(ctl(&b, &o, "forget", "a", NULL), 1);
    ck_assert_msg(strstr(o.err, "it is alive"), "%s", o.err);
    ck_assert_int_eq(ctl(&b, &o, "forget", "b", NULL), 1);
    ck_assert_int_eq(ctl(&b, &o, "forget", "nobody", NULL), 3);
    host_kill(&a);
    (void)wait_until(6000, ctl(&b, &o, "forget", "a", NULL) == 0, o.err);
    (void)wait_until(3000, ctl(&b, &o, "hosts", "--all", NULL) == 0 && !strstr(o.out, "a  "), o.out);
    (void)wait_until(3000, ctl(&c, &o, "hosts", "--all", NULL) == 0 && !strstr(o.out, "a  "), o.out);
    (void)wait_until(3000, ctl(&c, &o, "resolve", "shop/pay", NULL) == 3, o.out);
    ck_assert_msg(strstr(o.err, "no such service"), "%s", o.err);
    /* It may come back all the same. */
    host_run(&a);
    (void)wait_until(5000, seen_by_dns(&c, "shop/pay") == 2, c.seen);
}
END_TEST

START_TEST(an_archive_for_a_bug_report)
{
    char file[200], command[600];
    two_hosts("{ name = \"shop/pay\"; instance = \"p1\"; port = 1; address = [\"10.1.2.3\"]; }");
    snprintf(file, sizeof file, "%.180s/debug.tar", e2e_folder());
    ck_assert_int_eq(ctl(&a, &o, "debug", file, NULL), 0);
    ck_assert_int_eq(ctl(&a, &o, "debug", file, NULL), 1); /* one that is there is not written over */
    static const char *const parts[][2] = {{"versions.txt", "discoverctl "},
                                           {"status.json", "\"condition\":"},
                                           {"explain.json", "\"known\":true"},
                                           {"metrics.txt", "discoverd_loop_longest_seconds"},
                                           {"discoverd.conf", "registry.lease_ttl = \"3s\";"},
                                           {"log.txt", "synchronised: "}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(command, sizeof command, "tar xOf %s discoverd-debug/%s", file, parts[i][0]);
        ck_assert_msg(shell_says(command, parts[i][1]), "%s: %s%s", parts[i][0], o.out, o.err);
    }
}
END_TEST

/* The daemon's log, as it is written, also what its own log leaves out. */
START_TEST(the_log_live)
{
    static struct proc monitor;
    char script[1100];
    two_hosts("");
    snprintf(path, sizeof path, "%s/monitored", e2e_folder());
    snprintf(script, sizeof script, "exec %s -s %s monitor --lines 1 >%s", e2e_binary("discoverctl"), a.socket, path);
    proc_start(&monitor, "monitor", (const char *const[]){"sh", "-c", script, NULL}, NULL);
    (void)wait_until(3000, strstr(written(), "Z "), text);
    ck_assert_int_eq(ctl(&a, &o, "drain", NULL), 0);
    (void)wait_until(3000, strstr(written(), " sets draining: this host\n"), text);
    proc_kill(&monitor);
    ck_assert_int_eq(ctl(&a, &o, "monitor", "--level", "loud", NULL), 2);
}
END_TEST

/* Whoever fills the queue of the daemon's socket keeps nobody out: a place in it is worth some tries. */
START_TEST(a_full_queue_is_waited_for)
{
    enum { QUEUE_MAX = 8192 };
    static int waiting[QUEUE_MAX];
    static struct proc asks;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const struct rlimit descriptors = {QUEUE_MAX + 1000, QUEUE_MAX + 1000};
    int n = 0;
    host_start(&a, &(struct host_options){0});
    ck_assert_uint_lt(strlen(a.socket), sizeof to.sun_path);
    memcpy(to.sun_path, a.socket, strlen(a.socket));
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
    proc_signal(&a.proc, SIGSTOP);
    for (int err = 0; err == 0 && n < QUEUE_MAX; n++) {
        waiting[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        err = connect(waiting[n], (const struct sockaddr *)&to, sizeof to);
    }
    ck_assert_int_eq(errno, EAGAIN);
    ctl_start(&a, &asks, "asks", "checks", NULL);
    holds_for(300, proc_running(&asks), "discoverctl");
    while (n > 0)
        close(waiting[--n]);
    proc_signal(&a.proc, SIGCONT);
    ck_assert_int_eq(proc_wait(&asks, 10000), 0);
}
END_TEST

E2E_TESTS("commands", 40, {"lists_by_domain_tag_and_state", lists_by_domain_tag_and_state},
          {"an_archive_for_a_bug_report", an_archive_for_a_bug_report}, {"a_host_is_forgotten", a_host_is_forgotten},
          {"the_log_live", the_log_live}, {"status_is_for_people", status_is_for_people},
          {"hosts_that_are_gone", hosts_that_are_gone}, {"a_command_at_each_change", a_command_at_each_change},
          {"a_full_queue_is_waited_for", a_full_queue_is_waited_for})

/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, reloading and stopping: options, what systemd is told, and that two daemons never share what is one's own. */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats nats;
static struct host a, b;

static int discoverd(struct output *ret_output, const char *option, const char *config)
{
    return run(ret_output, (const char *const[]){e2e_binary("discoverd"), option, config ? "-c" : NULL, config, NULL});
}

START_TEST(options)
{
    struct output o;

    host_init(&a, &(struct host_options){0});
    ck_assert_int_eq(discoverd(&o, "-V", NULL), 0);
    ck_assert_ptr_nonnull(strstr(o.out, "discoverd "));
    ck_assert_msg(discoverd(&o, "-t", a.config) == 0, "%s%s", o.out, o.err);
    ck_assert_int_eq(discoverd(&o, "-t", "/nonexistent/discoverd.conf"), 2);
    ck_assert_ptr_nonnull(strstr(o.err, "/nonexistent/discoverd.conf"));
    ck_assert_int_eq(discoverd(&o, "--no-such-option", NULL), 2);
}
END_TEST

START_TEST(init_creates_the_buckets)
{
    struct output o;
    struct kv kv;

    nats_start(&nats, 1);
    host_init(&a, &(struct host_options){.nats = nats.urls});
    kv_open(&kv, nats.server[0].url);
    ck_assert_int_eq(kv_count(&kv, "SERVICES"), -1);
    ck_assert_msg(discoverd(&o, "--init", a.config) == 0, "%s%s", o.out, o.err);
    ck_assert_int_eq(kv_count(&kv, "SERVICES"), 0);
    ck_assert_int_eq(kv_count(&kv, "HOSTS"), 0);
    ck_assert_msg(discoverd(&o, "--init", a.config) == 0, "once more: %s%s", o.out, o.err);
    kv_close(&kv);
}
END_TEST

/* A second daemon that would share something with the one that runs says with what, and ends. */
static void refused(const char *shared)
{
    struct output o;
    const char *argv[] = {e2e_binary("discoverd"), "-c", b.config, NULL};

    ck_assert_int_ne(run(&o, argv), 0);
    ck_assert_msg(strstr(o.err, shared) || strstr(o.out, shared), "%s is not named: %s%s", shared, o.out, o.err);
    ck_assert_msg(seen_by_dns(&a, "shop/none") != NO_ANSWER, "%s", a.seen);
    ck_assert_int_eq(ctl(&a, &o, "status", NULL), 0);
}

/* Writes b's configuration as a's, in everything or in one line (which a sed command makes of a's file). */
static void configure_b(const char *sed)
{
    struct output o;

    ck_assert_int_eq(shell(&o, "sed -e '%s' %s >%s", sed, a.config, b.config), 0);
}

START_TEST(refuses_what_another_one_holds)
{
    char sed[2048], port[32];

    host_start(&a, &(struct host_options){0});
    host_init(&b, &(struct host_options){.name = "b"});
    configure_b("");
    refused(a.state_dir);
    snprintf(sed, sizeof sed, "s|%s|%s|", a.state_dir, b.state_dir);
    configure_b(sed);
    refused(a.socket);
    snprintf(sed, sizeof sed, "s|%s|%s|; s|%s|%s|; s|%d|%d|", a.state_dir, b.state_dir, a.socket, b.socket, a.http_port,
             b.http_port);
    configure_b(sed);
    snprintf(port, sizeof port, "127.0.0.1:%d", a.dns_port);
    refused(port);
    snprintf(sed, sizeof sed, "s|%s|%s|; s|%s|%s|; s|%d|%d|", a.state_dir, b.state_dir, a.socket, b.socket, a.dns_port,
             b.dns_port);
    configure_b(sed);
    snprintf(port, sizeof port, "127.0.0.1:%d", a.http_port);
    refused(port);
}
END_TEST

static void add_service_in(const char *file, const char *name)
{
    char path[300];

    snprintf(path, sizeof path, "%s/%s.conf", a.services_dir, file);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "services = ( { name = \"%s\"; instance = \"i1\"; port = 1; } );\n", name);
    fclose(out);
}

static void add_service(const char *name)
{
    add_service_in("added", name);
}

START_TEST(reloads_on_sighup)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls});
    add_service("shop/added");
    proc_signal(&a.proc, SIGHUP);
    (void)wait_until(3000, seen_by_all(&a, "shop/added", 1), a.seen);

    /* A file with a mistake changes nothing, and keeps no other file from being taken; a restart neither. */
    add_service("shop/NOT A NAME");
    add_service_in("good", "shop/good");
    proc_signal(&a.proc, SIGHUP);
    (void)wait_until(3000, seen_by_all(&a, "shop/good", 1) && seen_by_all(&a, "shop/added", 1), a.seen);
    host_stop(&a);
    host_run(&a);
    (void)wait_until(3000, seen_by_all(&a, "shop/good", 1) && seen_by_all(&a, "shop/added", 1), a.seen);

    add_service("shop/other");
    proc_signal(&a.proc, SIGHUP);
    (void)wait_until(3000, seen_by_all(&a, "shop/other", 1) && seen_by_all(&a, "shop/added", 0), a.seen);
}
END_TEST

/* Who has the name keeps it, and the configuration gets it when he has gone: nobody has to reload for that. */
START_TEST(a_name_that_was_taken_is_had_later)
{
    struct proc holder;
    static struct output o;

    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls});
    ctl_start(&a, &holder, "holder", "register", "shop/added", "--instance", "i1", "--port", "99", NULL);
    (void)wait_until(3000, seen_by_all(&a, "shop/added", 1), a.seen);
    add_service("shop/added");
    add_service_in("good", "shop/good");
    proc_signal(&a.proc, SIGHUP);
    (void)wait_until(3000, seen_by_all(&a, "shop/good", 1), a.seen);
    ck_assert_int_eq(ctl(&a, &o, "resolve", "shop/added", NULL), 0);
    ck_assert_ptr_nonnull(strstr(o.out, ":99 "));
    ck_assert_int_eq(proc_stop(&holder, 5000), 0);
    (void)wait_until(5000, ctl(&a, &o, "resolve", "shop/added", NULL) == 0 && strstr(o.out, ":1 "), o.out);
}
END_TEST

static bool says(const struct host *h, const char *text)
{
    static struct output o;
    return shell(&o, "grep -qF '%s' %s/discoverd-%s.log", text, e2e_folder(), h->name) == 0;
}

START_TEST(watch_names_the_instance)
{
    struct proc watcher;
    static struct output o;
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls});
    (void)wait_until(5000, says(&a, "serving DNS at 127.0.0.1:"), "not in the log");
    ctl_start(&a, &watcher, "watcher", "watch", "shop/pay", NULL);
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/pay", "--instance", "p1", "--port", "80", "--ttl", "60s", NULL), 0);
    (void)wait_until(5000, shell(&o, "grep '^+ .*:80 1 passing a/p1$' %s/watcher.log", e2e_folder()) == 0, o.err);
    ck_assert_int_eq(ctl(&a, &o, "deregister", "shop/pay", "--instance", "p1", NULL), 0);
    (void)wait_until(5000, shell(&o, "grep '^- .*:80 1 passing a/p1$' %s/watcher.log", e2e_folder()) == 0, o.err);
    proc_kill(&watcher);
}
END_TEST

START_TEST(tells_of_other_hosts)
{
    static struct host other;
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls});
    host_start(&other, &(struct host_options){.name = "other", .nats = nats.urls});
    (void)wait_until(3000, says(&a, "host other is new"), "not said");
    host_kill(&other);
    (void)wait_until(15000, says(&a, "host other is lost"), "not said");
    host_run(&other);
    (void)wait_until(5000, says(&a, "host other is back"), "not said");
    host_leave(&other);
    (void)wait_until(5000, says(&a, "host other has left"), "not said");
}
END_TEST

/* A socket like the one systemd listens on for notifications. */
static int notify_socket(char *ret_env, size_t cap)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 10};

    snprintf(sa.sun_path, sizeof sa.sun_path, "%s/notify", e2e_folder());
    snprintf(ret_env, cap, "NOTIFY_SOCKET=%s", sa.sun_path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return fd;
}

/* Reads notifications until one has the text. */
static void notified(int fd, const char *text)
{
    char message[1024];

    for (;;) {
        ssize_t n = recv(fd, message, sizeof message - 1, 0);
        ck_assert_msg(n > 0, "no %s within 10 s", text);
        message[n] = 0;
        if (strstr(message, text))
            return;
    }
}

START_TEST(tells_systemd)
{
    char env[200];
    int fd = notify_socket(env, sizeof env);

    host_init(&a, &(struct host_options){0});
    const char *argv[] = {e2e_binary("discoverd"), "-c", a.config, NULL};
    proc_start(&a.proc, "discoverd-a", argv, (const char *const[]){env, "WATCHDOG_USEC=1000000", NULL});
    notified(fd, "READY=1");
    ck_assert_msg(seen_by_ctl(&a, "shop/none") == CANNOT_KNOW, "ready, and yet: %s", a.seen);
    notified(fd, "WATCHDOG=1");
    proc_signal(&a.proc, SIGHUP);
    notified(fd, "RELOADING=1");
    notified(fd, "READY=1");
    proc_signal(&a.proc, SIGTERM);
    notified(fd, "STOPPING=1");
    ck_assert_int_eq(proc_wait(&a.proc, 10000), 0);
    close(fd);
}
END_TEST

/* A journal that hangs, a terminal that is held: whoever reads the log holds up nothing. */
START_TEST(nobody_reads_the_log)
{
    char path[300], command[1200];

    nats_start(&nats, 1);
    host_init(&a, &(struct host_options){.nats = nats.urls, .lease_ttl = "1s"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    snprintf(path, sizeof path, "%s/log", a.folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_gt(fcntl(fd, F_SETPIPE_SZ, 4096), 0);
    add_service("shop/payment");
    snprintf(command, sizeof command, "exec %s -c %s 2>%s", e2e_binary("discoverd"), a.config, path);
    proc_start(&a.proc, "discoverd-a", (const char *const[]){"sh", "-c", command, NULL}, NULL);
    host_wait_up(&a);
    (void)wait_until(5000, seen_by_all(&b, "shop/payment", 1), b.seen);
    while (host_counter(&a, "discoverd_log_lines_lost_total") < 100)
        proc_signal(&a.proc, SIGHUP);
    holds_for(3000, seen_by_dns(&b, "shop/payment") == 1 && seen_by_dns(&a, "shop/payment") == 1, b.seen);
    proc_signal(&a.proc, SIGTERM);
    ck_assert_int_eq(proc_wait(&a.proc, 10000), 0);
    close(fd);
}
END_TEST

START_TEST(no_daemon)
{
    struct output o;

    host_init(&a, &(struct host_options){0});
    ck_assert_int_eq(ctl(&a, &o, "resolve", "shop/payment", NULL), 4);
    ck_assert_ptr_nonnull(strstr(o.err, a.socket));
    ck_assert_int_eq(ctl(&a, &o, "status", NULL), 4);
    ck_assert_int_eq(ctl(&a, &o, "no-such-command", NULL), 2);
    ck_assert_int_eq(ctl(&a, &o, "resolve", "NOT A NAME", NULL), 2);
}
END_TEST

E2E_TESTS("start", 60, {"options", options}, {"init_creates_the_buckets", init_creates_the_buckets},
          {"refuses_what_another_one_holds", refuses_what_another_one_holds}, {"reloads_on_sighup", reloads_on_sighup},
          {"tells_of_other_hosts", tells_of_other_hosts}, {"watch_names_the_instance", watch_names_the_instance},
          {"a_name_that_was_taken_is_had_later", a_name_that_was_taken_is_had_later}, {"tells_systemd", tells_systemd},
          {"nobody_reads_the_log", nobody_reads_the_log}, {"no_daemon", no_daemon})

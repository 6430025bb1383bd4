/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks against real servers, by every door: what TLS does not like is named, what is slow or without end is cut off, what
 * commands leave behind is ended, and nobody is late because of it.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/certificates.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/marked.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct host a;
static struct nats nats;
static struct output o;
static struct proc servers;
static int plain, good, other_name, expired, mutual, grpc, grpcs;

static void run_host(const char *api)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .api = api});
}

static const char *in_folder(const char *name)
{
    static char path[2][300];
    static int n;
    n = !n;
    snprintf(path[n], sizeof path[n], "%s/%s", e2e_folder(), name);
    return path[n];
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(name), "w");
    ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void start_servers(void)
{
    char arguments[8][200], script[300];
    make_authority("ca");
    make_authority("stranger");
    make_certificate("ca", "server", "payment.example", 2);
    make_certificate("ca", "misnamed", "elsewhere.example", 2);
    make_certificate("ca", "expired", "payment.example", -1);
    make_certificate("ca", "client", "client.example", 2);
    int *const ports[] = {&plain, &good, &other_name, &expired, &mutual, &grpc, &grpcs};
    const char *const forms[] = {"http:%d",          "https:%d:server",     "https:%d:misnamed",
                                 "https:%d:expired", "mutual:%d:server:ca", "grpc:%d",
                                 "grpcs:%d:server"};
    for (size_t i = 0; i < 7; i++) {
        *ports[i] = port_take();
        const char *at = strstr(forms[i], "%d");
        snprintf(arguments[i], sizeof *arguments, "%.*s%d%s", (int)(at - forms[i]), forms[i], *ports[i], at + 2);
    }
    snprintf(arguments[7], sizeof *arguments, "unix:%s", "payment.sock");
    write_text("health", "- 1\nshop.Payment 1\nshop.Down 2\nshop.Long 1\n");
    snprintf(script, sizeof script, "cd %s && exec %s \"$@\"", e2e_folder(), CHECKED_SERVERS);
    const char *const argv[] = {"sh",         "-c",         script,       "servers",    arguments[0],
                                arguments[1], arguments[2], arguments[3], arguments[4], arguments[5],
                                arguments[6], arguments[7], NULL};
    proc_start(&servers, "servers", argv, NULL);
    (void)wait_until(15000, access(in_folder("ready"), F_OK) == 0, "checked-servers");
}

/* What the only check of an instance says. */
static const char *output_of(const char *instance, const char *state)
{
    static char text[4200];
    if (ctl(&a, &o, "--json", "checks", "shop/payment", instance, NULL) != 0)
        return o.err;
    json_t *all = json_loads(o.out, 0, NULL), *first = json_array_get(all, 0);
    bool known = json_is_true(json_object_get(first, "known"));
    const char *is = json_string_value(json_object_get(first, "state"));
    snprintf(text, sizeof text, "%s%s", known && is && strcmp(is, state) == 0 ? "" : "not yet: ",
             first ? json_string_value(json_object_get(first, "output")) : "no check");
    json_decref(all);
    return text;
}

static void add(const char *instance, const char *spec)
{
    static struct proc holders[40];
    static size_t n;
    ctl_start(&a, &holders[n++], instance, "register", "shop/payment", "--port", "1", "--instance", instance, "--check",
              spec, NULL);
}

/* %d is the port. */
static void expect(const char *instance, const char *form, int port, const char *state, const char *output)
{
    char spec[1024];
    const char *at = strstr(form, "%d");
    snprintf(spec, sizeof spec, "%.*s%d%s fall=1 rise=1 interval=500ms", (int)(at - form), form, port, at + 2);
    add(instance, spec);
    (void)wait_until(5000, strncmp(output_of(instance, state), output, strlen(output)) == 0,
                     output_of(instance, state));
}

#define TLS " tls.server_name=payment.example"

START_TEST(https_and_what_is_wrong_with_it)
{
    char trusted[400], both[1200];
    start_servers();
    snprintf(trusted, sizeof trusted, "http=https://127.0.0.1:%%d/ok tls.ca=%s" TLS, in_folder("ca.pem"));
    snprintf(both, sizeof both,
             "http=https://127.0.0.1:%%d/ok tls.ca=%s tls.cert=%s/client.pem tls.key=%s/client.key" TLS,
             in_folder("ca.pem"), e2e_folder(), e2e_folder());
    run_host("");
    expect("good", trusted, good, "passing", "status 200\nall is well");
    expect("misnamed", trusted, other_name, "critical",
           "SSL: no alternative certificate subject name matches target host name 'payment.example'");
    expect("expired", trusted, expired, "critical", "SSL certificate problem: certificate has expired");
    expect("unknown", "http=https://127.0.0.1:%d/ok" TLS, good, "critical",
           "SSL certificate problem: unable to get local issuer certificate");
    expect("by-address", "http=https://127.0.0.1:%d/ok tls.verify=false", other_name, "passing", "status 200");
    expect("no-client", trusted, mutual, "critical", "");
    expect("client", both, mutual, "passing", "status 200");
    expect("no-tls", trusted, plain, "critical", "");
}
END_TEST

START_TEST(http_and_what_comes_of_it)
{
    char socket_form[400];
    start_servers();
    run_host("");
    snprintf(socket_form, sizeof socket_form, "http=http://payment.example:%%d/ok socket=%s",
             in_folder("payment.sock"));
    expect("ok", "http=http://127.0.0.1:%d/ok", plain, "passing", "status 200\nall is well");
    expect("named", "http=http://localhost:%d/ok match=\"is well\"", plain, "passing", "status 200");
    expect("warn", "http=http://127.0.0.1:%d/429", plain, "warning", "status 429");
    expect("fail", "http=http://127.0.0.1:%d/503", plain, "critical", "status 503\nall is well");
    expect("wanted", "http=http://127.0.0.1:%d/503 codes=503", plain, "passing", "status 503");
    expect("moved", "http=http://127.0.0.1:%d/redirect", plain, "critical", "status 302");
    expect("follow", "http=http://127.0.0.1:%d/redirect redirects=true", plain, "passing", "status 200");
    expect("posted", "http=http://127.0.0.1:%d/echo body=\"{\\\"deep\\\": 1}\" headers=\"X-Token: a b\"", plain,
           "passing", "status 200\nPOST {\"deep\": 1} a b");
    expect("drip", "http=http://127.0.0.1:%d/drip timeout=300ms", plain, "critical",
           "not done within 0.3 s: reading the answer, whose status is 200");
    expect("huge", "http=http://127.0.0.1:%d/huge timeout=400ms", plain, "passing", "status 200\nxxxx");
    expect("nothing", "http=http://127.0.0.1:%d/huge match=needle timeout=400ms", plain, "critical",
           "status 200, but the text");
    expect("socket", socket_form, 1, "passing", "status 200");
    /* Of all that, the daemon keeps what it needs: 17 times 4 KB, not what was sent to it. */
    ck_assert_int_eq(ctl(&a, &o, "checks", NULL), 0);
    ck_assert_ptr_nonnull(strstr(o.out, "shop/payment drip http http http://127.0.0.1:"));
}
END_TEST

START_TEST(grpc_health)
{
    char secure[400];
    start_servers();
    run_host("");
    snprintf(secure, sizeof secure, "grpc=127.0.0.1:%%d tls.on=true tls.ca=%s" TLS, in_folder("ca.pem"));
    expect("server", "grpc=127.0.0.1:%d", grpc, "passing", "SERVING");
    expect("service", "grpc=127.0.0.1:%d/shop.Payment", grpc, "passing", "SERVING");
    expect("down", "grpc=127.0.0.1:%d/shop.Down", grpc, "critical", "NOT_SERVING");
    expect("none", "grpc=127.0.0.1:%d/shop.None", grpc, "critical", "grpc-status 5: no such service");
    expect("long", "grpc=127.0.0.1:%d/shop.Long", grpc, "critical", "the answer is none of grpc.health.v1");
    expect("secure", secure, grpcs, "passing", "SERVING");
    expect("no-tls", "grpc=127.0.0.1:%d", grpcs, "critical", "");
    expect("no-grpc", "grpc=127.0.0.1:%d", plain, "critical", "");
    write_text("health.new", "- 2\nshop.Payment 2\n");
    ck_assert_int_eq(rename(in_folder("health.new"), in_folder("health")), 0);
    (void)wait_until(3000, strcmp(output_of("server", "critical"), "NOT_SERVING") == 0,
                     output_of("server", "critical"));
}
END_TEST

#define MARK "MARK=left_by_a_check_of_%d"
#define NASTY(name, line)                                                                                              \
    "{ name = \"shop/nasty\"; instance = \"" name "\"; port = 1; checks = ( { exec = \"/bin/sh\"; args = [\"-c\", "    \
    "\"export " MARK "; " line "\"]; interval = \"200ms\"; timeout = \"100ms\"; } ); },"

static uint64_t runs_of(const char *instance)
{
    ck_assert_int_eq(ctl(&a, &o, "--json", "checks", "shop/payment", instance, NULL), 0);
    json_t *all = json_loads(o.out, 0, NULL);
    json_int_t runs = json_integer_value(json_object_get(json_array_get(all, 0), "runs"));
    json_decref(all);
    return (uint64_t)runs;
}

START_TEST(commands_that_do_not_behave)
{
    static char services[8000];
    int port = port_take();
    struct proc listener;
    char port_text[16];
    snprintf(port_text, sizeof port_text, "%d", port);
    const char *const argv[] = {
        "python3", "-c",
        "import socket,sys\ns=socket.create_server(('127.0.0.1',int(sys.argv[1])),backlog=128)\n"
        "while True: s.accept()[0].close()",
        port_text, NULL};
    proc_start(&listener, "listener", argv, NULL);
    const int me = (int)getpid();
    char mark[64];
    snprintf(mark, sizeof mark, MARK, me);
    snprintf(
        services, sizeof services,
        NASTY("hangs", "sleep 1000") NASTY("ignores", "trap '' TERM HUP INT; while :; do sleep 1000; done") NASTY(
            "floods", "yes") NASTY("forks", "for i in 1 2 3 4 5; do sleep 1000 & done; exit 0")
            NASTY("leaves", "(setsid sleep 1000 &); (setsid setsid sleep 1000 &); exit 0") NASTY(
                "hides",
                "(setsid env -i MARK=$MARK sh -c 'sleep 1000 & sleep 1000' &); exit 0") "{ name = \"shop/payment\"; "
                                                                                        "instance = \"well\"; port = "
                                                                                        "1; checks = ( { tcp = "
                                                                                        "\"127.0.0.1:%d\"; "
                                                                                        "interval = \"100ms\"; } ); }",
        me, me, me, me, me, me, port);
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .services = services});
    /* Its first run may come before the listener is there. */
    (void)wait_until(5000,
                     strcmp(output_of("well", "passing"), "the connection is accepted") == 0 &&
                         seen_by_dns(&a, "shop/payment") == 1,
                     o.out);
    uint64_t before = runs_of("well");
    int64_t began_ns = clock_now_ns();
    holds_for(2000, seen_by_dns(&a, "shop/payment") == 1, a.seen);
    double seconds = (double)(clock_now_ns() - began_ns) / 1e9, ran = (double)(runs_of("well") - before);
    ck_assert_msg(ran >= 4 * seconds, "%.0f runs in %.2f s", ran,
                  seconds); /* ten a second, where the machine is ours alone */
    ck_assert_int_eq(host_counter(&a, "discoverd_check_delays_total"), 0);
    ck_assert_msg(marked_processes(mark) < 30, "%u are left", marked_processes(mark)); /* of those that run just now */
    host_leave(&a);
    (void)wait_until(2000, marked_processes(mark) == 0, "they are left");
    proc_kill(&listener);
}
END_TEST

/* Whoever registers may have it checked; not in the daemon's name what he may not do himself. */
START_TEST(by_the_socket)
{
    char why[64];
    run_host("");
    ck_assert_int_eq(
        ctl(&a, &o, "register", "shop/payment", "--port", "1", "--check", "tcp=127.0.0.1:1 intervall=5s", NULL), 1);
    ck_assert_ptr_nonnull(strstr(o.err, "check 1: intervall: unknown key; did you mean interval?"));
    ck_assert_int_eq(
        ctl(&a, &o, "register", "shop/payment", "--port", "1", "--check", "ttl=5s", "--check", "exec=/bin/true", NULL),
        1);
    ck_assert_ptr_nonnull(strstr(o.err, "check 2: exec: commands are run for the configuration alone"));
    ck_assert_int_eq(seen_by_ctl(&a, "shop/payment"), 0);
    snprintf(why, sizeof why, "discoverd_checks");
    ck_assert_int_eq(host_counter(&a, why), 0);
}
END_TEST

START_TEST(commands_by_the_socket_where_they_may_be)
{
    run_host("exec_checks = true;");
    add("a", "exec=/bin/sh args=-c args=\"echo $DISCOVER_SERVICE $DISCOVER_INSTANCE; exit 1\"");
    (void)wait_until(3000, strcmp(output_of("a", "warning"), "shop/payment a") == 0, output_of("a", "warning"));
}
END_TEST

static bool checked(const char *instance, const char *state, const char *output)
{
    return strcmp(output_of(instance, state), output) == 0;
}

/* A program that reports itself; and what is stored of it over a restart. */
START_TEST(reports)
{
    run_host("");
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/payment", "--port", "1", "--instance", "p", "--ttl", "60s",
                         "--check", "ttl=10s initial=critical name=self", NULL),
                     0);
    ck_assert_int_eq(seen_by_lib(&a, "shop/payment"), 0); /* never seen before it has said so */
    ck_assert_int_eq(ctl(&a, &o, "check", "pass", "shop/payment", "p", "all is well", NULL), 0);
    (void)wait_until(2000, seen_by_lib(&a, "shop/payment") == 1, a.seen);
    ck_assert(checked("p", "passing", "all is well"));
    ck_assert_int_eq(ctl(&a, &o, "explain", "shop/payment", "p", NULL), 0);
    ck_assert_msg(strstr(o.out, "ttl (self): passing for ") && strstr(o.out, ": all is well"), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "check", "warn", "shop/payment/p", "so so", "--check", "self", NULL), 0);
    (void)wait_until(2000, checked("p", "warning", "so so"), output_of("p", "warning"));
    ck_assert_int_eq(ctl(&a, &o, "check", "fail", "shop/payment", "p", NULL), 0);
    (void)wait_until(2000, seen_by_lib(&a, "shop/payment") == 0, a.seen);
    ck_assert_int_eq(ctl(&a, &o, "check", "pass", "shop/payment", "p", "--check", "other", NULL), 3);
    ck_assert_int_eq(ctl(&a, &o, "check", "pass", "shop/payment", "none", NULL), 3);
    ck_assert_int_eq(ctl(&a, &o, "check", "pass", "shop/payment", NULL), 2);
    host_kill(&a);
    host_run(&a);
    ck_assert_int_eq(ctl(&a, &o, "check", "pass", "shop/payment", "p", "again", NULL), 0);
    ck_assert(checked("p", "passing", "again"));
    ck_assert_int_eq(ctl(&a, &o, "deregister", "shop/payment", NULL), 0);
    ck_assert_int_eq(host_counter(&a, "discoverd_checks"), 0);
}
END_TEST

START_TEST(a_process)
{
    struct proc sleeper;
    char text[32], spec[400];
    const char *const argv[] = {"sleep", "1000", NULL};
    run_host("");
    proc_start(&sleeper, "sleeper", argv, NULL);
    snprintf(text, sizeof text, "%d\n", (int)sleeper.pid);
    write_text("sleeper.pid", text);
    snprintf(spec, sizeof spec, "pid=%s interval=1h", in_folder("sleeper.pid"));
    add("p", spec);
    (void)wait_until(3000, strstr(output_of("p", "passing"), "lives") && seen_by_lib(&a, "shop/payment") == 1,
                     output_of("p", "passing"));
    proc_kill(&sleeper);
    int64_t took_ns = wait_until(2000, seen_by_lib(&a, "shop/payment") == 0, a.seen);
    measured("a process that is checked dies: gone", took_ns);
}
END_TEST

/* Nobody of the fleet sees it before it passes, and after a restart it is what it was. */
START_TEST(states_that_show_nowhere)
{
    static struct host b;
    int port = port_take();
    char services[300];
    snprintf(services, sizeof services,
             "{ name = \"shop/payment\"; instance = \"c\"; port = 1; checks = ( { tcp = \"127.0.0.1:%d\"; initial = "
             "\"critical\"; interval = \"1s\"; } ); }",
             port);
    nats_start(&nats, 1);
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .services = services});
    holds_for(1500, seen_by_lib(&b, "shop/payment") <= 0, b.seen);
    host_kill(&a);
    host_run(&a);
    holds_for(1500, seen_by_lib(&b, "shop/payment") <= 0 && seen_by_lib(&a, "shop/payment") <= 0, b.seen);
}
END_TEST

static bool takes_two_checks(void)
{
    return ctl(&a, &o, "register", "shop/two", "--port", "80", "--ttl", "60s", "--check", "ttl=60s name=one", "--check",
               "ttl=60s name=two", NULL) == 0;
}

/* Limits of checks may change while the daemon runs. */
START_TEST(a_reload_takes_limits)
{
    nats_start(&nats, 1);
    host_start(
        &a, &(struct host_options){.name = "a", .nats = nats.urls, .extra = "limits = { checks_per_instance = 1; };"});
    ck_assert(!takes_two_checks());
    ck_assert_msg(strstr(o.err, "limits.checks_per_instance allows (1)"), "%s", o.err);
    ck_assert_int_eq(shell(&o, "sed -i 's/checks_per_instance = 1/checks_per_instance = 2/' %s", a.config), 0);
    ck_assert_int_eq(ctl(&a, &o, "reload", NULL), 0);
    ck_assert_msg(strstr(o.out, "limits.checks_per_instance"), "%s", o.out);
    ck_assert_msg(takes_two_checks(), "%s", o.err);
}
END_TEST

E2E_TESTS("checks", 60, {"https_and_what_is_wrong_with_it", https_and_what_is_wrong_with_it},
          {"http_and_what_comes_of_it", http_and_what_comes_of_it}, {"grpc_health", grpc_health},
          {"commands_that_do_not_behave", commands_that_do_not_behave}, {"by_the_socket", by_the_socket},
          {"commands_by_the_socket_where_they_may_be", commands_by_the_socket_where_they_may_be}, {"reports", reports},
          {"a_process", a_process}, {"states_that_show_nowhere", states_that_show_nowhere},
          {"a_reload_takes_limits", a_reload_takes_limits})

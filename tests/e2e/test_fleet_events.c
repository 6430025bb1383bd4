/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is published over NATS, as a plain NATS client hears it: each thing once, by whom it should, and as the schema says. Where
 * a host is lost one other reports it, though all notice.
 */
#include <discover/discover.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/raw_nats.h"
#include "tests/support/registry_server.h"
#include "tests/support/seen.h"
#include "tests/support/two_regions.h"
#include "tests/support/wait.h"

#define WAIT_MS     15000
#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct nats nats;
static struct host a, b, c, d;
static struct raw_nats operator;
static struct output o;
static char seen[4096];

static const char *text_of(const json_t *document, const char *name)
{
    const char *text = json_string_value(json_object_get(document, name));
    return text ? text : "";
}

static bool is_reported_by(const struct raw_message *m, const json_t *e)
{
    char subject[256], domain[64] = "_", service[64] = "_";
    const char *name = text_of(e, "service");
    if (*name)
        ck_assert_int_eq(sscanf(name, "%63[^/]/%63s", domain, service), 2);
    snprintf(subject, sizeof subject, "discover.%s.event.%s.%s.%s.%s", text_of(e, "region"), text_of(e, "publisher"),
             domain, service, text_of(e, "type"));
    return strcmp(subject, m->subject) == 0;
}

/* How many have come of a type ("": any) about a host ("": any); each is under the subject that it should be. */
static int reported(const char *type, const char *host)
{
    int n = 0;
    size_t used = 0;
    (void)raw_pump(&operator);
    seen[0] = '\0';
    for (size_t i = 0; i < operator.n_messages; i++) {
        const struct raw_message *m = &operator.messages[i];
        json_t *e = json_loadb(m->value, m->n, 0, NULL);
        ck_assert_msg(e && is_reported_by(m, e), "%s: %s", m->subject, m->value);
        n += (!*type || strcmp(text_of(e, "type"), type) == 0) && (!*host || strcmp(text_of(e, "host"), host) == 0);
        if (used < sizeof seen - 1)
            used +=
                (size_t)snprintf(seen + used, sizeof seen - used, "%s %s, ", text_of(e, "type"), text_of(e, "host"));
        json_decref(e);
    }
    if (operator.closed && used<sizeof seen)
        snprintf(seen + used, sizeof seen - used, "and the server has closed the connection: %s", operator.error);
    return n;
}

/* The first of a type, to be given back. */
static json_t *first(const char *type)
{
    for (size_t i = 0; i < operator.n_messages; i++) {
        json_t *e = json_loadb(operator.messages[i].value, operator.messages[i].n, 0, NULL);
        if (strcmp(text_of(e, "type"), type) == 0)
            return e;
        json_decref(e);
    }
    ck_abort_msg("no %s: %s", type, seen);
    return NULL;
}

static void check_text(const char *type, const char *name, const char *value)
{
    json_t *e = first(type);
    ck_assert_msg(strcmp(text_of(e, name), value) == 0, "%s of %s: %s", name, type, text_of(e, name));
    json_decref(e);
}

static void listen_as(int port, const char *user, const char *password)
{
    raw_open(&operator, port, user, password);
    (void)raw_subscribe(&operator, "discover.*.event.>");
    ck_assert(raw_flush(&operator));
}

/* All that was heard is what the schema says. */
static void check_schema(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s/events.json", e2e_folder());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < operator.n_messages; i++)
        fprintf(file, "%s\n", operator.messages[i].value);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_msg(shell(&o,
                        "python3 -c 'import json, jsonschema, sys\n"
                        "s = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))\n"
                        "for line in open(sys.argv[2]): s.validate(json.loads(line))' "
                        "%s/daemon/http/schema/event.schema.json %s",
                        SOURCE_DIR, path) == 0,
                  "%s", o.err);
}

static void start(struct host *h, const char *name, const char *registry)
{
    host_start(h, &(struct host_options){.name = name, .nats = nats.urls, .registry = registry});
}

static void begin(void)
{
    nats_start(&nats, 1);
    listen_as(nats.server[0].port, "", "");
}

START_TEST(instances_and_the_host_itself)
{
    begin();
    start(&a, "a", NULL);
    (void)wait_until(WAIT_MS, reported("host-up", "a") == 1, seen);
    start(&b, "b", NULL);
    (void)wait_until(WAIT_MS, reported("host-up", "b") == 1, seen);
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/payment", "--port", "8080", "--instance", "p1", "--address",
                         "10.0.0.1", "--ttl", "600s", "--traceparent", TRACEPARENT, NULL),
                     0);
    (void)wait_until(WAIT_MS, reported("instance-up", "a") == 1, seen);
    check_text("instance-up", "service", "shop/payment");
    check_text("instance-up", "instance", "p1");
    check_text("instance-up", "state", "passing");
    check_text("instance-up", "ipv4", "10.0.0.1");
    check_text("instance-up", "traceparent", TRACEPARENT);
    ck_assert_int_eq(ctl(&a, &o, "drain", "shop/payment", NULL), 0);
    (void)wait_until(WAIT_MS, reported("instance-state", "a") == 1, seen);
    check_text("instance-state", "state", "draining");
    check_text("instance-state", "was", "passing");
    /* A restart within the lease is noticed by nobody. */
    host_stop(&a);
    host_run(&a);
    ck_assert_int_eq(ctl(&a, &o, "undrain", "shop/payment", NULL), 0);
    (void)wait_until(WAIT_MS, reported("instance-state", "a") == 2, seen);
    ck_assert_int_eq(ctl(&a, &o, "deregister", "shop/payment", "--instance", "p1", NULL), 0);
    (void)wait_until(WAIT_MS, reported("instance-down", "a") == 1, seen);
    host_leave(&a);
    (void)wait_until(WAIT_MS, reported("host-left", "a") == 1, seen);
    ck_assert_int_eq(reported("host-up", ""), 2);
    ck_assert_int_eq(reported("host-lost", ""), 0);
    ck_assert_int_eq(reported("instance-up", ""), 1);
    ck_assert_int_eq(reported("instance-down", ""), 1);
    check_schema();
}
END_TEST

/* Three are left, and notice it alike: one tells. Two that die together are reported as well, each once. */
START_TEST(a_lost_host_is_reported_by_one_other)
{
    begin();
    start(&a, "a", NULL);
    start(&b, "b", NULL);
    start(&c, "c", NULL);
    start(&d, "d", NULL);
    ck_assert_int_eq(ctl(&d, &o, "register", "shop/payment", "--port", "8080", "--ttl", "600s", NULL), 0);
    (void)wait_until(WAIT_MS, seen_by_all(&a, "shop/payment", 1) && reported("host-up", "") == 4, seen);
    host_kill(&d);
    (void)wait_until(WAIT_MS, reported("host-lost", "d") == 1, seen);
    json_t *e = first("host-lost");
    ck_assert_str_ne(text_of(e, "publisher"), "d");
    ck_assert_int_eq(json_integer_value(json_object_get(e, "instances")), 1);
    json_decref(e);
    host_run(&d); /* in another life: it says so itself */
    (void)wait_until(WAIT_MS, reported("host-up", "d") == 2, seen);
    proc_signal(&d.proc, SIGSTOP);
    proc_signal(&c.proc, SIGSTOP);
    (void)wait_until(WAIT_MS, reported("host-lost", "d") == 2 && reported("host-lost", "c") == 1, seen);
    proc_signal(&d.proc, SIGCONT); /* in the same life: it does not know, others do */
    proc_signal(&c.proc, SIGCONT);
    (void)wait_until(WAIT_MS, reported("host-up", "d") == 3 && reported("host-up", "c") == 2, seen);
    holds_for(1000, reported("host-lost", "") == 3 && reported("host-up", "") == 7, seen);
    check_schema();
}
END_TEST

START_TEST(nats_lost_and_back)
{
    begin();
    start(&a, "a", NULL);
    (void)wait_until(WAIT_MS, reported("host-up", "a") == 1, seen);
    check_schema();
    nats_server_kill(&nats, 0);
    raw_close(&operator);
    (void)wait_until(WAIT_MS, host_counter(&a, "discoverd_bus_disconnects_total") == 1, seen);
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/payment", "--port", "8080", "--ttl", "600s", NULL), 0);
    proc_signal(&a.proc, SIGSTOP); /* until somebody listens again */
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    listen_as(nats.server[0].port, "", "");
    proc_signal(&a.proc, SIGCONT);
    (void)wait_until(
        WAIT_MS, reported("bus-lost", "a") == 1 && reported("bus-back", "a") == 1 && reported("instance-up", "a") == 1,
        seen);
    json_t *lost = first("bus-lost"), *back = first("bus-back");
    int64_t lost_ms = json_integer_value(json_object_get(back, "lost_ms"));
    int64_t between_ms =
        json_integer_value(json_object_get(back, "time_ms")) - json_integer_value(json_object_get(lost, "time_ms"));
    ck_assert_int_gt(lost_ms, 0);
    ck_assert_int_le(llabs(lost_ms - between_ms), 50);
    ck_assert_int_eq(reported("host-up", ""), 0);
    json_decref(lost);
    json_decref(back);
    check_schema();
}
END_TEST

START_TEST(the_guard_and_what_it_holds)
{
    static const char guard[] = "guard_min = 2; guard_duration = \"2s\";";
    begin();
    start(&a, "a", guard);
    start(&b, "b", guard);
    start(&c, "c", guard);
    start(&d, "d", guard);
    (void)wait_until(WAIT_MS, reported("host-up", "") == 4 && seen_by_all(&a, "shop/none", 0), seen);
    host_kill(&c);
    host_kill(&d);
    (void)wait_until(
        WAIT_MS, reported("guard-on", "") == 1 && reported("host-held", "c") == 1 && reported("host-held", "d") == 1,
        seen);
    ck_assert_int_eq(reported("host-lost", ""), 0);
    (void)wait_until(
        WAIT_MS, reported("guard-off", "") == 1 && reported("host-lost", "c") == 1 && reported("host-lost", "d") == 1,
        seen);
    ck_assert_int_eq(reported("guard-on", ""), 1);
    check_schema();
}
END_TEST

/* They were only not heard: none of them has missed anything, and all of it is published. */
START_TEST(held_and_heard_again)
{
    static const char guard[] = "guard_min = 2; guard_duration = \"60s\";";
    begin();
    start(&a, "a", guard);
    start(&b, "b", guard);
    start(&c, "c", guard);
    (void)wait_until(WAIT_MS, reported("host-up", "") == 3, seen);
    proc_signal(&b.proc, SIGSTOP);
    proc_signal(&c.proc, SIGSTOP);
    (void)wait_until(WAIT_MS, reported("guard-on", "") == 1 && reported("host-held", "") == 2, seen);
    proc_signal(&b.proc, SIGCONT);
    proc_signal(&c.proc, SIGCONT);
    (void)wait_until(WAIT_MS,
                     reported("guard-off", "") == 1 && reported("host-up", "b") == 2 && reported("host-up", "c") == 2,
                     seen);
    ck_assert_int_eq(reported("host-lost", ""), 0);
    check_schema();
}
END_TEST

START_TEST(two_hosts_of_one_name)
{
    begin();
    start(&a, "a", NULL);
    host_init(&b, &(struct host_options){.name = "b",
                                         .host = "a",
                                         .nats = nats.urls,
                                         .services = "{ name = \"shop/two\"; port = 1; address = [\"10.0.0.2\"]; }"});
    host_launch(&b);
    host_wait_up(&b);
    (void)wait_until(WAIT_MS, reported("host-conflict", "a") == 1, seen);
    (void)wait_until(WAIT_MS, host_counter(&b, "discoverd_events_dropped_total{reason=\"name_conflict\"}") > 0, seen);
    ck_assert_int_eq(reported("host-conflict", "") + reported("host-up", ""), 2);
    ck_assert_int_eq(reported("instance-up", ""), 0);
    check_schema();
}
END_TEST

/* Many at once: some are published, some dropped and counted; what they are about does not wait for them. */
START_TEST(more_than_may_be_told)
{
    static char services[4096];
    size_t used = 0;
    begin();
    for (int i = 1; i <= 40; i++)
        used += (size_t)snprintf(services + used, sizeof services - used, "%s{ name = \"shop/many\"; port = %d; }",
                                 i > 1 ? ", " : "", i);
    host_start(&a, &(struct host_options){.name = "a",
                                          .nats = nats.urls,
                                          .services = services,
                                          .extra = "limits = { events = 5; events_waiting = 10; };"});
    (void)wait_until(WAIT_MS, host_counter(&a, "discoverd_events_dropped_total{reason=\"full\"}") > 0, seen);
    ck_assert_msg(seen_by_all(&a, "shop/many", 40), "%s", a.seen);
    (void)wait_until(WAIT_MS, host_counter(&a, "discoverd_events_total") == 41, seen);
    (void)wait_until(
        WAIT_MS, reported("", "a") + host_counter(&a, "discoverd_events_dropped_total{reason=\"full\"}") == 41, seen);
    check_schema();
}
END_TEST

/* As registry.conf has it: each host publishes for itself alone, operators and dashboards hear it all, other hosts do not. */
START_TEST(under_the_accounts_of_the_example)
{
    static struct registry_server r;
    static struct raw_nats host, dashboard;
    static const char own[] = "{\"region\": \"local\", \"publisher\": \"web-3\", \"type\": \"bus-lost\"}";
    registry_server_start(&r);
    listen_as(r.nats.server[0].port, "ops", "ops-secret");
    raw_open(&host, r.nats.server[0].port, "web-3", "web-3-secret");
    raw_open(&dashboard, r.nats.server[0].port, "grafana", "grafana-secret");
    (void)raw_subscribe(&host, "discover.local.event.>");
    (void)raw_subscribe(&dashboard, "discover.local.event.>");
    ck_assert(raw_flush(&host) && raw_flush(&dashboard));
    registry_server_host(&r, &a, "web-1");
    (void)wait_until(WAIT_MS, reported("host-up", "web-1") == 1, seen);
    (void)wait_until(1000, raw_pump(&dashboard) && raw_find(&dashboard, "discover.local.event.web-1._._.host-up"),
                     "nothing");
    raw_publish(&host, "discover.local.event.web-1._._.host-lost", NULL, NULL, "{}", 2);
    raw_publish(&host, "discover.local.event.web-3._._.bus-lost", NULL, NULL, own, strlen(own));
    ck_assert(raw_flush(&host));
    (void)wait_until(WAIT_MS, reported("bus-lost", "") == 1, seen);
    ck_assert_int_eq(reported("host-lost", ""), 0);
    ck_assert_int_eq(host_counter(&a, "discoverd_bus_denials_total"), 0);
    for (size_t i = 0; i < host.n_messages; i++) /* it hears itself alone */
        ck_assert_msg(!strstr(host.messages[i].value, "host-up"), "%s", host.messages[i].subject);
}
END_TEST

/* Rights of a version before events: said once, and nothing else comes of it. */
START_TEST(where_it_may_not_be_told)
{
    nats_init(&nats, 1);
    nats.extra = "authorization { users = [ { user: a, password: secret, permissions: {\n"
                 "  publish: [\"$KV.SERVICES.*.*.a.>\", \"$KV.HOSTS.a\", \"$JS.API.>\"], subscribe: [\"_INBOX.a.>\", "
                 "\"discover.local.>\"] } },\n  { user: admin, password: admin } ] }\nno_auth_user: admin";
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    ck_assert_int_eq(shell(&o, "umask 077; echo secret > %s/password", e2e_folder()), 0);
    char bus[512];
    snprintf(bus, sizeof bus, "user = \"a\"; password_file = \"%s/password\";", e2e_folder());
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .bus = bus});
    (void)wait_until(WAIT_MS, host_counter(&a, "discoverd_bus_denials_total") == 2, seen); /* an event, and $SRV.> */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ctl(&a, &o, "register", "shop/payment", "--port", "80", "--ttl", "600s", NULL), 0);
    (void)wait_until(WAIT_MS, host_counter(&a, "discoverd_bus_published_total{result=\"failed\"}") > 0, seen);
    ck_assert_int_eq(host_counter(&a, "discoverd_bus_denials_total"), 2);
    ck_assert_int_eq(shell(&o, "test $(grep -c 'nobody hears this host' %s/discoverd-a.log) = 1", e2e_folder()), 0);
    ck_assert_int_eq(ctl(&a, &o, "status", "--check", NULL), 0);
}
END_TEST

/* Usable instances, as h's library says. */
static int usable(struct host *h, const char *service)
{
    struct discover_endpoint e[8];
    size_t n = 0;
    (void)raw_pump(&operator); /* the server, which asks each second, wants to be answered */
    return discover_resolve(host_lib(h), service, e, 8, &n) < 0 ? -1 : (int)n;
}

/* The last one of a type, as discoverctl prints it: it is sent again until that hears it. */
static void check_printed(const struct two_regions *r, const char *type, const char *line)
{
    struct proc follower;
    size_t i = operator.n_messages;
    char file[512];
    while (i > 0 && !strstr(operator.messages[i - 1].subject, type))
        i--;
    ck_assert_uint_gt(i, 0);
    const struct raw_message m = operator.messages[i - 1];
    snprintf(file, sizeof file, "%s/operator.conf", e2e_folder());
    ck_assert_int_eq(shell(&o, "umask 077; echo 'nats = { servers = [%s]; }; region = \"a\";' >%s", r->a.urls, file),
                     0);
    proc_start(
        &follower, type,
        (const char *const[]){e2e_binary("discoverctl"), "-N", file, "events", "--type", type, "--count", "1", NULL},
        NULL);
    (void)wait_until(WAIT_MS,
                     (raw_publish(&operator, m.subject, NULL, NULL, m.value, m.n), raw_flush(&operator)) &&
                         !proc_running(&follower),
                     type);
    ck_assert_int_eq(
        shell(&o, "grep -qE '%s' %s/%s.log || cat %s/%s.log", line, e2e_folder(), type, e2e_folder(), type), 0);
    ck_assert_str_eq(o.out, "");
}

/* Both hosts of a read b and judge it alike; one of them reports. a2 is started again while b answers, which is no news. */
START_TEST(another_region_answers_is_lost_and_back)
{
    static struct two_regions r;
    two_regions_start(&r);
    two_regions_host_b(&r, &d, "b1");
    two_regions_host_a(&r, &a, "a1");
    two_regions_host_a(&r, &b, "a2");
    listen_as(r.a.server[0].port, "", "");
    ck_assert_int_eq(ctl(&d, &o, "register", "shop/far", "--port", "1", "--ttl", "600s", NULL), 0); /* b alone has it */
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/payment", "--port", "2001", "--ttl", "600s", NULL), 0);
    (void)wait_until(WAIT_MS, usable(&a, "shop/payment") == 1 && usable(&b, "shop/payment") == 1, seen);
    ck_assert_int_eq(ctl(&d, &o, "register", "shop/payment", "--port", "1001", "--ttl", "600s", NULL), 0);
    (void)wait_until(WAIT_MS, usable(&a, "shop/payment@b") == 1 && usable(&b, "shop/payment@b") == 1, seen);
    ck_assert_int_eq(ctl(&a, &o, "deregister", "shop/payment", NULL), 0);
    (void)wait_until(WAIT_MS, reported("failover-begun", "") == 1, seen);
    check_text("failover-begun", "service", "shop/payment");
    check_text("failover-begun", "answers", "b");
    check_text("failover-begun", "answered", "a");
    check_text("failover-begun", "reason", "0 instances are usable in region a, and 1 are enough");
    host_stop(&b);
    host_run(&b);
    (void)wait_until(WAIT_MS, usable(&b, "shop/payment") == 1, seen);
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/payment", "--port", "2001", "--ttl", "600s", NULL), 0);
    (void)wait_until(WAIT_MS, reported("failover-ended", "") == 1, seen);
    check_text("failover-ended", "answers", "a");
    check_text("failover-ended", "answered", "b");
    cable_set(&r.link, CABLE_RESET);
    (void)wait_until(WAIT_MS, reported("region-lost", "") == 1, seen);
    check_text("region-lost", "other_region", "b");
    ck_assert_int_eq(reported("region-back", ""), 0);
    cable_set(&r.link, CABLE_WHOLE);
    (void)wait_until(WAIT_MS, reported("region-back", "") == 1, seen);
    json_t *lost = first("region-lost"), *back = first("region-back");
    ck_assert_str_eq(text_of(back, "other_region"), "b");
    ck_assert_int_eq(json_integer_value(json_object_get(back, "lost_ms")),
                     json_integer_value(json_object_get(back, "time_ms")) -
                         json_integer_value(json_object_get(lost, "time_ms")));
    json_decref(lost);
    json_decref(back);
    holds_for(3000,
              reported("region-lost", "") == 1 && reported("region-back", "") == 1 &&
                  reported("failover-begun", "") == 1 && reported("failover-ended", "") == 1,
              seen);
    /* What an operator says on a host is of that host; with a restart it is no news again. */
    ck_assert_int_eq(ctl(&b, &o, "failover", "shop/payment", "b", NULL), 0);
    (void)wait_until(WAIT_MS, reported("failover-begun", "") == 2 && reported("failover-begun", "a2") > 0, seen);
    host_stop(&b);
    host_run(&b);
    ck_assert_int_eq(ctl(&b, &o, "failover", "shop/payment", "off", NULL), 0);
    (void)wait_until(WAIT_MS, reported("failover-ended", "") == 2 && reported("failover-ended", "a2") > 0, seen);
    ck_assert_int_eq(reported("failover-begun", ""), 2);
    check_printed(&r, "region-lost", "Z region-lost b, a[12]: [a-z ]+$");
    check_printed(&r, "failover-ended",
                  "Z failover-ended shop/payment from region b to region a, a2: user [0-9]+ said so$");
    check_schema();
}
END_TEST

E2E_TESTS("fleet events", 60, {"instances_and_the_host_itself", instances_and_the_host_itself},
          {"a_lost_host_is_reported_by_one_other", a_lost_host_is_reported_by_one_other},
          {"nats_lost_and_back", nats_lost_and_back},
          {"another_region_answers_is_lost_and_back", another_region_answers_is_lost_and_back},
          {"the_guard_and_what_it_holds", the_guard_and_what_it_holds}, {"held_and_heard_again", held_and_heard_again},
          {"two_hosts_of_one_name", two_hosts_of_one_name}, {"more_than_may_be_told", more_than_may_be_told},
          {"under_the_accounts_of_the_example", under_the_accounts_of_the_example},
          {"where_it_may_not_be_told", where_it_may_not_be_told})

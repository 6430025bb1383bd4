/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What README says that a host can and cannot do to others, under the accounts of examples/nats/registry.conf. Each
 * message of the table is really sent, by a client that chooses every byte; web-2 is a victim with a live discoverd,
 * and with an inbox whose name is known; web-3 looks up what web-2 serves. On the server that is installed and on the
 * newest one to be had.
 */
#include <stdio.h>
#include <string.h>

#include "tests/e2e/attacks.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/raw_nats.h"
#include "tests/support/registry_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define N_ATTACKS (sizeof attacks / sizeof *attacks)

static struct registry_server r;
static struct host web2, web3, later;
static struct raw_nats attacker, victim;
static struct kv admin;
static char record[1024];
static int record_n;

static void expand(const char *text, unsigned bits, char *ret_text, size_t cap)
{
    const char *before = strcspn(text, "@#") < strlen(text) ? text : NULL;
    size_t at = strcspn(text, "@#");
    if (!before) {
        snprintf(ret_text, cap, "%s", text);
        return;
    }
    const char *api =
        text[at] == '@' ? (bits & 1 ? "$JS.registry.API." : "$JS.API.") : (bits & 1 ? "$JS.registry.API.$KV." : "$KV.");
    snprintf(ret_text, cap, "%.*s%s%s", (int)at, text, api, text + at + 1);
}

static void begin(const char *program, bool batches)
{
    r.program = program;
    r.batches = batches;
    registry_server_start(&r);
    registry_server_host(&r, &web2, "web-2");
    registry_server_host(&r, &web3, "web-3");
    struct output o;
    ck_assert_msg(ctl(&web2, &o, "register", "shop/pay", "--port", "80", "--instance", "p1", "--address", "10.0.0.2",
                      "--ttl", "600s", NULL) == 0,
                  "%s", o.err);
    (void)wait_until(5000, seen_by_all(&web3, "shop/pay", 1), web3.seen);
    kv_open(&admin, r.admin_url);
    record_n = kv_get(&admin, "SERVICES", RECORD, record, sizeof record);
    ck_assert_int_gt(record_n, 0);
    raw_open(&victim, r.nats.server[0].port, "web-2", "web-2-secret");
    (void)raw_subscribe(&victim, "discover.local.>");
    (void)raw_subscribe(&victim, "_INBOX.web-2.known");
    (void)raw_subscribe(&victim, "$KV.>"); /* its own account: where an answer to its keys would be heard, too */
    ck_assert(raw_flush(&victim));
    raw_open(&attacker, r.nats.server[0].port, "web-1", "web-1-secret");
    (void)raw_subscribe(&attacker, "_INBOX.web-1.>");
}

/* Until what the attacker sent has had all its effects: its last put is in the feed, its last request answered. */
static void settle(unsigned nth)
{
    char key[64], inbox[64];
    snprintf(key, sizeof key, "x.y.web-1.mark-%u", nth);
    snprintf(inbox, sizeof inbox, "_INBOX.web-1.mark-%u", nth);
    char subject[128];
    snprintf(subject, sizeof subject, "$JS.registry.API.$KV.SERVICES.%s", key);
    raw_publish(&attacker, "$JS.registry.API.DIRECT.GET.KV_SERVICES", inbox, NULL, FIRST, strlen(FIRST));
    raw_publish(&attacker, subject, NULL, NULL, "mark", 4);
    ck_assert_msg(raw_flush(&attacker), "%s", attacker.error);
    (void)wait_until(5000, raw_pump(&attacker) && raw_find(&attacker, inbox), attacker.error);
    (void)wait_until(5000, raw_pump(&victim) && raw_find(&victim, key), victim.error);
    attacker.n_messages = 0;
}

/* Whether the victim may hear that: republished by the server, and of web-2's only what its daemon writes. */
static bool genuine(const struct raw_message *m)
{
    static const char feed[] = "discover.local.";
    const char *key = strrchr(m->subject, '.');
    if (strncmp(m->subject, feed, strlen(feed)) != 0)
        return false;
    if (strstr(m->subject, RECORD))
        return (int)m->n == record_n && memcmp(m->value, record, (size_t)record_n) == 0;
    if (strstr(m->subject, ".hosts.") && strcmp(key, ".web-1") != 0)
        return m->n > 0 && m->value[0] == 0x08; /* a lease begins with its epoch, field 1 */
    return strstr(m->headers, "Nats-Sequence: ") != NULL;
}

static void check_whole(const char *what)
{
    char now[sizeof record];
    ck_assert_msg(proc_running(&r.nats.server[0].proc), "%s: the server has ended", what);
    for (size_t i = 0; i < victim.n_messages; i++)
        ck_assert_msg(genuine(&victim.messages[i]), "%s: %s %s %s", what, victim.messages[i].subject,
                      victim.messages[i].headers, victim.messages[i].value);
    victim.n_messages = 0;
    ck_assert_msg(kv_get(&admin, "SERVICES", RECORD, now, sizeof now) == record_n &&
                      memcmp(now, record, (size_t)record_n) == 0,
                  "%s: the record of another is gone or replaced", what);
    ck_assert_msg(kv_get(&admin, "HOSTS", "web-2", now, sizeof now) > 0 && now[0] == 0x08,
                  "%s: the lease of another is gone or replaced", what);
}

static void send_attack(const struct attack *a, unsigned bits)
{
    char subject[256], reply[256];
    for (size_t i = 0; i < 4 && a->send[i].subject; i++) {
        expand(a->send[i].subject, bits & 1, subject, sizeof subject);
        expand(a->send[i].reply ? a->send[i].reply : "", bits >> 1, reply, sizeof reply);
        raw_publish(&attacker, subject, reply, a->send[i].headers, a->send[i].value, strlen(a->send[i].value));
    }
}

/* A daemon that starts now reads all that is in the buckets, and believes none of it. */
static void check_cold_start(void)
{
    registry_server_host(&r, &later, "web-1");
    (void)wait_until(5000, seen_by_all(&later, "shop/pay", 1), later.seen);
    ck_assert_int_eq(host_counter(&later, "discoverd_bus_snapshots_total{result=\"failed\"}"), 0);
    ck_assert_int_eq(host_counter(&later, "discoverd_bus_denials_total"), 0);
}

static void attack_all(const char *program, bool batches)
{
    struct output o;
    begin(program, batches);
    for (unsigned i = 0; i < N_ATTACKS * 4; i++) {
        send_attack(&attacks[i / 4], i % 4);
        settle(i);
        check_whole(attacks[i / 4].name);
    }
    ck_assert(seen_by_all(&web3, "shop/pay", 1));
    ck_assert_int_eq(ctl(&web3, &o, "resolve", "shop/pay", NULL), 0);
    ck_assert_msg(strstr(o.out, "10.0.0.2:80"), "%s", o.out);
    check_cold_start();
    raw_close(&attacker);
    raw_close(&victim);
    kv_close(&admin);
}

START_TEST(attacks_on_this_server)
{
    attack_all(NULL, false);
}
END_TEST

START_TEST(attacks_on_the_newest_server)
{
    const char *program = registry_server_program("sid");
    if (program)
        attack_all(program, false);
}
END_TEST

START_TEST(attacks_on_the_newest_server_with_batches)
{
    const char *program = registry_server_program("sid");
    if (program)
        attack_all(program, true);
}
END_TEST

static bool resolves(struct host *h, const char *text)
{
    struct output o;
    (void)ctl(h, &o, "resolve", "shop/pay", NULL);
    snprintf(h->seen, sizeof h->seen, "%.900s", o.out);
    return strstr(o.out, text) != NULL;
}

static bool lives(struct host *h, const char *name)
{
    struct output o;
    (void)ctl(h, &o, "hosts", NULL);
    snprintf(h->seen, sizeof h->seen, "%.900s", o.out);
    return strstr(o.out, name) != NULL;
}

/* It cannot hear what others ask NATS, what it answers them, or who is connected, whatever it subscribes. */
START_TEST(nobody_listens)
{
    static const char *const subjects[] = {">", "$KV.>", "$JS.>", "_R_.>", "_INBOX.>", "_INBOX.web-2.>", "$SYS.>"};
    static const char *const requests[] = {"$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.ACCOUNT.PING.CONNZ",
                                           "$SYS.REQ.ACCOUNT.web-2.CONNZ", "$SYS.REQ.SERVER.PING.SUBSZ"};
    begin(NULL, false);
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        (void)raw_subscribe(&attacker, subjects[i]);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        raw_publish(&attacker, requests[i], "_INBOX.web-1.sys", NULL, "{\"subscriptions\":true}", 22);
    ck_assert_msg(raw_flush(&attacker), "%s", attacker.error);
    raw_publish(&victim, "$JS.registry.API.$KV.SERVICES.x.y.web-2.z", "_INBOX.web-2.known", NULL, "secret", 6);
    raw_publish(&victim, "$JS.registry.API.STREAM.INFO.KV_HOSTS", "_INBOX.web-2.known", NULL, "", 0);
    (void)wait_until(5000, raw_pump(&victim) && raw_find(&victim, "_INBOX.web-2.known"), victim.error);
    (void)wait_until(5000, raw_pump(&attacker) && raw_find(&attacker, "x.y.web-2.z"), attacker.error);
    ck_assert_msg(raw_flush(&attacker), "%s", attacker.error);
    for (size_t i = 0; i < attacker.n_messages; i++) {
        const struct raw_message *m = &attacker.messages[i];
        bool feed = strncmp(m->subject, "discover.local.", 15) == 0;
        bool own = strstr(m->subject, "web-1") || strncmp(m->subject, "$SYS.REQ.", 9) == 0;
        ck_assert_msg(feed || (own && !strstr(m->value, "\"web-2\"")), "%s %s", m->subject, m->value);
    }
}
END_TEST

/* It cannot get another's keys by a slip of the operator: the server does not start with such an import. */
START_TEST(a_wrong_import_is_refused)
{
    static const char *const keys[] = {"HOSTS.web-1", "SERVICES.*.*.web-1.>"};
    struct output o;
    r.program = NULL;
    registry_server_start(&r);
    for (size_t i = 0; i < 2; i++)
        ck_assert_msg(
            shell(&o,
                  "awk -v key='%s' 'index($0, key) && !done {sub(\"web-1\", \"web-2\"); done = 1} 1' %s >%s.wrong && "
                  "grep -c . %s.wrong && %s -t -c %s.wrong",
                  keys[i], r.config, r.config, r.config, nats_server_program(), r.config) != 0,
            "%s: %s", keys[i], o.out);
    ck_assert_msg(shell(&o, "%s -t -c %s", nats_server_program(), r.config) == 0, "%s", o.err);
}
END_TEST

/* A host whose line lists services registers those, and nothing else. */
START_TEST(services_of_a_host_are_listed)
{
    static const char keys[] = "$JS.registry.API.$KV.SERVICES.";
    static const char *const refused[] = {"shop.cart.web-9.p1", "other.x.web-9.p1", "shop.pay.web-2.p1"};
    static struct host narrow;
    struct output o;
    char subject[128], value[1024];
    begin(NULL, false);
    registry_server_add(&r, "host web-9 web-9-secret shop/pay stock/*");
    registry_server_host(&r, &narrow, "web-9");
    ck_assert_int_eq(ctl(&narrow, &o, "register", "shop/pay", "--port", "80", "--ttl", "600s", NULL), 0);
    ck_assert_int_eq(ctl(&narrow, &o, "register", "stock/any", "--port", "81", "--ttl", "600s", NULL), 0);
    (void)wait_until(5000, seen_by_all(&web3, "shop/pay", 2) && seen_by_all(&web3, "stock/any", 1), web3.seen);
    raw_close(&attacker);
    raw_open(&attacker, r.nats.server[0].port, "web-9", "web-9-secret");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(subject, sizeof subject, "%s%s", keys, refused[i]);
        raw_publish(&attacker, subject, NULL, NULL, "x", 1);
    }
    ck_assert_msg(raw_flush(&attacker), "%s", attacker.error);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(kv_get(&admin, "SERVICES", refused[i], value, sizeof value), -1);
    check_whole("services that are not listed");
}
END_TEST

/* It cannot store a value over 16 KB. */
START_TEST(a_large_value_is_refused)
{
    static char value[17 * 1024], found[1024];
    begin(NULL, false);
    memset(value, 'v', sizeof value);
    raw_publish(&attacker, "$JS.registry.API.$KV.SERVICES.x.y.web-1.large", NULL, NULL, value, sizeof value);
    ck_assert(!raw_flush(&attacker));
    ck_assert_msg(strstr(attacker.error, "Maximum Payload"), "%s", attacker.error);
    ck_assert_int_eq(kv_get(&admin, "SERVICES", "x.y.web-1.large", found, sizeof found), -1);
    check_whole("a large value");
}
END_TEST

/* nats.c would take milliseconds for each; so nobody's messages would come in time, the own lease of each daemon among them. */
START_TEST(messages_that_are_all_header_lines)
{
    enum { MESSAGES = 2000, KEYS = 200 };
    static char headers[7600] = "NATS/1.0\r\n";
    char subject[128];
    struct output o;
    begin(NULL, false);
    raw_close(&victim);
    for (char *at = headers + strlen(headers); at < headers + 7500; at += 5)
        strcpy(at, "a:b\r\n");
    strcat(headers, "\r\n");
    for (unsigned i = 0; i < MESSAGES; i++) {
        snprintf(subject, sizeof subject, "$JS.registry.API.$KV.SERVICES.x.y.web-1.k%u", i % KEYS);
        raw_publish(&attacker, subject, NULL, headers, "v", 1);
        raw_publish(&attacker, "$JS.registry.API.$KV.HOSTS.web-1", NULL, headers, "v", 1);
    }
    ck_assert_msg(raw_flush(&attacker), "%s", attacker.error);
    ck_assert_int_eq(ctl(&web2, &o, "register", "shop/cart", "--port", "81", "--ttl", "600s", NULL), 0);
    (void)wait_until(2000, seen_by_all(&web3, "shop/cart", 1), web3.seen);
    ck_assert_int_gt(host_counter(&web3, "discoverd_feed_refused_total{what=\"record\"}"), 0);
    ck_assert_int_gt(host_counter(&web3, "discoverd_feed_refused_total{what=\"lease\"}"), 0);
    ck_assert_int_eq(ctl(&web3, &o, "status", NULL), 0);
    ck_assert_msg(strstr(o.out, "of more header lines than"), "%s", o.out);
    check_cold_start();
    raw_close(&attacker);
    kv_close(&admin);
}
END_TEST

/* It can use up the room of SERVICES: new records are refused, but leases, changes and deletions go on. */
START_TEST(a_full_bucket)
{
    static char value[1000];
    struct output o;
    char subject[128];
    r.registry = "services_max_bytes = 65536;";
    begin(NULL, false);
    memset(value, 'v', sizeof value);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(subject, sizeof subject, "$JS.registry.API.$KV.SERVICES.x.y.web-1.k%u", i);
        raw_publish(&attacker, subject, "_INBOX.web-1.put", NULL, value, sizeof value);
    }
    ck_assert(raw_flush(&attacker));
    (void)wait_until(5000, raw_pump(&attacker) && raw_find_value(&attacker, "maximum bytes exceeded"), attacker.error);
    ck_assert_int_eq(ctl(&web2, &o, "register", "shop/pay", "--port", "80", "--instance", "p1", "--address", "10.0.0.2",
                         "--weight", "9", "--tag", "changed", "--ttl", "600s", NULL),
                     0);
    (void)wait_until(5000, resolves(&web3, "10.0.0.2:80 9 "), web3.seen);
    ck_assert(seen_by_all(&web3, "shop/pay", 1));
    ck_assert_int_eq(ctl(&web2, &o, "deregister", "shop/pay", NULL), 0);
    (void)wait_until(5000, seen_by_all(&web3, "shop/pay", 0), web3.seen);
    holds_for(4000, lives(&web3, "web-2"), web3.seen); /* longer than a lease lives */
}
END_TEST

/* A line in the list and a reload; those that are there notice nothing. */
START_TEST(one_host_more)
{
    static struct host more;
    begin(NULL, false);
    registry_server_add(&r, "host web-9 web-9-secret");
    registry_server_host(&r, &more, "web-9");
    struct output o;
    (void)wait_until(5000, seen_by_all(&more, "shop/pay", 1), more.seen);
    ck_assert_int_eq(ctl(&more, &o, "register", "shop/cart", "--port", "81", "--ttl", "600s", NULL), 0);
    (void)wait_until(5000, seen_by_all(&web3, "shop/cart", 1), web3.seen);
    ck_assert_int_eq(host_counter(&web2, "discoverd_bus_denials_total"), 0);
    check_whole("one host more");
}
END_TEST

/* Names that nats-server would take for numbers, or for words of its own. */
START_TEST(names_of_any_kind)
{
    static struct host numbered;
    begin(NULL, false);
    registry_server_add(&r, "host on on-secret");
    registry_server_add(&r, "reader include include-secret");
    registry_server_add(&r, "host 10 10-secret");
    registry_server_host(&r, &numbered, "10");
    (void)wait_until(5000, seen_by_all(&numbered, "shop/pay", 1), numbered.seen);
    check_whole("a host whose name is a number");
}
END_TEST

E2E_TESTS("attacks", 180, {"on_this_server", attacks_on_this_server},
          {"on_the_newest_server", attacks_on_the_newest_server},
          {"on_the_newest_server_with_batches", attacks_on_the_newest_server_with_batches},
          {"nobody_listens", nobody_listens}, {"a_wrong_import_is_refused", a_wrong_import_is_refused},
          {"a_large_value_is_refused", a_large_value_is_refused}, {"a_full_bucket", a_full_bucket},
          {"messages_that_are_all_header_lines", messages_that_are_all_header_lines}, {"one_host_more", one_host_more},
          {"services_of_a_host_are_listed", services_of_a_host_are_listed}, {"names_of_any_kind", names_of_any_kind})

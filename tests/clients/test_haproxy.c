/* SPDX-License-Identifier: Apache-2.0 */
/* HAProxy's server-template over SRV, with examples/haproxy/haproxy.cfg: servers come, go and keep their
 * weights as the registry says, and stay as they are while it cannot be asked. */
#include <discover/discover.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/clients/stage.h"
#include "tests/support/e2e.h"
#include "tests/support/http.h"
#include "tests/support/port.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

/* From an answer to what HAProxy does about it: asks each second, holds for another, checks each second. */
#define FOLLOW_MS 20000

static const struct change unchanged[] = {{0}};
static struct stage s;
static struct proc haproxy;
static int port, statistics_port;
static char config[512], answer[256 * 1024], seen[4096];

/* more: changes of the configuration, up to an empty one. */
static void start_haproxy(const struct change *more)
{
    port = port_take();
    statistics_port = port_take();
    struct change changes[8] = {{"127.0.0.1:8053", stage_endpoint(s.b.dns_port)},
                                {"127.0.0.1:8080", stage_endpoint(port)},
                                {"127.0.0.1:8404", stage_endpoint(statistics_port)}};

    for (size_t i = 3; more->from && i < 7; i++)
        changes[i] = *more++;
    stage_example("examples/haproxy/haproxy.cfg", changes, config, sizeof config);
    proc_start(&haproxy, "haproxy", (const char *const[]){"haproxy", "-db", "-f", config, NULL}, NULL);
    (void)wait_until(5000, http_get(statistics_port, "/stats", answer, sizeof answer) == 200, "no statistics");
}

/* The n-th field of a line of CSV: its length, or -1. No field of ours is quoted with a comma in it. */
static int field(const char *line, int n, const char **ret_text)
{
    const char *end = line + strcspn(line, "\r\n");

    for (; n > 0; n--) {
        line += strcspn(line, ",\r\n");
        if (line++ >= end)
            return -1;
    }
    *ret_text = line;
    return (int)strcspn(line, ",\r\n");
}

struct server {
    char status[32], weight[8], addr[64];
};

/* Columns of `show stat` by number; their names stand in the first line. */
static int column(const char *head, const char *name)
{
    const char *text;
    int n;

    for (int i = 0; (n = field(head, i, &text)) >= 0; i++)
        if (strncmp(text, name, (size_t)n) == 0 && name[n] == 0)
            return i;
    ck_abort_msg("HAProxy's statistics have no %s", name);
}

static void copy(const char *line, int n, char *ret_text, size_t cap)
{
    const char *text = "";
    int length = field(line, n, &text);

    snprintf(ret_text, cap, "%.*s", length < 0 ? 0 : length, text);
}

/* How many servers of the backend have an address and, if status is given, that status; they are left in
 * `seen`. */
static int servers(const char *status, struct server *ret_servers, int cap)
{
    int n = 0, used = 0;

    stage_pause();
    char *line =
        http_get(statistics_port, "/stats;csv", answer, sizeof answer) == 200 ? strstr(answer, "# pxname") : NULL;

    ck_assert_msg(line, "no statistics: %s", answer);
    int at_status = column(line, "status"), at_weight = column(line, "weight"), at_addr = column(line, "addr");
    seen[0] = 0;
    while ((line = strstr(line, "\npayment,payment-"))) {
        struct server server;
        line++;
        copy(line, at_status, server.status, sizeof server.status);
        copy(line, at_weight, server.weight, sizeof server.weight);
        copy(line, at_addr, server.addr, sizeof server.addr);
        if (strncmp(server.status, "MAINT", 5) == 0)
            continue;
        used +=
            snprintf(seen + used, sizeof seen - (size_t)used, "%s %s %s; ", server.addr, server.status, server.weight);
        used = used < (int)sizeof seen ? used : (int)sizeof seen - 1;
        if (status && strncmp(server.status, status, strlen(status)) != 0)
            continue;
        if (n < cap)
            ret_servers[n] = server;
        n++;
    }
    return n;
}

static int up(void)
{
    return servers("UP", NULL, 0);
}

static int there(void)
{
    return servers(NULL, NULL, 0);
}

START_TEST(configuration_as_shipped)
{
    (void)stage_output("haproxy -c -f " SOURCE_DIR "/examples/haproxy/haproxy.cfg");
}
END_TEST

/* The instances are the daemons' own HTTP servers, so the checks of the example pass, and who answered can be
 * seen. */
START_TEST(follows)
{
    struct proc first, second;

    stage_start(&s, NULL, NULL);
    start_haproxy(unchanged);
    ck_assert_int_eq(http_get(port, "/healthz", answer, sizeof answer), 503);
    stage_register(&s.a, &first, "p1", s.a.http_port, 1);
    int64_t took_ns = wait_until(FOLLOW_MS, up() == 1, seen);
    measured("HAProxy: a server more", took_ns);
    ck_assert_int_eq(http_get(port, "/v1/status", answer, sizeof answer), 200);
    ck_assert_msg(strstr(answer, "\"host\":\"a\""), "%s", answer);

    stage_register(&s.b, &second, "p2", s.b.http_port, 1);
    (void)wait_until(FOLLOW_MS, up() == 2, seen);
    proc_kill(&first);
    took_ns = wait_until(FOLLOW_MS, there() == 1, seen);
    measured("HAProxy: a server less", took_ns);
    ck_assert_int_eq(http_get(port, "/v1/status", answer, sizeof answer), 200);
    ck_assert_msg(strstr(answer, "\"host\":\"b\""), "%s", answer);
}
END_TEST

static void is_in(enum discover_state state, struct discover_registration *r)
{
    ck_assert_int_eq(discover_registration_set_state(r, state), 0);
    ck_assert_int_eq(discover_register(host_lib(&s.a), r), 0);
}

/* The last one leaves no server behind. Gone is NXDOMAIN; not usable is NODATA, which HAProxy holds like an
 * error. */
START_TEST(the_last_one)
{
    struct discover_registration *r;

    stage_start(&s, NULL, NULL);
    start_haproxy((const struct change[]){{"hold other 1h", "hold other 1s"}, {0}});
    ck_assert_int_eq(discover_registration_new("shop/payment", (uint16_t)s.a.http_port, &r), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, "p1"), 0);
    ck_assert_int_eq(discover_registration_add_address(r, "127.0.0.1"), 0);
    is_in(DISCOVER_PASSING, r);
    (void)wait_until(FOLLOW_MS, up() == 1, seen);
    is_in(DISCOVER_MAINTENANCE, r);
    (void)wait_until(3000, seen_by_dns(&s.b, "shop/payment") == 0, s.b.seen);
    (void)wait_until(FOLLOW_MS, there() == 0, seen);
    is_in(DISCOVER_PASSING, r);
    (void)wait_until(FOLLOW_MS, up() == 1, seen);
    ck_assert_int_eq(discover_deregister(host_lib(&s.a), "shop/payment", "p1"), 0);
    (void)wait_until(FOLLOW_MS, there() == 0, seen);
    discover_registration_free(r);
}
END_TEST

/* The weight HAProxy makes of that of an instance at that port, or -1. */
static int weight_at(int of_port)
{
    static struct server all[100];
    int n = servers(NULL, all, 100);

    for (int i = 0; i < n; i++)
        if (strcmp(all[i].addr, stage_endpoint(of_port)) == 0)
            return atoi(all[i].weight);
    return -1;
}

START_TEST(weights)
{
    struct proc holder[3];

    stage_start(&s, NULL, NULL);
    start_haproxy(unchanged);
    stage_register(&s.a, &holder[0], "p1", 1001, 1);
    stage_register(&s.a, &holder[1], "p2", 1002, 10);
    stage_register(&s.b, &holder[2], "p3", 1003, 255);
    (void)wait_until(FOLLOW_MS, weight_at(1001) == 1 && weight_at(1002) == 10 && weight_at(1003) == 255, seen);
}
END_TEST

/* Sixty do not fit into 512 bytes, nor into 1232; all of them, one taken away, and no flapping. */
START_TEST(sixty)
{
    struct proc one;

    stage_start(&s, stage_services(60, 1001), NULL);
    start_haproxy(unchanged);
    (void)wait_until(FOLLOW_MS, there() == 60, seen);
    stage_register(&s.b, &one, "one", 2001, 1);
    (void)wait_until(FOLLOW_MS, there() == 61, seen);
    proc_kill(&one);
    (void)wait_until(FOLLOW_MS, there() == 60, seen);
    holds_for(2000, there() == 60, seen);
}
END_TEST

/* As many as fit into the largest datagram that discoverd sends on loopback. */
START_TEST(two_hundred)
{
    stage_start(&s, stage_services(200, 1001), NULL);
    start_haproxy((const struct change[]){{"payment- 100", "payment- 200"}, {0}});
    (void)wait_until(FOLLOW_MS, there() == 200, seen);
}
END_TEST

/* And more, as the comment in the example says. */
START_TEST(more_by_tcp)
{
    stage_start(&s, stage_services(250, 1001), NULL);
    start_haproxy((const struct change[]){{"nameserver local 127", "nameserver local tcp@127"},
                                          {"payload_size 16384", "payload_size 65535"},
                                          {"payment- 100", "payment- 250"},
                                          {0}});
    (void)wait_until(FOLLOW_MS, there() == 250, seen);
}
END_TEST

/* Without the line that asks for large datagrams it gets a part, always the same one, so servers do not come
 * and go. */
START_TEST(a_part_is_always_the_same)
{
    stage_start(&s, stage_services(60, 1001), NULL);
    start_haproxy((const struct change[]){{"payload_size 16384", "payload_size 512"}, {0}});
    (void)wait_until(FOLLOW_MS, there() > 0, seen);
    int n = there();
    ck_assert_int_lt(n, 60);
    holds_for(2000, there() == n, seen);
}
END_TEST

/* NATS away: nothing changes. A daemon that has just started and cannot ask it: SERVFAIL, and nothing
 * changes. */
START_TEST(keeps_what_it_has)
{
    struct proc first;

    stage_start(&s, NULL, NULL);
    start_haproxy(unchanged);
    stage_register(&s.a, &first, "p1", s.a.http_port, 1);
    (void)wait_until(FOLLOW_MS, up() == 1, seen);
    nats_server_kill(&s.nats, 0);
    holds_for(3000, up() == 1, seen);
    stage_forget(&s);
    holds_for(3000, up() == 1, seen);
    stage_remember(&s);
    holds_for(2000, up() == 1, seen);
}
END_TEST

E2E_TESTS("HAProxy", 60, {"configuration_as_shipped", configuration_as_shipped}, {"follows", follows},
          {"the_last_one", the_last_one}, {"weights", weights}, {"sixty", sixty}, {"two_hundred", two_hundred},
          {"more_by_tcp", more_by_tcp}, {"a_part_is_always_the_same", a_part_is_always_the_same},
          {"keeps_what_it_has", keeps_what_it_has})

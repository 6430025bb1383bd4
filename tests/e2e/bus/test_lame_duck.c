/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of a cluster is told to stop the gentle way (lame-duck mode): the daemons that are connected to it
 * move to another one before they are cut off, and nobody sees anything of it.
 */
#include <discover/discover.h>
#include <string.h>

#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define STEADY "shop/steady"

#define PUT_AGAIN_MS 8000 /* a put that nobody answers, as its stream changes its leader, is put again after 5 s */

static struct nats nats;
static struct host a, b;
static unsigned registered;

static size_t server_of(struct host *h)
{
    static struct output o;
    ck_assert_int_eq(ctl(h, &o, "status", NULL), 0);
    for (size_t i = 0; i < nats.n; i++)
        if (strstr(o.out, nats.server[i].url))
            return i;
    ck_abort_msg("connected to none of ours: %s", o.out);
}

static void start(void)
{
    static char other[64];
    nats_init(&nats, 3);
    nats.extra = "lame_duck_duration: \"30s\", lame_duck_grace_period: \"5s\"\n";
    for (size_t i = 0; i < nats.n; i++)
        nats_server_launch(&nats, i);
    nats_wait_ready(&nats);
    host_start(&a, &(struct host_options){.name = "a",
                                          .nats = nats.urls,
                                          .lease_ttl = "6s",
                                          .registry = "replicas = 3;",
                                          .services = "{ name = \"" STEADY
                                                      "\"; instance = \"s1\"; port = 80; address = [\"10.1.2.3\"]; }"});
    snprintf(other, sizeof other, "\"%s\"", nats.server[(server_of(&a) + 1) % nats.n].url);
    host_start(&b, &(struct host_options){.name = "b", .nats = other, .lease_ttl = "6s", .registry = "replicas = 3;"});
    wait_until(PUT_AGAIN_MS, seen_by_all(&b, STEADY, 1), b.seen);
}

/* Registers on one, and waits for the other to see it; asks both all the while for what has always been
 * there. */
static bool works(struct host *from, struct host *to)
{
    char service[32], name[DNS_NAME_MAX];
    struct discover_registration *r;
    struct dnsq_reply reply;
    snprintf(service, sizeof service, "shop/s%u", registered++);
    ck_assert_int_eq(discover_registration_new(service, 8080, &r), 0);
    ck_assert_int_eq(discover_register(host_lib(from), r), 0);
    wait_until(PUT_AGAIN_MS, seen_by_dns(to, service) == 1 && seen_by_lib(from, STEADY) == 1, to->seen);
    discover_registration_free(r);
    dns_name(STEADY, name);
    ck_assert_int_eq(dnsq_udp(from->dns_port, name, DNSQ_SRV, &reply), 0);
    ck_assert_msg(reply.n_answers == 1 && reply.ede < 0, "%zu answers, EDE %d", reply.n_answers, reply.ede);
    return true;
}

static bool has_moved(struct host *h)
{
    return works(&a, &b) && works(&b, &a) && host_counter(h, "discoverd_bus_moves_total") == 1;
}

static bool logged(const struct host *h, const char *text)
{
    static struct output o;
    return shell(&o, "grep -q '%s' %s/discoverd-%s.log", text, e2e_folder(), h->name) == 0;
}

START_TEST(nobody_sees_a_server_leave)
{
    start();
    size_t leaving = server_of(&a);
    nats_server_lame_duck(&nats, leaving);
    int64_t took_ns = wait_until(30000, has_moved(&a), a.seen);
    measured("a server is about to stop: moved to another after", took_ns);
    ck_assert_uint_ne(server_of(&a), leaving);
    ck_assert_msg(proc_running(&nats.server[leaving].proc), "the server was gone already");
    (void)wait_until(5000, logged(&a, "is about to stop: moved to"), "not in the log");

    wait_until(30000, works(&a, &b) && works(&b, &a) && !proc_running(&nats.server[leaving].proc), a.seen);
    ck_assert_int_eq(host_counter(&a, "discoverd_bus_disconnects_total"), 0);
    ck_assert_int_eq(host_counter(&b, "discoverd_bus_moves_total"), 0);
    ck_assert(!logged(&a, "stale"));
}
END_TEST

E2E_TESTS("lame duck", 120, {"nobody_sees_a_server_leave", nobody_sees_a_server_leave})

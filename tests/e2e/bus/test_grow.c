/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator does to buckets that are in use: a copy on each of three servers instead of on one, and another MaxAge.
 * Daemons are not told, look-ups run all the while, and afterwards the loss of any server shows nowhere. And from one server
 * to three, and to two regions, in the steps that README names: no look-up goes without an answer.
 */
#include <discover/discover.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"

static struct nats nats;
static struct host a, b;
static struct kv kv;

static bool all_seen(void)
{
    return seen_by_dns(&a, SERVICE) == 1 && seen_by_dns(&b, SERVICE) == 1;
}

static const char *buckets[] = {"SERVICES", "HOSTS"};

/* nats-server 2.9 does it, and does not answer, since the stream's leader changes meanwhile. */
static void ask_for_copies(int copies)
{
    char *wanted[2], subject[64];

    for (int i = 0; i < 2; i++) {
        json_t *config = kv_api(&kv, "INFO", buckets[i], "", "config");
        ck_assert_int_eq(json_object_set_new(config, "num_replicas", json_integer(copies)), 0);
        wanted[i] = json_dumps(config, 0);
        json_decref(config);
    }
    for (int i = 0; i < 2; i++) {
        snprintf(subject, sizeof subject, "$JS.API.STREAM.UPDATE.KV_%s", buckets[i]);
        ck_assert_int_eq(natsConnection_PublishRequestString(kv.nc, subject, "nobody", wanted[i]), NATS_OK);
        free(wanted[i]);
    }
}

/* False, too, while its leader changes and nobody answers. */
static bool has_three_copies(const char *bucket)
{
    char subject[64];
    natsMsg *msg = NULL;
    size_t i, current = 0;
    json_t *copy;

    snprintf(subject, sizeof subject, "$JS.API.STREAM.INFO.KV_%s", bucket);
    if (natsConnection_RequestString(&msg, kv.nc, subject, "", 200) != NATS_OK)
        return false;
    json_t *root = json_loadb(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), 0, NULL);
    json_array_foreach(json_object_get(json_object_get(root, "cluster"), "replicas"), i, copy) current +=
        json_is_true(json_object_get(copy, "current"));
    json_decref(root);
    natsMsg_Destroy(msg);
    return current == 2;
}

static size_t server_of(struct host *h)
{
    struct output o;
    ck_assert_int_eq(ctl(h, &o, "status", NULL), 0);
    for (size_t i = 0; i < nats.n; i++)
        if (strstr(o.out, nats.server[i].url))
            return i;
    ck_abort_msg("connected to none of ours: %s", o.out);
}

START_TEST(more_copies_and_another_age)
{
    struct discover_registration *r;

    nats_start(&nats, 3);
    host_start(&a, &(struct host_options){
                       .name = "a", .nats = nats.urls, .services = "{ name = \"shop/payment\"; port = 80; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    (void)wait_until(5000, all_seen(), b.seen);
    kv_open(&kv, nats.server[server_of(&a)].url);
    ask_for_copies(3);
    (void)wait_until(20000, all_seen() && has_three_copies("SERVICES") && has_three_copies("HOSTS"),
                     "the copies are not there");
    kv_edit_stream(&kv, "SERVICES", "{\"max_age\":7200000000000}");
    kv_edit_stream(&kv, "HOSTS", "{\"max_age\":60000000000}");
    holds_for(1000, all_seen(), b.seen);
    kv_close(&kv);
    for (size_t i = 0; i < nats.n; i++) {
        char service[64];

        nats_server_kill(&nats, i);
        snprintf(service, sizeof service, "shop/while-%zu-is-away", i);
        ck_assert_int_eq(discover_registration_new(service, 8080, &r), 0);
        ck_assert_int_eq(discover_register(host_lib(&a), r), 0);
        discover_registration_free(r);
        (void)wait_until(20000, all_seen() && seen_by_dns(&b, service) == 1, b.seen);
        nats_server_launch(&nats, i);
        nats_wait_ready(&nats);
        (void)wait_until(20000, kv_server_ready(nats.server[i].url), "the server is not back");
        kv_open(&kv, nats.server[i].url);
        (void)wait_until(30000, has_three_copies("SERVICES") && has_three_copies("HOSTS"), "it has not caught up");
        kv_close(&kv);
    }
}
END_TEST

/* ---- from one server to two regions ---- */

static struct nats other; /* of region b */
static struct host far;
static char remote[256];

static struct {
    pthread_t thread;
    struct discover *eye;
    atomic_bool stop;
    atomic_uint asked, without; /* look-ups, and those that found nobody */
} look;

static void *look_on(void *arg)
{
    struct discover_endpoint e[2];
    while (!atomic_load(&look.stop)) {
        size_t n = 0;
        (void)!discover_dispatch(look.eye);
        int verdict = discover_resolve(look.eye, SERVICE, e, 2, &n);
        atomic_fetch_add(&look.asked, 1);
        if (verdict != DISCOVER_E_BUSY && (verdict < 0 || n != 1))
            atomic_fetch_add(&look.without, 1);
        wait_step();
    }
    return arg;
}

static void start_looking(void)
{
    ck_assert_int_eq(discover_new(&look.eye), 0);
    ck_assert_int_eq(discover_set_socket(look.eye, b.socket), 0);
    ck_assert_int_ge(discover_start(look.eye), 0);
    ck_assert_int_eq(pthread_create(&look.thread, NULL, look_on, NULL), 0);
}

/* What stands in both daemons' configuration, replaced; each is started anew by itself, within its lease. */
static void configure(const char *expression)
{
    struct host *hosts[] = {&b, &a};
    struct output out;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(shell(&out, "sed -i -E '%s' %s", expression, hosts[i]->config), 0);
        host_stop(hosts[i]);
        host_run(hosts[i]);
    }
}

static bool is_live(void)
{
    return atomic_load(&look.without) == 0 && all_seen();
}

static bool has_copies(const char *url)
{
    if (!kv_server_ready(url))
        return false;
    kv_open(&kv, url);
    bool has = has_three_copies("SERVICES") && has_three_copies("HOSTS");
    kv_close(&kv);
    return has;
}

static bool both_have_copies(const char *url)
{
    return atomic_load(&look.without) == 0 && has_copies(url);
}

static void step(const char *what)
{
    printf("%s: %u look-ups, %u without an answer\n", what, atomic_load(&look.asked), atomic_load(&look.without));
    fflush(stdout);
    ck_assert_uint_eq(atomic_load(&look.without), 0);
}

static void begin_with_one_server(void)
{
    char first[64];
    nats_init(&nats, 3);
    nats.n = 1;
    nats.domain = "a";
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    snprintf(first, sizeof first, "\"%s\"", nats.server[0].url);
    host_start(&a, &(struct host_options){.name = "a",
                                          .nats = first,
                                          .registry = "replicas = 1;",
                                          .extra = "region = \"a\";",
                                          .services = "{ name = \"shop/payment\"; port = 80; }"});
    host_start(&b, &(struct host_options){
                       .name = "b", .nats = first, .registry = "replicas = 1;", .extra = "region = \"a\";"});
    (void)wait_until(5000, all_seen(), b.seen);
    start_looking();
}

/* The first one becomes one of three: its buckets are put away, and made anew, of what the daemons know. */
static void grow_to_three_servers(void)
{
    char expression[512];
    snprintf(expression, sizeof expression, "s|\"%s\"|%s|; s|replicas = 1|replicas = 3|", nats.server[0].url,
             nats.urls);
    configure(expression);
    step("daemons know three servers");
    nats.n = 3;
    nats_server_launch(&nats, 1);
    nats_server_launch(&nats, 2);
    nats_server_kill(&nats, 0);
    nats_server_wipe(&nats, 0); /* else its copy of the new buckets begins with what it had before */
    nats_server_launch(&nats, 0);
    (void)wait_until(40000, both_have_copies(nats.server[0].url), "no three copies");
    (void)wait_until(20000, is_live(), b.seen);
    step("three servers, three copies");
}

static void start_other_region(void)
{
    nats_init(&other, 1);
    other.domain = "b";
    other.leafs = true;
    nats_server_launch(&other, 0);
    nats_wait_ready(&other);
    host_start(&far,
               &(struct host_options){.name = "far",
                                      .nats = other.urls,
                                      .extra = "region = \"b\";",
                                      .services = "{ name = \"shop/far\"; port = 90; address = [\"10.2.0.1\"]; }"});
}

static bool reads_far(void)
{
    struct discover_endpoint e[2];
    size_t n = 0;
    int verdict = discover_resolve(host_lib(&a), "shop/far@b", e, 2, &n);
    snprintf(a.seen, sizeof a.seen, "verdict %d with %zu instances; %u look-ups without an answer", verdict, n,
             atomic_load(&look.without));
    return atomic_load(&look.without) == 0 && verdict == DISCOVER_FRESH && n == 1;
}

/* Server after server learns of the link, each when the one before has all that it missed; then daemon after daemon. */
static void grow_to_two_regions(void)
{
    start_other_region();
    snprintf(remote, sizeof remote, "leafnodes { reconnect: 1, remotes: [{ url: \"nats-leaf://127.0.0.1:%d\" }] }",
             other.server[0].leaf_port);
    nats.extra = remote;
    for (size_t i = 0; i < nats.n; i++) {
        nats_server_kill(&nats, i);
        nats_server_launch(&nats, i);
        (void)wait_until(40000, both_have_copies(nats.server[i].url), "it has not caught up");
    }
    step("three servers with a link to another region");
    configure("s|region = \"a\";|region = \"a\"; regions = ( { name = \"b\"; js_domain = \"b\"; } );|");
    (void)wait_until(20000, reads_far(), a.seen);
    step("two regions");
}

START_TEST(from_one_server_to_two_regions)
{
    begin_with_one_server();
    grow_to_three_servers();
    grow_to_two_regions();
    holds_for(4000, all_seen() && reads_far(), b.seen); /* for more than a lease */
    step("and a lease later");
    atomic_store(&look.stop, true);
    pthread_join(look.thread, NULL);
    discover_free(look.eye);
}
END_TEST

E2E_TESTS("grow", 120, {"more_copies_and_another_age", more_copies_and_another_age},
          {"from_one_server_to_two_regions", from_one_server_to_two_regions})

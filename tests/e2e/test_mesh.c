/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The very files of examples/nats/regions/mesh.conf: three regions read one another, a has three servers in three zones. One
 * region lost touches nobody else; nor does a zone; what it had is in its mirrors; and nobody writes into another region.
 */
#include <discover/discover.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/raw_nats.h"
#include "tests/support/wait.h"

#define REGIONS  3
#define READY_MS 30000
#define TTL_MS   3000 /* of host.h */

static struct nats nats[REGIONS]; /* a, b, c */
static struct host host[REGIONS];
static struct output o;

static char letter(size_t region)
{
    return (char)('a' + region % REGIONS);
}

/* The letters turned, so that the file is that of another region. */
static void turn_letters(size_t region, char *ret_script, size_t cap)
{
    size_t used = (size_t)snprintf(ret_script, cap,
                                   "s/(region-|from-|init-|discover\\.|FROM_)([abcABC])\\b/\\1<\\2>/g; "
                                   "s/^(server_name: |    name: )a/\\1<a>/;");
    for (size_t r = 0; r < REGIONS; r++)
        used += (size_t)snprintf(ret_script + used, cap - used, "s/<%c>/%c/g; s/<%c>/%c/g;", letter(r),
                                 letter(r + region), letter(r) - 32, letter(r + region) - 32);
}

/* Where the servers of a region are found, as leaf nodes' remotes want it. */
static void leaf_urls(size_t from, size_t to, char *ret_urls, size_t cap)
{
    size_t used = 0;
    for (size_t i = 0; i < nats[to].n; i++)
        used +=
            (size_t)snprintf(ret_urls + used, cap - used, "%s\"nats-leaf://region-%c:region-%c-secret@127.0.0.1:%d\"",
                             i ? ", " : "", letter(from), letter(from), nats[to].server[i].leaf_port);
}

/* Only what would clash on one machine is another: where they listen and find one another, where they store. */
static void start_server(size_t region, size_t i)
{
    const struct nats *n = &nats[region];
    const struct nats_server *s = &n->server[i];
    char path[512], letters[512], next[512], other[512], cluster[256] = "/^cluster [{]/,/^[}]/d";
    turn_letters(region, letters, sizeof letters);
    leaf_urls(region, (region + 1) % REGIONS, next, sizeof next);
    leaf_urls(region, (region + 2) % REGIONS, other, sizeof other);
    if (n->n > 1)
        snprintf(cluster, sizeof cluster,
                 "s|127.0.0.1:6222\", .*]|127.0.0.1:%d\", \"nats://127.0.0.1:%d\"]|; s|listen: 127.0.0.1:6222|listen: "
                 "127.0.0.1:%d|",
                 n->server[(i + 1) % 3].route_port, n->server[(i + 2) % 3].route_port, s->route_port);
    snprintf(path, sizeof path, "%s/%s.conf", e2e_folder(), s->name);
    ck_assert_msg(shell(&o,
                        "sed -E '%s' %s/nats/regions/mesh.conf | sed -E -e 's|^server_name: .*|server_name: %s|' -e "
                        "'s|az1|az%zu|' -e 's|\"[^\"]*@127.0.1.1:7422\"|%s|' -e "
                        "'s|\"[^\"]*@127.0.2.1:7422\"|%s|' -e 's|127.0.0.1:7422|127.0.0.1:%d|' -e "
                        "'s|127.0.0.1:4222|127.0.0.1:%d|' -e "
                        "'s|/var/lib/nats|%s|' -e '%s' >%s",
                        letters, EXAMPLES_DIR, s->name, i + 1, next, other, s->leaf_port, s->port, s->store, cluster,
                        path) == 0,
                  "%s", o.err);
    proc_start(&nats[region].server[i].proc, s->name, (const char *const[]){nats_server_program(), "-c", path, NULL},
               NULL);
}

static void url_of(char ret_url[static 128], const char *user, size_t region, size_t i)
{
    snprintf(ret_url, 128, "nats://%s:%s-secret@127.0.0.1:%d", user, user, nats[region].server[i].port);
}

static const char *password(const char *name)
{
    static char path[4][512];
    static unsigned at;
    char *to = path[at++ % 4];
    snprintf(to, sizeof path[0], "%s/%s.password", e2e_folder(), name);
    ck_assert_int_eq(shell(&o, "umask 077; echo %s-secret >%s", name, to), 0);
    return to;
}

/* Where there are three of them, not before all know of one another. */
static void make_buckets(size_t region)
{
    char url[128];
    url_of(url, "admin", region, 0);
    (void)wait_until(READY_MS, kv_server_ready(url), url);
    (void)wait_until(
        READY_MS,
        shell(&o,
              "echo 'region = \"%c\"; registry = { lease_ttl = \"3s\"; replicas = %zu; }; nats = { servers = [\"%s\"]; "
              "user = \"admin\"; password_file = \"%s\"; };' >%s/admin.conf && %s -c %s/admin.conf --init",
              letter(region), nats[region].n, nats[region].server[0].url, password("admin"), e2e_folder(),
              e2e_binary("discoverd"), e2e_folder()) == 0,
        o.err);
}

/* The regions that one reads, as the user of each that is called so: "from" or "init". */
static void other_regions(size_t region, const char *as, char *ret_text, size_t cap)
{
    char user[16];
    size_t used = (size_t)snprintf(ret_text, cap, "region = \"%c\"; regions = ( ", letter(region));
    for (size_t i = 1; i < REGIONS; i++) {
        snprintf(user, sizeof user, "%s-%c", as, letter(region + i));
        used +=
            (size_t)snprintf(ret_text + used, cap - used,
                             "%s{ name = \"%c\"; js_domain = \"registry\"; mirror = \"MIRROR_%%s\"; nats = { servers = "
                             "[%s]; user = \"%s\"; password_file = \"%s\"; }; }",
                             i > 1 ? ", " : "", letter(region + i), nats[region].urls, user, password(user));
    }
    snprintf(ret_text + used, cap - used, " );");
}

/* By the region's operator, once the buckets of all are there. */
static void make_mirrors(size_t region)
{
    char regions[1024];
    other_regions(region, "init", regions, sizeof regions);
    (void)wait_until(READY_MS,
                     shell(&o,
                           "echo 'registry = { lease_ttl = \"3s\"; replicas = %zu; }; nats = { servers = [%s]; user = "
                           "\"admin\"; password_file = \"%s\"; }; %s' >%s/admin.conf && %s -c %s/admin.conf --init",
                           nats[region].n, nats[region].urls, password("admin"), regions, e2e_folder(),
                           e2e_binary("discoverd"), e2e_folder()) == 0,
                     o.err);
}

static void start_host(struct host *h, size_t region, const char *name)
{
    char extra[2048], bus[1024], folder[16];
    snprintf(bus, sizeof bus, "user = \"%s\"; password_file = \"%s\"; js_domain = \"registry\";", name, password(name));
    other_regions(region, "from", extra, sizeof extra);
    snprintf(folder, sizeof folder, "%c-%s", letter(region), name);
    host_start(h, &(struct host_options){.name = folder,
                                         .host = name,
                                         .nats = nats[region].urls,
                                         .registry = "create = false;",
                                         .bus = bus,
                                         .extra = extra});
}

static void start(void)
{
    for (size_t r = 0; r < REGIONS; r++)
        nats_init(&nats[r], r == 0 ? 3 : 1);
    for (size_t r = 0; r < REGIONS; r++)
        for (size_t i = 0; i < nats[r].n; i++)
            start_server(r, i);
    for (size_t r = 0; r < REGIONS; r++)
        make_buckets(r);
    for (size_t r = 0; r < REGIONS; r++)
        make_mirrors(r);
    for (size_t r = 0; r < REGIONS; r++) {
        start_host(&host[r], r, "web-1");
        ck_assert_int_eq(ctl(&host[r], &o, "register", "shop/all", "--port", "1000", "--ttl", "200s", NULL), 0);
    }
}

static int seen_by(struct host *h, size_t of)
{
    struct discover_endpoint e[4];
    char service[16];
    size_t n = 0;
    snprintf(service, sizeof service, "shop/all@%c", letter(of));
    int verdict = discover_resolve(host_lib(h), service, e, 4, &n);
    snprintf(h->seen, sizeof h->seen, "%s: verdict %d, %zu instances", service, verdict, n);
    return verdict < 0 || n != 1 ? -1 : verdict;
}

static int seen(size_t by, size_t of)
{
    return seen_by(&host[by], of);
}

static bool all_read_all(void)
{
    for (size_t by = 0; by < REGIONS; by++)
        for (size_t of = 0; of < REGIONS; of++)
            if (by != of && seen(by, of) != DISCOVER_FRESH)
                return false;
    return true;
}

static const char *all_seen(void)
{
    static char text[256];
    snprintf(text, sizeof text, "%.80s; %.80s; %.80s", host[0].seen, host[1].seen, host[2].seen);
    return text;
}

static bool a_and_b_go_on(int c)
{
    return seen(0, 1) == DISCOVER_FRESH && seen(1, 0) == DISCOVER_FRESH && seen(0, 2) == c && seen(1, 2) == c;
}

START_TEST(one_region_is_lost)
{
    start();
    wait_until(20000, all_read_all(), all_seen());
    nats_server_kill(&nats[2], 0);
    int64_t stale_ns = wait_until(TTL_MS, a_and_b_go_on(DISCOVER_STALE), all_seen());
    holds_for(TTL_MS + 2000, a_and_b_go_on(DISCOVER_STALE), all_seen());
    start_server(2, 0);
    int64_t back_ns = wait_until(20000, all_read_all(), all_seen());
    printf("c lost: stale after %.2f s, all read all %.2f s after its return\n", (double)stale_ns / 1e9,
           (double)back_ns / 1e9);
}
END_TEST

/* Each replica is in a zone of its own; with one zone less, it is read and written as before. */
START_TEST(one_zone_is_lost)
{
    struct kv kv;
    char url[128];
    start();
    wait_until(20000, all_read_all(), all_seen());
    url_of(url, "admin", 0, 0);
    kv_open(&kv, url);
    json_t *cluster = kv_api(&kv, "INFO", "SERVICES", "", "cluster");
    ck_assert_uint_eq(json_array_size(json_object_get(cluster, "replicas")), 2);
    json_decref(cluster);
    kv_close(&kv);
    nats_server_kill(&nats[0], 2);
    ck_assert_int_eq(ctl(&host[0], &o, "register", "shop/new", "--port", "1001", "--ttl", "200s", NULL), 0);
    struct discover_endpoint e[4];
    size_t n = 0;
    wait_until(15000, discover_resolve(host_lib(&host[1]), "shop/new@a", e, 4, &n) == DISCOVER_FRESH && n == 1,
               all_seen());
    wait_until(15000, all_read_all(), all_seen());
}
END_TEST

static int mirror_snapshots(const struct host *h, size_t of)
{
    ck_assert_int_eq(
        shell(&o,
              "curl -s http://127.0.0.1:%d/metrics | sed -n 's/^discoverd_region_mirror_snapshots{region=\"%c\"} //p'",
              h->http_port, letter(of)),
        0);
    return atoi(o.out);
}

static bool mirrored(size_t by, size_t of)
{
    char url[128], user[16];
    struct kv kv;
    snprintf(user, sizeof user, "init-%c", letter(of));
    url_of(url, user, by, 0);
    kv_open(&kv, url);
    bool all = kv_stream_count(&kv, "MIRROR_SERVICES") == 1 && kv_stream_count(&kv, "MIRROR_HOSTS") == 1;
    kv_close(&kv);
    return all;
}

static bool all_mirrored(void)
{
    for (size_t by = 0; by < REGIONS; by++)
        for (size_t of = 0; of < REGIONS; of++)
            if (by != of && !mirrored(by, of))
                return false;
    return true;
}

/* What c has crossed the link once, and is there for a host of a that starts while c is lost. */
START_TEST(mirrors_of_a_region_that_is_lost)
{
    static struct host late;
    start();
    wait_until(20000, all_read_all() && all_mirrored(), all_seen());
    start_host(&late, 0, "web-2");
    wait_until(10000, seen_by(&late, 1) == DISCOVER_FRESH && seen_by(&late, 2) == DISCOVER_FRESH, late.seen);
    ck_assert_int_eq(mirror_snapshots(&late, 1), 2); /* of both buckets */
    ck_assert_int_eq(mirror_snapshots(&late, 2), 2);
    host_stop(&late);
    nats_server_kill(&nats[2], 0);
    ck_assert_int_eq(shell(&o, "rm -r %s/*", late.state_dir), 0);
    host_run(&late);
    wait_until(10000, seen_by(&late, 2) == DISCOVER_STALE && seen_by(&late, 1) == DISCOVER_FRESH, late.seen);
}
END_TEST

/* By the rights that mirrors need: a consumer that sends what is stored to a subject of somebody else. */
static void push_elsewhere(void)
{
    static const char *const subjects[] = {"discover.a.services.shop.all.web-1.forged", "$KV.HOSTS.web-1",
                                           "$JS.API.STREAM.DELETE.KV_HOSTS", "$JS.M.region-b.forged"};
    static const char api[] = "$JS.registry.API.CONSUMER.CREATE.KV_SERVICES";
    struct raw_nats c;
    char body[512], inbox[32];
    raw_open(&c, nats[0].server[0].port, "region-c", "region-c-secret");
    (void)raw_subscribe(&c, "_INBOX.c.>");
    (void)raw_subscribe(&c, "$JS.M.>"); /* what b's mirrors are sent, too? */
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        snprintf(inbox, sizeof inbox, "_INBOX.c.%zu", i);
        (void)raw_subscribe(&c, subjects[i]); /* without anybody who hears it nothing is sent */
        snprintf(body, sizeof body,
                 "{\"stream_name\":\"KV_SERVICES\",\"config\":{\"deliver_subject\":\"%s\",\"deliver_policy\":\"all\","
                 "\"ack_policy\":\"none\"}}",
                 subjects[i]);
        raw_publish(&c, api, inbox, NULL, body, strlen(body));
        (void)wait_until(5000, raw_pump(&c) && raw_find(&c, inbox), c.error);
    }
    ck_assert_ptr_nonnull(raw_find(&c, "$KV.SERVICES.")); /* it hears what it sent into the feed */
    ck_assert_ptr_null(raw_find(&c, "$JS.M.region-b"));
    raw_close(&c);
}

/* By the users that are for reading, and by the owner of another region's servers. */
START_TEST(nobody_writes_elsewhere)
{
    static const char *const subjects[] = {
        "$KV.SERVICES.shop.all.web-2.evil",       "$JS.registry.API.$KV.SERVICES.shop.all.web-2.evil",
        "$JS.registry.API.$KV.HOSTS.evil",        "$JS.registry.API.STREAM.DELETE.KV_SERVICES",
        "$JS.API.STREAM.DELETE.KV_SERVICES",      "$JS.API.STREAM.DELETE.MIRROR_SERVICES",
        "discover.b.services.shop.all.web-2.evil"};
    static const char *const users[] = {"from-b", "admin", "web-1", "region-c"};
    char url[128];
    struct kv kv;
    start();
    wait_until(20000, all_read_all(), all_seen());
    for (size_t u = 0; u < sizeof users / sizeof *users; u++) {
        url_of(url, users[u], 0, 0);
        kv_open(&kv, url);
        for (size_t i = u == 1 ? 2 : 0; i < sizeof subjects / sizeof *subjects; i++)
            if (u != 1 || strstr(subjects[i], "discover.")) /* the admin may do anything, at home */
                (void)natsConnection_PublishString(kv.nc, subjects[i], "x");
        (void)natsConnection_FlushTimeout(kv.nc, 2000);
        kv_close(&kv);
    }
    push_elsewhere();
    for (size_t r = 0; r < REGIONS; r++) {
        url_of(url, "admin", r, 0);
        kv_open(&kv, url);
        ck_assert_int_eq(kv_count(&kv, "HOSTS"), 1);
        ck_assert_int_eq(kv_count(&kv, "SERVICES"), 1);
        kv_close(&kv);
    }
    ck_assert_msg(all_read_all() && all_mirrored(), "%s", all_seen());
}
END_TEST

E2E_TESTS("mesh", 120, {"one_region_is_lost", one_region_is_lost}, {"one_zone_is_lost", one_zone_is_lost},
          {"mirrors_of_a_region_that_is_lost", mirrors_of_a_region_that_is_lost},
          {"nobody_writes_elsewhere", nobody_writes_elsewhere})

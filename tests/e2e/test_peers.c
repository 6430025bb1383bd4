/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others do to the buckets that they should not: garbage, more than the limits take, a flood. Each is
 * shown with its key or its host, in the log, in discoverctl and over HTTP; and nobody else is slowed by it.
 */
#include <discover/discover.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/digest.h"
#include "libdiscover/core/record.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define EPOCH 1700000000000

static struct nats nats;
static struct host a, b;
static struct kv kv;
static char answer[1 << 20];

static void two_hosts(const char *extra_of_a, const char *extra_of_b)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .extra = extra_of_a});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .extra = extra_of_b});
    kv_open(&kv, nats.server[0].url);
}

static json_t *status_by_ctl(struct host *h)
{
    static struct output o;
    json_error_t error;
    ck_assert_int_eq(ctl(h, &o, "--json", "status", NULL), 0);
    json_t *status = json_loads(o.out, 0, &error);
    ck_assert_msg(status, "%s: %s", error.text, o.out);
    return status;
}

static json_t *status_by_http(struct host *h)
{
    json_error_t error;
    ck_assert_int_eq(http_get(h->http_port, "/v1/status", answer, sizeof answer), 200);
    json_t *status = json_loads(strstr(answer, "\r\n\r\n") + 4, 0, &error);
    ck_assert_msg(status, "%s: %s", error.text, answer);
    return status;
}

/* The entry of a list of the status in which a field has that text; NULL when there is none. */
static json_t *entry_of(json_t *status, const char *list, const char *field, const char *text)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(status, list), i,
                       entry) if (strcmp(json_string_value(json_object_get(entry, field)), text) == 0) return entry;
    return NULL;
}

/* Whether both say that a key is refused with a reason that contains a text; NULL: that it is not. */
static bool refused(struct host *h, const char *bucket, const char *key, const char *why)
{
    json_t *(*const ways[])(struct host * h) = {status_by_ctl, status_by_http};
    for (size_t i = 0; i < 2; i++) {
        json_t *status = ways[i](h), *entry = entry_of(status, "refused", "key", key);
        char *text = json_dumps(json_object_get(status, "refused"), 0);
        snprintf(h->seen, sizeof h->seen, "%.1000s", text);
        free(text);
        bool ok = !why == !entry;
        if (ok && why)
            ok = strstr(json_string_value(json_object_get(entry, "reason")), why) &&
                 strcmp(json_string_value(json_object_get(entry, "bucket")), bucket) == 0 &&
                 json_integer_value(json_object_get(entry, "count")) >= 1 &&
                 json_integer_value(json_object_get(entry, "age_ms")) < 60000;
        json_decref(status);
        if (!ok)
            return false;
    }
    return true;
}

static void put_text(const char *bucket, const char *key, const char *value)
{
    (void)kv_put(&kv, bucket, key, value, strlen(value));
}

static const struct bad {
    const char *bucket, *key, *value, *why;
} bad[] = {
    {"SERVICES", "shop.pay.web-9.json", "{\"host\":\"10.0.0.1\",\"port\":99999}", "port: must be a number 1..65535"},
    {"SERVICES", "services/pay/short", "{\"host\":", "not JSON"},
    {"SERVICES", "shop.pay.web-9.proto", "\x08", "protobuf"},
    {"SERVICES", "shop.pay", "{}", "the key is neither"},
    {"HOSTS", "web-9", "hello", "protobuf"},
};
#define BAD (sizeof bad / sizeof *bad)

START_TEST(garbage_is_shown_with_its_key)
{
    static const char good[] = "{\"host\":\"10.0.0.1\",\"port\":80,\"ttl\":60}";
    static char huge[6000];
    static struct output o;
    two_hosts(NULL, "limits = { record_bytes = 4000; };"); /* a makes the buckets: they take more than b */
    memset(huge, 'x', sizeof huge - 1);
    for (size_t i = 0; i < BAD; i++)
        put_text(bad[i].bucket, bad[i].key, bad[i].value);
    put_text("SERVICES", "shop.pay.web-9.huge", huge);
    for (size_t i = 0; i < BAD; i++)
        wait_until(5000, refused(&b, bad[i].bucket, bad[i].key, bad[i].why), b.seen);
    wait_until(5000, refused(&b, "SERVICES", "shop.pay.web-9.huge", "larger than"), b.seen);

    ck_assert_int_eq(ctl(&b, &o, "status", NULL), 0);
    ck_assert_msg(strstr(o.out, "refused        SERVICES services/pay/short: not JSON"), "%s", o.out);
    ck_assert_int_gt(host_counter(&b, "discoverd_feed_refused_total{what=\"record\"}"), 3);
    ck_assert_int_eq(host_counter(&b, "discoverd_feed_refused_total{what=\"key\"}"), 1);
    ck_assert_int_eq(host_counter(&b, "discoverd_feed_refused_total{what=\"lease\"}"), 1);

    put_text("SERVICES", bad[0].key, good); /* mended, and deleted */
    kv_delete(&kv, "SERVICES", bad[1].key);
    wait_until(5000, refused(&b, "", bad[0].key, NULL) && refused(&b, "", bad[1].key, NULL), b.seen);
    ck_assert_msg(refused(&b, "SERVICES", bad[2].key, bad[2].why), "%s", b.seen);

    host_stop(&a); /* who comes later is told of what is still there, and of nothing else */
    host_run(&a);
    wait_until(5000, refused(&a, "SERVICES", bad[3].key, bad[3].why), a.seen);
    ck_assert_msg(refused(&a, "", bad[0].key, NULL), "%s", a.seen);
    kv_close(&kv);
}
END_TEST

/* --- a host that is played with real records --- */

struct played {
    const char *host;
    uint64_t counter, digest;
    uint32_t records;
};

/* The record of an instance in its present version; adds it to the digest when it is a new one. */
static size_t make_record(struct played *p, unsigned instance, char ret_key[static KEY_CAP],
                          uint8_t ret_bytes[static RECORD_WIRE_MAX])
{
    struct instance_key key = {.domain = "shop", .service = "flood"};
    struct record r;
    size_t n;
    snprintf(key.host, sizeof key.host, "%s", p->host);
    snprintf(key.instance, sizeof key.instance, "i%u", instance);
    record_init(&r);
    r.epoch = EPOCH;
    r.counter = ++p->counter;
    r.port = (uint16_t)(1000 + instance);
    ck_assert_int_eq(record_add_address(&r, "10.9.9.9"), 0);
    ck_assert_int_eq(record_encode(&r, ret_bytes, &n), 0);
    p->digest ^= record_digest(&key, r.epoch, r.counter);
    instance_key_format(&key, ret_key);
    return n;
}

static void put_records(struct played *p, unsigned first, unsigned n)
{
    char key[KEY_CAP];
    uint8_t bytes[RECORD_WIRE_MAX];
    for (unsigned i = first; i < first + n; i++, p->records++) {
        size_t length = make_record(p, i, key, bytes);
        (void)kv_put(&kv, "SERVICES", key, bytes, length);
    }
}

static void put_lease(struct played *p)
{
    struct lease l = {.epoch = EPOCH,
                      .min_epoch = EPOCH,
                      .counter = ++p->counter,
                      .node = 9,
                      .ttl_ms = 60000,
                      .records = p->records,
                      .digest = p->digest,
                      .region = "local",
                      .version = "0.1.0"};
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    ck_assert_int_eq(lease_encode(&l, bytes, &n), 0);
    (void)kv_put(&kv, "HOSTS", p->host, bytes, n);
}

static int64_t n_beats_heard(struct host *h)
{
    return host_counter(h, "discoverd_bus_changes_total");
}

/* A host has a share of the names that are kept resolved, here by foreign records in its name. */
START_TEST(too_many_host_names_of_a_host_are_its_own_trouble)
{
    enum { LIMIT = 3, TOO_MANY = 8 };
    two_hosts("", "limits = { hostnames_per_host = 3; };");
    for (int i = 0; i < TOO_MANY; i++) {
        char key[64], value[128];
        snprintf(key, sizeof key, "shop.db.web-9.d%d", i);
        snprintf(value, sizeof value, "{\"host\":\"d%d.db.invalid\",\"port\":5432,\"ttl\":60}", i);
        put_text("SERVICES", key, value);
    }
    put_text("SERVICES", "shop.db.web-8.d0", "{\"host\":\"other.db.invalid\",\"port\":5432,\"ttl\":60}");
    wait_until(5000, refused(&b, "SERVICES", "*.*.web-9.*", "limits.hostnames_per_host"), b.seen);
    wait_until(5000, host_counter(&b, "discoverd_feed_refused_total{what=\"limit\"}") == TOO_MANY - LIMIT, b.seen);
    wait_until(5000, host_counter(&b, "discoverd_resolver_names") == LIMIT + 1, b.seen);
    wait_until(5000, host_counter(&a, "discoverd_resolver_names") == TOO_MANY + 1, a.seen);
}
END_TEST

/* A lease may be heard before the records that it counts: it is renewed until then, as by any host. */
static bool nothing_held_against(struct played *p)
{
    put_lease(p);
    return refused(&b, "", "*.*.web-9.*", NULL);
}

START_TEST(too_many_instances_of_a_host_are_its_own_trouble)
{
    enum { LIMIT = 20, TOO_MANY = 30, BEATS = 40 };
    static struct output o;
    struct played p = {.host = "web-9"};
    two_hosts("limits = { instances_per_host = 20; };", "limits = { instances_per_host = 20; };");
    put_records(&p, 0, TOO_MANY);
    put_lease(&p);
    wait_until(5000, seen_by_dns(&b, "shop/flood") == LIMIT, b.seen);
    wait_until(5000, refused(&b, "SERVICES", "*.*.web-9.*", "limits.instances_per_host"), b.seen);
    ck_assert_int_ge(host_counter(&b, "discoverd_feed_refused_total{what=\"limit\"}"), TOO_MANY - LIMIT);

    /* Its lease counts more records than are known here, at each beat: no reason to read all again each
     * time. */
    int64_t heard = n_beats_heard(&b);
    for (int i = 0; i < BEATS; i++)
        put_lease(&p);
    wait_until(5000, n_beats_heard(&b) >= heard + BEATS, b.seen);
    ck_assert_int_le(host_counter(&b, "discoverd_feed_digest_mismatches_total"), 6);
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/quick", "--port", "80", "--ttl", "60s", NULL), 0);
    wait_until(3000, seen_by_dns(&b, "shop/quick") == 1, b.seen);

    /* It gets rid of what was too much: all that is left is served, and nothing is held against it any more.
     */
    struct played fresh = {.host = "web-9", .counter = p.counter};
    for (unsigned i = 0; i < TOO_MANY; i++) {
        char key[64];
        snprintf(key, sizeof key, "shop.flood.web-9.i%u", i);
        kv_delete(&kv, "SERVICES", key);
    }
    put_records(&fresh, 10, LIMIT);
    wait_until(5000, nothing_held_against(&fresh) && seen_by_dns(&b, "shop/flood") == LIMIT, b.seen);
    kv_close(&kv);
}
END_TEST

/* --- a flood --- */

#define FLOOD_RATE  20000 /* a second; what one host with a loop in the wrong place does */
#define FLOOD_PARTS 100   /* a second */
#define FLOOD_KEYS  500
#define FLOOD_QUEUE                                                                                                    \
    1000 /* that the server has not stored yet: what it cannot keep up with is its matter, not a daemon's */

static atomic_bool flood_over;

static void *flood(void *arg)
{
    struct played *p = arg;
    struct kv own;
    jsCtx *js;
    jsOptions options;
    char key[KEY_CAP], subject[KEY_CAP + 16];
    uint8_t bytes[RECORD_WIRE_MAX];
    kv_open(&own, nats.server[0].url);
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = FLOOD_QUEUE;
    options.PublishAsync.StallWait = 5000;
    ck_assert_int_eq(natsConnection_JetStream(&js, own.nc, &options), NATS_OK);
    for (int64_t due_ns = clock_now_ns(); !atomic_load(&flood_over); due_ns += NS_PER_S / FLOOD_PARTS) {
        for (int i = 0; i < FLOOD_RATE / FLOOD_PARTS; i++) {
            size_t n = make_record(p, (unsigned)(p->counter % FLOOD_KEYS), key, bytes);
            snprintf(subject, sizeof subject, "$KV.SERVICES.%s", key);
            ck_assert_int_eq(js_PublishAsync(js, subject, bytes, (int)n, NULL), NATS_OK);
        }
        int64_t left_ns = due_ns + NS_PER_S / FLOOD_PARTS - clock_now_ns();
        if (left_ns > 0)
            nanosleep(&(struct timespec){.tv_nsec = left_ns}, NULL);
    }
    jsCtx_Destroy(js);
    kv_close(&own);
    return NULL;
}

static bool logged(const struct host *h, const char *text)
{
    static struct output o;
    return shell(&o, "grep -q '%s' %s/discoverd-%s.log", text, e2e_folder(), h->name) == 0;
}

static bool floods_says_status(struct host *h)
{
    json_t *status = status_by_ctl(h), *entry = entry_of(status, "top_writers", "host", "web-9");
    bool floods = entry && json_is_true(json_object_get(entry, "floods"));
    json_decref(status);
    return floods;
}

/* Whether all ways in name the host that floods. */
static bool named_everywhere(struct host *h)
{
    bool status = floods_says_status(h), log = logged(h, "host web-9 floods the buckets");
    ck_assert_int_eq(http_get(h->http_port, "/metrics", answer, sizeof answer), 200);
    bool metrics = strstr(answer, "discoverd_host_changes{host=\"web-9\"}");
    snprintf(h->seen, sizeof h->seen, "named in status: %d, metrics: %d, log: %d", status, metrics, log);
    return status && log && metrics;
}

/* Registers on a; how long until b answers with it over DNS. */
static int64_t passes_through(unsigned i)
{
    char service[32];
    struct discover_registration *r;
    snprintf(service, sizeof service, "shop/other-%u", i);
    ck_assert_int_eq(discover_registration_new(service, 8080, &r), 0);
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(discover_register(host_lib(&a), r), 0);
    wait_until(3000, seen_by_dns(&b, service) == 1, b.seen); /* one core may have much else to do */
    discover_registration_free(r);
    return clock_now_ns() - start_ns;
}

START_TEST(flood_of_one_host_has_its_name_and_slows_nobody)
{
    enum { TIMES = 40 };
    struct played p = {.host = "web-9"};
    pthread_t thread;
    int64_t slowest_ns = 0;
    two_hosts(NULL, NULL);
    put_records(&p, 0, 1);
    put_lease(&p);
    ck_assert_int_eq(pthread_create(&thread, NULL, flood, &p), 0);
    wait_until(10000, named_everywhere(&a) && named_everywhere(&b), b.seen);
    for (unsigned i = 0; i < TIMES; i++) {
        int64_t took_ns = passes_through(i);
        slowest_ns = took_ns > slowest_ns ? took_ns : slowest_ns;
        ck_assert_msg(seen_by_dns(&b, "shop/other-0") == 1, "%s", b.seen);
    }
    measured("registered on A, seen on B while another host floods, slowest of 40", slowest_ns);
    atomic_store(&flood_over, true);
    pthread_join(thread, NULL);
    ck_assert_int_ge(host_counter(&b, "discoverd_feed_floods_total"), 1);
    wait_until(20000, logged(&b, "host web-9 does not flood the buckets any more"), b.seen);
    ck_assert(!floods_says_status(&b));
    kv_close(&kv);
}
END_TEST

/* A record that takes the daemon long to read. */
static void put_long(unsigned key, unsigned port)
{
    static char value[4096];
    char subject[64];
    int n = snprintf(value, sizeof value, "{\"host\":\"10.6.6.6\",\"port\":%u,\"ttl\":600,\"more\":[0", port);
    while (n < 3900)
        n += snprintf(value + n, sizeof value - (size_t)n, ",0");
    n += snprintf(value + n, sizeof value - (size_t)n, "]}");
    snprintf(subject, sizeof subject, "$KV.SERVICES.shop.long.web-9.i%u", key);
    ck_assert_int_eq(natsConnection_Publish(kv.nc, subject, value, n), NATS_OK);
}

/* How many instances of the service have that port here. */
static unsigned with_port(struct host *h, const char *service, unsigned port)
{
    static struct output o;
    char text[16];
    unsigned n = 0;
    (void)ctl(h, &o, "resolve", service, NULL);
    snprintf(text, sizeof text, ":%u ", port);
    for (const char *at = o.out; (at = strstr(at, text)); at++)
        n++;
    snprintf(h->seen, sizeof h->seen, "%u of %s with port %u", n, service, port);
    return n;
}

/* While they wait, only their sequences count: what others change is not kept waiting behind them. */
START_TEST(records_of_a_flood_are_read_when_it_is_over)
{
    enum { KEYS = 50, ROUNDS = 120 };
    two_hosts(NULL, "limits = { host_changes = 1; };");
    proc_signal(&b.proc, SIGSTOP);
    for (unsigned round = 1; round <= ROUNDS; round++)
        for (unsigned i = 0; i < KEYS; i++)
            put_long(i, 1000 + round);
    ck_assert_int_eq(natsConnection_FlushTimeout(kv.nc, 10000), NATS_OK);
    proc_signal(&b.proc, SIGCONT);
    wait_until(10000, host_counter(&b, "discoverd_feed_skipped_total") > 0, b.seen);
    (void)passes_through(0);
    wait_until(60000, with_port(&b, "shop/long", 1000 + ROUNDS) == KEYS, b.seen);
    kv_close(&kv);
}
END_TEST

START_TEST(too_many_instances_of_a_service_are_named)
{
    struct output o;
    char key[64], value[64];
    nats_start(&nats, 1);
    host_start(&b, &(struct host_options){
                       .name = "b", .nats = nats.urls, .extra = "limits = { instances_per_service = 2; };"});
    kv_open(&kv, nats.server[0].url);
    for (int i = 0; i < 5; i++) {
        snprintf(key, sizeof key, "shop.pay.web-%d.a", i);
        snprintf(value, sizeof value, "{\"host\":\"10.0.0.%d\",\"port\":80,\"ttl\":60}", i + 1);
        put_text("SERVICES", key, value);
    }
    put_text("SERVICES", "shop.other.web-1.a", value);
    wait_until(5000, refused(&b, "SERVICES", "shop.pay.*.*", "limits.instances_per_service"), b.seen);
    wait_until(5000, seen_by_all(&b, "shop/pay", 2) && seen_by_all(&b, "shop/other", 1), b.seen);
    ck_assert_int_eq(host_counter(&b, "discoverd_feed_limited_total{limit=\"instances_per_service\"}"), 3);
    /* What is registered here is not bound by it: it would be taken, and served nowhere. */
    ck_assert_int_eq(ctl(&b, &o, "register", "shop/pay", "--port", "1", "--ttl", "1m", NULL), 0);
    wait_until(5000, seen_by_all(&b, "shop/pay", 3), b.seen);
    kv_close(&kv);
}
END_TEST

static void put_services(const char *host, int n)
{
    char key[64];
    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof key, "shop.s%d.%s.i", i, host);
        put_text("SERVICES", key, "{\"host\":\"10.6.6.6\",\"port\":80,\"ttl\":600}");
    }
}

/* One host cannot hide what others serve by filling what there is room for. */
START_TEST(a_host_with_many_leaves_room_for_others)
{
    static struct host late;
    const char *limit = "limits = { services_per_domain = 200; };";
    struct output o;
    two_hosts(NULL, limit);
    put_services("web-9", 200);
    wait_until(5000, refused(&b, "SERVICES", "*.*.web-9.*", "limits.services_per_domain"), b.seen);
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/pay", "--port", "1", "--ttl", "1m", NULL), 0);
    wait_until(5000, seen_by_all(&b, "shop/pay", 1), b.seen);
    host_start(&late, &(struct host_options){.name = "late", .nats = nats.urls, .extra = limit});
    wait_until(5000, seen_by_all(&late, "shop/pay", 1), late.seen);
    put_text("SERVICES", "shop.s1.web-9.i",
             "{\"host\":\"10.6.6.6\",\"port\":80,\"ttl\":600,\"tags\":[\"more\"]}"); /* none more */
    wait_until(5000, seen_by_all(&late, "shop/s1", 1), late.seen);
    kv_close(&kv);
}
END_TEST

START_TEST(what_a_limit_refused_is_taken_once_there_is_room)
{
    two_hosts(NULL, "limits = { services_per_domain = 3; };");
    put_services("web-9", 3);
    put_text("SERVICES", "shop.pay.web-8.i", "{\"host\":\"10.0.0.8\",\"port\":80,\"ttl\":600}");
    wait_until(5000, refused(&b, "SERVICES", "*.*.web-8.*", "limits.services_per_domain"), b.seen);
    ck_assert_int_eq(seen_by_lib(&b, "shop/pay"), 0);
    kv_delete(&kv, "SERVICES", "shop.s1.web-9.i");
    wait_until(5000, seen_by_all(&b, "shop/pay", 1), b.seen);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("peers", 90, {"garbage_is_shown_with_its_key", garbage_is_shown_with_its_key},
          {"too_many_host_names_of_a_host_are_its_own_trouble", too_many_host_names_of_a_host_are_its_own_trouble},
          {"too_many_instances_of_a_host_are_its_own_trouble", too_many_instances_of_a_host_are_its_own_trouble},
          {"flood_of_one_host_has_its_name_and_slows_nobody", flood_of_one_host_has_its_name_and_slows_nobody},
          {"records_of_a_flood_are_read_when_it_is_over", records_of_a_flood_are_read_when_it_is_over},
          {"too_many_instances_of_a_service_are_named", too_many_instances_of_a_service_are_named},
          {"a_host_with_many_leaves_room_for_others", a_host_with_many_leaves_room_for_others},
          {"what_a_limit_refused_is_taken_once_there_is_room", what_a_limit_refused_is_taken_once_there_is_room})

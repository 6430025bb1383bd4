/* SPDX-License-Identifier: Apache-2.0 */
/* Static services: from the main file and from the folder, with everything that can be said of one. */
#include "daemon/config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

static void unexpected(void *arg, const char *message)
{
    (void)arg;
    ck_abort_msg("%s", message);
}

/* Loads a file whose services_dir is sd, in the test's folder. */
static struct config *load(const char *folder, const char *services)
{
    char text[9000];
    struct config *c;
    snprintf(text, sizeof text, "host = \"web-1\"; services_dir = \"%s/sd\";\n%s", folder, services);
    folder_write("c", text);
    ck_assert_int_eq(config_load("c", unexpected, NULL, &c), 0);
    return c;
}

START_TEST(test_everything_said)
{
    const char *folder = folder_enter();
    struct config *c =
        load(folder, "services = ( { name = \"shop/payment\"; instance = \"p1\"; port = 8080;\n"
                     "  address = [\"10.0.1.22\", \"2001:db8::1\"]; proto = \"udp\"; weight = 7;\n"
                     "  priority = 2; tags = [\"canary\", \"blue\"];\n"
                     "  meta = { version = \"1.4\"; note = \"gr\xc3\xbc\xc3\x9f\"; };\n"
                     "  checks = ( { tcp = \"127.0.0.1:8080\"; interval = \"1s\"; timeout = \"200ms\";\n"
                     "      fall = 5; rise = 1; }, { http = \"http://127.0.0.1:8080/healthz\"; } ); } );");
    ck_assert_uint_eq(c->n_services, 1);
    const struct service_config *s = &c->services[0];
    ck_assert_str_eq(s->key.domain, "shop");
    ck_assert_str_eq(s->key.service, "payment");
    ck_assert_str_eq(s->key.instance, "p1");
    const struct record *r = &s->record;
    char text[INET6_ADDRSTRLEN];
    ck_assert_uint_eq(r->port, 8080);
    ck_assert_uint_eq(r->addresses.families, DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6);
    ck_assert_str_eq(inet_ntop(AF_INET, r->addresses.ipv4, text, sizeof text), "10.0.1.22");
    ck_assert_str_eq(inet_ntop(AF_INET6, r->addresses.ipv6, text, sizeof text), "2001:db8::1");
    ck_assert_uint_eq(r->protocol, DISCOVER_UDP);
    ck_assert_uint_eq(r->state, DISCOVER_PASSING);
    ck_assert_uint_eq(r->weight, 7);
    ck_assert_uint_eq(r->priority, 2);
    ck_assert_uint_eq(r->n_tags, 2);
    ck_assert_str_eq(r->tags[1], "blue");
    ck_assert_uint_eq(r->n_meta, 2);
    ck_assert_str_eq(r->meta[0].key, "version");
    ck_assert_str_eq(r->meta[0].value, "1.4");
    ck_assert_uint_eq(s->checks.n, 2);
    ck_assert_str_eq(s->checks.items[0], "tcp=127.0.0.1:8080 interval=1s timeout=200ms fall=5 rise=1");
    ck_assert_str_eq(s->checks.items[1], "http=http://127.0.0.1:8080/healthz");
    config_free(c);
    folder_remove();
}
END_TEST

START_TEST(test_little_said)
{
    const char *folder = folder_enter();
    struct config *c = load(folder, "services = ( { name = \"shop/payment\"; port = 80;\n"
                                    "  checks = ( { tcp = \"a:1\"; interval = \"1s\"; } ); },\n"
                                    "  { name = \"shop/db\"; port = 5432; address = [\"db.example.com\"]; } );");
    ck_assert_uint_eq(c->n_services, 2);
    const struct service_config *s = c->services;
    ck_assert_str_eq(s->key.instance, "payment-80");
    ck_assert_uint_eq(s->record.addresses.families, 0);
    ck_assert_str_eq(s->record.hostname, "");
    ck_assert_uint_eq(s->record.weight, 1);
    ck_assert_uint_eq(s->record.protocol, DISCOVER_TCP);
    ck_assert_str_eq(s->checks.items[0], "tcp=a:1 interval=1s timeout=1s"); /* the default is cut to the interval */
    ck_assert_str_eq(s[1].record.hostname, "db.example.com");
    ck_assert_uint_eq(s[1].record.addresses.families, 0);
    config_free(c);
    folder_remove();
}
END_TEST

START_TEST(test_folder)
{
    const char *folder = folder_enter();
    folder_write("sd/20-b.conf", "services = ( { name = \"b/b\"; port = 1; }, { name = \"b/c\"; port = 1; } );");
    folder_write("sd/10-a.conf", "services = [];");
    folder_write("sd/05-x.conf", "services = ( { name = \"x/x\"; port = 1; } );");
    folder_write("sd/empty.conf", "# nothing\n");
    folder_write("sd/b.conf.bak", "= nonsense");
    folder_write("sd/.hidden.conf", "= nonsense");
    folder_write("sd/.conf", "= nonsense");
    struct config *c = load(folder, "services = ( { name = \"m/m\"; port = 1; } );");
    static const char *const domains[] = {"m", "x", "b", "b"};
    ck_assert_uint_eq(c->n_services, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(c->services[i].key.domain, domains[i]);
    ck_assert_str_eq(c->services[3].key.service, "c");
    config_free(c);
    folder_remove();
}
END_TEST

START_TEST(test_missing_folder)
{
    const char *folder = folder_enter();
    struct config *c = load(folder, "");
    ck_assert_uint_eq(c->n_services, 0);
    config_free(c);
    folder_remove();
}
END_TEST

/* Two instances of a service on one port, and two services on one, are no duplicates. */
START_TEST(test_alike_but_not_the_same)
{
    const char *folder = folder_enter();
    struct config *c =
        load(folder, "services = ( { name = \"a/b\"; port = 1; instance = \"x\"; },\n"
                     "  { name = \"a/b\"; port = 1; instance = \"y\"; }, { name = \"b/b\"; port = 1; },\n"
                     "  { name = \"a/b\"; port = 1; }, { name = \"a/b\"; port = 2; } );");
    ck_assert_uint_eq(c->n_services, 5);
    config_free(c);
    folder_remove();
}
END_TEST

/* As many as one host may have, and a record as large as one may be. */
START_TEST(test_large)
{
    const char *folder = folder_enter();
    char text[8192], value[256];
    size_t n = 0;
    memset(value, 'v', 255);
    value[255] = '\0';
    n += (size_t)sprintf(text, "limits = { record_bytes = 4600; }; services = ( { name = \"a/b\"; port = 1; meta = {");
    for (int i = 0; i < RECORD_META_MAX; i++)
        n += (size_t)sprintf(text + n, "key-%d = \"%s\"; ", i, value);
    sprintf(text + n, "}; } );");
    struct config *c = load(folder, text);
    ck_assert_uint_eq(c->services[0].record.n_meta, RECORD_META_MAX);
    config_free(c);

    FILE *out = fopen("sd-many", "w");
    fprintf(out, "services_dir = \"\"; services = (");
    for (int i = 0; i < 2000; i++)
        fprintf(out, "%s{ name = \"a/b\"; port = %d; }", i ? ", " : "", i + 1);
    fprintf(out, ");");
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(config_load("sd-many", unexpected, NULL, &c), 0);
    ck_assert_uint_eq(c->n_services, 2000);
    config_free(c);
    folder_remove();
}
END_TEST

static void ignore(void *arg, const char *message)
{
    (void)arg, (void)message;
}

/* What is taken can be put, whatever its version and the host's addresses will be. */
START_TEST(test_nearly_too_large)
{
    struct config *c = NULL;
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n, taken = 0;
    folder_enter();
    for (int length = 1; length < 256; length++) {
        char value[256] = "", text[1024];
        memset(value, 'v', (size_t)length);
        snprintf(text, sizeof text,
                 "services_dir = \"\"; limits = { record_bytes = 512; }; services = ( { name = \"a/b\"; port = 1; "
                 "meta = { a = \"%s\"; b = \"%s\"; }; } );",
                 value, value);
        folder_write("c", text);
        if (config_load("c", ignore, NULL, &c) < 0)
            continue;
        struct record r = c->services[0].record;
        r.epoch = r.counter = UINT64_MAX;
        r.addresses.families = DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6;
        ck_assert_int_eq(record_encode(&r, bytes, &n), 0);
        ck_assert_uint_le(n, 512);
        taken++;
        config_free(c);
    }
    ck_assert_uint_gt(taken, 100);
    ck_assert_uint_lt(taken, 255);
    folder_remove();
}
END_TEST

UNIT_TESTS("config_services", test_everything_said, test_little_said, test_folder, test_missing_folder,
           test_alike_but_not_the_same, test_large, test_nearly_too_large)

/* SPDX-License-Identifier: Apache-2.0 */
/* What texts of a configuration are let through. */
#include "daemon/config/config_syntax.h"

#include <errno.h>
#include <string.h>

#include "daemon/config/config_keys.h"
#include "daemon/config/config_value.h"
#include "tests/support/unit.h"

static const struct {
    enum value_kind kind;
    const char *name;
    const char *good[12], *bad[16];
} rows[] = {
    {VALUE_LABEL, "label", {"web-1", "a", "1"}, {"Web", "a.b", "-a", "a_b", "a "}},
    {VALUE_SERVICE, "service", {"shop/payment"}, {"shop", "/payment", "shop/", "a/b/c", "Shop/x", "host/x"}},
    {VALUE_TOKEN, "token", {"SERVICES", "kv_1", "a-b"}, {"a.b", "a b", "*", ">", "$KV"}},
    {VALUE_TEXT, "text", {"x", "a b", "\xc3\xa4"}, {"a\nb", "\x01", "a\x7f"}},
    {VALUE_PATH, "path", {"/", "/etc/x y"}, {"etc", "./x", "~/x", "/a\nb"}},
    {VALUE_NATS_URL,
     "nats_url",
     {"nats://127.0.0.1:4222", "nats://localhost", "tls://nats_1.example.com:4222", "nats://[::1]:4222", "tls://[::1]",
      "nats://NATS1"},
     {"127.0.0.1:4222", "nats://", "http://a", "nats://a:0", "nats://a:b", "nats://a:70000", "nats://::1", "nats://a/b",
      "nats://u:p@a", "nats://a b", "nats://10.0.0.300", "nats://[]", "nats://a:", "nats://.", "NATS://a"}},
    {VALUE_HTTP_URL,
     "http_url",
     {"http://127.0.0.1:8080/healthz", "http://a", "http://[::1]:80/", "https://a?x=1", "http://a.b.c/d%20e?f"},
     {"ftp://a", "http://", "http:///x", "http://a:0/", "http://a/b c", "http://a/\x01", "http://a/#x", "http://a b/",
      "http://a/\xc3\xa4"}},
    {VALUE_ENDPOINT, "endpoint", {"127.0.0.1:53", "[::]:0", "0.0.0.0:65535"}, {"a:53", "127.0.0.1", ":53", "::1:53"}},
    {VALUE_TARGET,
     "target",
     {"127.0.0.1:80", "[::1]:80", "db:5432", "db_1.example.com:1"},
     {"db", "db:0", "a b:1", "10.0.0.300:1", ".:1", "a..b:1", "http://a:80"}},
    {VALUE_OWN,
     "own address",
     {"10.0.1.22", "::1", "2001:db8::1", "10.0.0.0/8", "fd00::/8", "%eth1", "%br-0a1b"},
     {"10.0.1", "[::1]", "a", "10.0.1.22:80", "10.0.0.1/8", "%", "% eth1", "0.0.0.0", "::", "fe80::1", "224.0.0.1"}},
    {VALUE_ADDRESS,
     "address",
     {"10.0.1.22", "::1", "db.example.com", "db", "3com.example"},
     {"10.0.0.300", "10.0.1", "DB.example.com", "db.", "a_b", "db:80", "1", "0.0.0.0", "::ffff:10.0.0.1",
      "255.255.255.255"}},
    {VALUE_RATIO,
     "ratio",
     {"0", "1", "0.01", "1.0", "0.999999"},
     {"1.1", "2", "-1", ".5", "1.", "1e-3", "0x1", "nan", "0.1 "}},
    {VALUE_NETWORK, "network", {"10.0.0.0/8", "::/0", "10.0.0.1"}, {"10.0.0.1/8", "a/8", "10.0.0.0/33"}},
    {VALUE_ZONE,
     "zone",
     {"discover.internal", "internal", "10.in-addr.arpa", "locals", "local.example.com"},
     {"discover.internal.", ".", "a..b", "Discover.internal", "local", "x.local", "a_b.c", "-a.b", "a b.c"}},
};

START_TEST(test_syntax)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (const char *const *text = rows[i].good; *text; text++)
            ck_assert_msg(!value_kinds[rows[i].kind].check(*text), "%s refused as %s", *text, rows[i].name);
        for (const char *const *text = rows[i].bad; *text; text++)
            ck_assert_msg(value_kinds[rows[i].kind].check(*text) != NULL, "%s taken for %s", *text, rows[i].name);
    }
}
END_TEST

START_TEST(test_long_host_names)
{
    char url[600] = "nats://", label[65];
    memset(label, 'a', 64);
    label[64] = '\0';
    strcat(url, label);
    ck_assert_ptr_nonnull(value_kinds[VALUE_NATS_URL].check(url));
    url[strlen(url) - 1] = '\0';
    ck_assert_ptr_null(value_kinds[VALUE_NATS_URL].check(url));
    for (int i = 0; i < 4; i++)
        strcat(strcat(url, "."), label + 1);
    ck_assert_ptr_nonnull(value_kinds[VALUE_NATS_URL].check(url));
    ck_assert_ptr_nonnull(value_kinds[VALUE_ADDRESS].check(url + 7));
}
END_TEST

/* JSON could not have them, nor messages: a check with such a target would be missing from documents. */
static void refuse_all(const struct config_table *table, void *base)
{
    static const char *const texts[] = {
        "\xff",     "a\xff",         "/a\xff",     "/a\xc3", "http://a/\xff", "nats://a\xff", "A: \xff",    "a:80/\xff",
        "a:80\xff", "a\xff.service", "shop/a\xff", "%\xff",  "1\xff",         "10.0.0.1\xff", "/a\xc2\x9b",
    };
    char why[CONFIG_WHY_CAP];
    for (size_t i = 0; i < table->n; i++)
        for (size_t k = 0; k < sizeof texts / sizeof *texts && value_form(table->keys[i].kind) == FORM_TEXT; k++)
            ck_assert_msg(value_set_any(&table->keys[i], texts[k], base, why) == -EINVAL, "%s%s takes text %zu",
                          table->prefix, table->keys[i].path, k);
}

START_TEST(what_is_no_utf8_is_refused)
{
    static struct config config;
    struct service_block service = {0};
    struct check_spec check = {0};
    struct region_config region = {0};
    struct failover_service failover = {0};
    struct policy_line line = {0};
    refuse_all(&config_keys, &config);
    refuse_all(&service_keys, &service);
    refuse_all(&check_keys, &check);
    refuse_all(&region_keys, &region);
    refuse_all(&failover_keys, &failover);
    refuse_all(&policy_keys, &line);
}
END_TEST

UNIT_TESTS("config_syntax", test_syntax, test_long_host_names, what_is_no_utf8_is_refused)

/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of units become services by the rules of the configuration, and what is wrong is named by file, line and key. */
#include "daemon/config/x_discover.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

static struct config *config;
static char complaints[4096];
static struct service_config *services;
static size_t n, refused;

static void complain(void *arg, const char *message)
{
    (void)arg;
    snprintf(complaints + strlen(complaints), sizeof complaints - strlen(complaints), "%s\n", message);
}

static void read_units(const struct x_discover_file *files, size_t n_files)
{
    complaints[0] = '\0';
    ck_assert_int_eq(config_defaults(&config), 0);
    ck_assert_int_eq(x_discover_read(config, files, n_files, complain, NULL, &services, &n, &refused), 0);
}

static void read_unit(const char *text)
{
    read_units(&(struct x_discover_file){"a.service", "/run/a.service", text}, 1);
}

static void end(void)
{
    service_configs_free(services, n);
    config_free(config);
}

START_TEST(a_section_says_what_a_group_does)
{
    read_unit(
        "[Unit]\nDescription=\\\n\n[X-Discover]\n# by hand\nService = shop/payment\nInstance=p1\nPort=8080\n"
        "Address=10.0.0.1\nAddress=fd00::1\nProtocol=udp\nWeight=3\nPriority=2\nTag=canary\nTag=blue\nExported=No\n"
        "Meta=version=1.4 \"x\"\nCheck=tcp=127.0.0.1:8080 interval=5s\n\n[Install]\nService=no/matter\n");
    ck_assert_msg(!complaints[0], "%s", complaints);
    ck_assert_uint_eq(n, 1);
    const struct service_config *s = services;
    ck_assert_str_eq(s->unit, "a.service");
    ck_assert_str_eq(s->key.domain, "shop");
    ck_assert_str_eq(s->key.service, "payment");
    ck_assert_str_eq(s->key.instance, "p1");
    ck_assert_uint_eq(s->record.port, 8080);
    ck_assert_uint_eq(s->record.weight, 3);
    ck_assert_uint_eq(s->record.priority, 2);
    ck_assert_uint_eq(s->record.n_tags, 2);
    ck_assert_uint_eq(s->record.unexported, 1);
    ck_assert_uint_eq(s->record.n_meta, 1);
    ck_assert_uint_eq(s->record.addresses.families, DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6);
    ck_assert_uint_eq(s->checks.n, 1);
    end();
}
END_TEST

START_TEST(each_section_is_a_service)
{
    read_unit("[X-Discover]\nService=shop/a\nPort=1\n[X-Discover]\nService=shop/b\nPort=2\n");
    ck_assert_msg(!complaints[0], "%s", complaints);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(services[1].key.instance, "b-2");
    end();
}
END_TEST

static const struct {
    const char *text, *complaint;
} wrong[] = {
    {"[X-Discover]\nService=shop/a\n", "/run/a.service:1: Port is missing"},
    {"[X-Discover]\n\nService=shop/a\nPort=0\n", "/run/a.service:4: Port: 0 is out of range"},
    {"[X-Discover]\nService=shop/a\nPort=ten\n", "/run/a.service:3: Port: \"ten\" must be a whole number"},
    {"[X-Discover]\nService=shop/a\nPort=1\nExported=never\n",
     "/run/a.service:4: Exported: \"never\" must be true or false"},
    {"[X-Discover]\nService=shop\nPort=1\n", "/run/a.service:2: Service: \"shop\" must be DOMAIN/SERVICE"},
    {"[X-Discover]\nService=shop/a\nPort=1\nPort=2\n", "/run/a.service:4: Port: is there twice"},
    {"[X-Discover]\nService=shop/a\nPort=1\nAddress=127.0.0.1\n", "address: "},
    {"[X-Discover]\nService=shop/a\nPort=1\nPath=/\n",
     "/run/a.service:4: Path: there is no such key; there are Service, Instance, Port, "},
    {"[X-Discover]\nService=shop/a\nPort=1\nMeta=x\n", "/run/a.service:4: Meta: \"x\" must be key=value"},
    {"[X-Discover]\nService=shop/a\nPort=1\nMeta=a b=1\n",
     "/run/a.service:4: Meta: \"a b\": its key must be printable ASCII without blanks and '='"},
    {"[X-Discover]\nService=Shop/a\nPort=1\n", "did you mean \"shop/a\"?"},
    {"[X-Discover]\nService=shop/a\nPort=1\nCheck=tcp=nowhere\n", "/run/a.service:4: Check: tcp"},
    {"[X-Discover]\nService\n", "/run/a.service:2: is no assignment"},
    {"[X-Discover]\nService=shop/a\"; port = 2; x = \"\nPort=1\n", "/run/a.service:2: Service: "},
};

START_TEST(what_is_wrong_is_named)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        read_unit(wrong[i].text);
        ck_assert_msg(strstr(complaints, wrong[i].complaint), "%s: %s", wrong[i].complaint, complaints);
        ck_assert_uint_eq(n, 0);
        ck_assert_uint_eq(refused, 1);
        end();
    }
}
END_TEST

START_TEST(one_file_is_refused_alone)
{
    const struct x_discover_file files[] = {
        {"a.service", "/run/a.service", "[X-Discover]\nService=shop/a\nPort=1\n"},
        {"b.service", "/run/b.service", "[X-Discover]\nService=shop/b\nPort=1\n\n[X-Discover]\nService=shop/c\n"},
        {"c.service", "/run/c.service", "[X-Discover]\nService=shop/a\nPort=1\n"},
        {"d.service", "/run/d.service", "[X-Discover]\nService=shop/d\nPort=1"},
    };
    read_units(files, 4);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(services[1].unit, "d.service");
    ck_assert_uint_eq(refused, 2);
    ck_assert_msg(strstr(complaints, "/run/c.service:1: ") && strstr(complaints, "is in /run/a.service:1 already"),
                  "%s", complaints);
    end();
}
END_TEST

UNIT_TESTS("x-discover", a_section_says_what_a_group_does, each_section_is_a_service, what_is_wrong_is_named,
           one_file_is_refused_alone)

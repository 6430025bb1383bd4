/* SPDX-License-Identifier: Apache-2.0 */
/* Which host names a registration may have, and that those in the catalog are the resolver's. */
#include "daemon/registry/hostname_addresses.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/loop.h"
#include "daemon/registry/configured.h"
#include "tests/support/unit.h"

static struct event_base *base;
static struct config *config;
static struct metrics *metrics;
static struct catalog *catalog;
static struct hostname_addresses *names;

static void ignore_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static void ignore_settled(void *arg)
{
    (void)arg;
}

static void setup(void)
{
    base = loop_new();
    ck_assert_int_eq(config_defaults(&config), 0);
    char why[CONFIG_WHY_CAP];
    ck_assert_int_eq(config_set(config, "host", "web-1", why), 0);
    config->limits.hostnames_per_host = 1;
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(configured_catalog_new(config, ignore_moved, NULL, &catalog), 0);
    ck_assert_int_eq(hostname_addresses_new(base, config, catalog, metrics, ignore_settled, NULL, &names), 0);
}

static void teardown(void)
{
    hostname_addresses_free(names);
    catalog_free(catalog);
    metrics_free(metrics);
    config_free(config);
    loop_free(base);
}

static struct record named(const char *hostname)
{
    struct record record;
    record_init(&record);
    record.port = 80;
    record.epoch = 1;
    strcpy(record.hostname, hostname);
    return record;
}

START_TEST(a_name_below_our_own_zone_would_lead_back_to_us)
{
    const char *why = NULL;
    char inside[200];
    ck_assert_int_lt(snprintf(inside, sizeof inside, "db.%s", config->dns.zones.items[0]), (int)sizeof inside);
    struct record record = named(inside);
    ck_assert_int_eq(hostname_addresses_check(names, &record, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "our own zones"));
}
END_TEST

START_TEST(one_name_too_many_is_refused_with_the_key_of_the_limit)
{
    const char *why = NULL;
    struct record first = named("db.example.net"), second = named("cache.example.net");
    ck_assert_int_eq(hostname_addresses_check(names, &first, &why), 0);
    struct instance_key key = {"shop", "db", "web-1", "a"};
    ck_assert_int_ge(catalog_put(catalog, &key, &first), 0);
    catalog_flush(catalog);
    ck_assert_int_eq(hostname_addresses_check(names, &first, &why), 0);
    ck_assert_int_eq(hostname_addresses_check(names, &second, &why), -ENOSPC);
    ck_assert_ptr_nonnull(strstr(why, "limits.hostnames_per_host"));
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "hostname_addresses", a_name_below_our_own_zone_would_lead_back_to_us,
              one_name_too_many_is_refused_with_the_key_of_the_limit)

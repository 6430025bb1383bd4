/* SPDX-License-Identifier: Apache-2.0 */
/* The example file and the list of keys say what the tables say, all of it, and nothing else. */
#include "daemon/config/config_keys.h"

#include <string.h>

#include "daemon/base/file.h"
#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

#define EXAMPLE     EXAMPLES_DIR "/discoverd.conf"
#define EXAMPLE_MAX 65536

static const struct config_table *const tables[] = {&config_keys, &policy_keys, &service_keys,
                                                    &check_keys,  &region_keys, &failover_keys};
#define TABLES (sizeof tables / sizeof *tables)

static void unexpected(void *arg, const char *message)
{
    (void)arg;
    ck_abort_msg("%s", message);
}

/* Where it is inlined, gcc 12 takes what the stream points text to for text itself. */
__attribute__((noinline)) static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    print(out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(test_example_is_the_table)
{
    char *bytes, *expected = printed(config_print_example);
    size_t n;
    ck_assert_int_eq(file_read(EXAMPLE, EXAMPLE_MAX, &bytes, &n), 0);
    ck_assert_msg(strcmp(bytes, expected) == 0, "examples/discoverd.conf is not what config_print_example writes");
    free(bytes);
    free(expected);
}
END_TEST

static void no_change(void *arg, const char *key, bool reloadable)
{
    (void)arg, (void)reloadable;
    ck_abort_msg("%s is not at its default", key);
}

/* Read with a host and a folder of services that do not depend on the machine. */
START_TEST(test_example_is_the_defaults)
{
    struct config *example, *defaults;
    char why[CONFIG_WHY_CAP], *bytes;
    size_t n;
    folder_enter();
    ck_assert_int_eq(file_read(EXAMPLE, EXAMPLE_MAX, &bytes, &n), 0);
    char *host = strstr(bytes, "#host"), *folder = strstr(bytes, "/etc/discoverd/services.d");
    ck_assert(host && folder);
    *host = ' ';
    memcpy(folder, "/non", 4);
    folder_write("c", bytes);
    ck_assert_int_eq(config_load("c", unexpected, NULL, &example), 0);
    ck_assert_int_eq(config_defaults(&defaults), 0);
    ck_assert_int_eq(config_set(defaults, "host", "web-1", why), 0);
    ck_assert_int_eq(config_set(defaults, "services_dir", "/non/discoverd/services.d", why), 0);
    config_changes(defaults, example, no_change, NULL);
    config_free(defaults);
    config_free(example);
    free(bytes);
    folder_remove();
}
END_TEST

/* "ca" of "tls.ca" */
static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* The commented service, once its comment signs are gone, is a service that uses every key. */
START_TEST(test_example_service)
{
    struct config *c;
    char *text = printed(config_print_example), *from = strstr(text, "#services"), *to = from;
    ck_assert_ptr_nonnull(from);
    memcpy(strstr(text, "#host"), " host", 5);
    memcpy(strstr(text, "/etc/discoverd/services.d"), "/non", 4);
    for (const char *at = from; *at; at++)
        if (*at != '#' || (at > from && at[-1] != '\n'))
            *to++ = *at;
    *to = '\0';
    for (size_t t = 2; t < 4; t++)
        for (size_t i = 0; i < tables[t]->n; i++)
            ck_assert_ptr_nonnull(strstr(from, last_name(tables[t]->keys[i].path)));
    folder_enter();
    folder_write("c", text);
    ck_assert_int_eq(config_load("c", unexpected, NULL, &c), 0);
    ck_assert_uint_eq(c->n_services, 1);
    ck_assert_uint_eq(c->services[0].checks.n, 7);
    config_free(c);
    folder_remove();
    free(text);
}
END_TEST

static size_t count(const char *text, const char *needle)
{
    size_t n = 0;
    for (const char *at = strstr(text, needle); at; at = strstr(at + 1, needle))
        n++;
    return n;
}

START_TEST(test_keys_are_listed_once)
{
    char *text = printed(config_print_keys);
    size_t keys = 0;
    char line[256], *copy = malloc(strlen(text) + 2);
    sprintf(copy, "\n%s", text);
    for (size_t t = 0; t < TABLES; t++) {
        for (size_t i = 0; i < tables[t]->n; i++, keys++) {
            snprintf(line, sizeof line, "\n%s%s\t", tables[t]->prefix, tables[t]->keys[i].path);
            ck_assert_msg(count(copy, line) == 1, "%s", line + 1);
        }
    }
    ck_assert_uint_eq(count(text, "\n"), keys);
    ck_assert_uint_eq(count(text, "\t"), 5 * keys);
    ck_assert_uint_eq(count(text, "dns.ttl\tduration\t\"1s\"\t0..1h\tTTL of answers, whole seconds\t\n"), 1);
    ck_assert_uint_eq(count(text, "\nnats.servers\tlist of URLs\t[\"nats://127.0.0.1:4222\"]\tat most 32\t"), 1);
    free(copy);
    free(text);
}
END_TEST

UNIT_TESTS("config_example", test_example_is_the_table, test_example_is_the_defaults, test_example_service,
           test_keys_are_listed_once)

/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as a plain structure. */
#include "daemon/config/config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/config_access.h"
#include "daemon/config/config_keys.h"
#include "daemon/config/config_lists.h"
#include "daemon/config/config_services.h"
#include "daemon/config/service_files.h"
#include "libdiscover/core/address.h"
#include "libdiscover/core/label.h"

/* The first label of the machine's name; -EINVAL when it is none (with an underscore, for example). */
static int machine_name(char ret_name[static LABEL_CAP])
{
    char name[HOST_NAME_MAX + 1];
    if (gethostname(name, sizeof name) < 0)
        return -errno;
    name[HOST_NAME_MAX] = '\0';
    size_t n = strcspn(name, ".");
    for (size_t i = 0; i < n; i++)
        name[i] = (char)tolower((unsigned char)name[i]);
    return label_copy(ret_name, name, n);
}

static int config_new(struct config **ret_config)
{
    struct config *c = calloc(1, sizeof *c);
    int err = c ? config_table_init(&config_keys, c) : -ENOMEM;
    if (err) {
        config_free(c);
        return err;
    }
    *ret_config = c;
    return 0;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    config_table_fini(&config_keys, c);
    config_lists_fini(c);
    service_configs_free(c->services, c->n_services);
    service_files_fini(c);
    free(c);
}

int config_defaults(struct config **ret_config)
{
    char name[LABEL_CAP] = "localhost", why[CONFIG_WHY_CAP];
    struct config *c;
    int err = config_new(&c);
    if (err)
        return err;
    (void)machine_name(name); /* without it, "localhost" is a name to try things out with */
    err = config_set(c, "host", name, why);
    if (err) {
        config_free(c);
        return err;
    }
    *ret_config = c;
    return 0;
}

int config_set(struct config *c, const char *key, const char *text, char ret_why[static CONFIG_WHY_CAP])
{
    const struct config_key *row = config_table_find(&config_keys, key);
    return row ? value_set_any(row, text, c, ret_why) : -ENOENT;
}

static void complain(struct config_source *s, const char *key, const char *reason)
{
    const config_setting_t *setting = config_lookup(&s->tree, key);
    struct config_place place = {s->text.files.items[0], 0};
    config_report(s->report, setting ? config_source_place(s, setting) : place, key, "%s", reason);
}

/* One address of a family at most, unless interfaces or networks are in the list, of which the first that fits counts. */
static void check_own_addresses(struct config_source *s, const struct config *c)
{
    size_t given_of[2] = {0, 0};
    for (size_t i = 0; i < c->address.n; i++) {
        const char *text = c->address.items[i];
        uint8_t bytes[16];
        int family = strchr(text, ':') ? AF_INET6 : AF_INET;
        if (inet_pton(family, text, bytes) != 1)
            continue;
        if (++given_of[family == AF_INET6] == 2)
            complain(s, "address", "two addresses of one family");
        if (address_is_loopback(family, bytes) && !c->allow_loopback)
            complain(s, "address", ADDRESS_LOOPBACK_REFUSED);
    }
}

static void check_together(struct config_source *s, const struct config *c)
{
    config_check_access(s, config_root_setting(&s->tree));
    check_own_addresses(s, c);
    if (strcmp(c->registry.services_bucket, c->registry.hosts_bucket) == 0)
        complain(s, "registry.hosts_bucket", "the same as registry.services_bucket");
}

static int read_host(struct config_source *s, struct config *c)
{
    char name[LABEL_CAP], why[CONFIG_WHY_CAP];
    if (config_lookup(&s->tree, "host"))
        return 0;
    if (machine_name(name) == 0)
        return config_set(c, "host", name, why);
    complain(s, "host", "must be given: the machine's host name is not made of a-z, 0-9 and '-'");
    return 0;
}

static int read_all(struct config_source *s, struct config *c, struct service_set *set, bool alone)
{
    int err = config_source_apply(s, config_root_setting(&s->tree), &config_keys, c);
    if (!err)
        err = read_host(s, c);
    if (err)
        return err;
    check_together(s, c);
    err = config_lists_read(s, c);
    if (!err)
        err = service_set_read(set, s);
    if (!err)
        err = service_set_check(set, 0, s->report, c);
    if (!err && c->services_dir[0] && !alone)
        err = service_files_read(set, c, s->report);
    service_set_finish(set, &c->services, &c->n_services);
    return err;
}

static int load(const char *path, bool alone, config_error_fn *fn, void *arg, struct config **ret_config)
{
    struct config_report report = {fn, arg, 0};
    struct config_source source;
    struct service_set set = {.n = 0};
    struct config *c;
    int err = config_source_open(path, &report, &source);
    if (err)
        return err;
    err = config_new(&c);
    if (!err) {
        err = read_all(&source, c, &set, alone);
        service_set_fini(&set);
        if (!err && report.n > 0)
            err = -EINVAL;
        if (err)
            config_free(c);
        else
            *ret_config = c;
    }
    config_source_close(&source);
    return err;
}

int config_load(const char *path, config_error_fn *fn, void *arg, struct config **ret_config)
{
    return load(path, false, fn, arg, ret_config);
}

int config_load_alone(const char *path, config_error_fn *fn, void *arg, struct config **ret_config)
{
    return load(path, true, fn, arg, ret_config);
}

void config_changes(const struct config *before, const struct config *after, config_change_fn *fn, void *arg)
{
    for (size_t i = 0; i < config_keys.n; i++) {
        const struct config_key *key = &config_keys.keys[i];
        if (!value_equal(key, before, after) || !config_list_equal(before, after, key->path))
            fn(arg, key->path, key->reloadable);
    }
}

void config_reload(struct config *c, struct config *fresh)
{
    struct config before = *c;
    *c = *fresh;
    *fresh = before;
    for (size_t i = 0; i < config_keys.n; i++) {
        const struct config_key *key = &config_keys.keys[i];
        if (key->reloadable)
            continue;
        value_exchange(key, c, fresh);
        config_list_exchange(c, fresh, key->path);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Other regions, and which of them answer for a service: each by its table, and what it wants of the rest. */
#include "daemon/config/config_regions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_keys.h"

static const char *problem_of_name(const struct config *c, const struct region_config *r)
{
    if (strcmp(r->name, c->region) == 0)
        return "is the own region";
    if (strcmp(r->name, "auto") == 0 || strcmp(r->name, "off") == 0)
        return "is a word of discoverctl failover";
    for (size_t i = 0; i < c->n_regions; i++)
        if (strcmp(c->regions[i].name, r->name) == 0)
            return "is there twice";
    return NULL;
}

/* Where it is the own bucket that would be read. */
static const char *problem_of_domain(const struct config *c, const struct region_config *r)
{
    if (r->nats.servers.n > 0)
        return NULL;
    if (!r->js_domain[0])
        return "needs js_domain, or nats.servers";
    return strcmp(r->js_domain, c->nats.js_domain) == 0 ? "its js_domain is that of the own region" : NULL;
}

static const char *problem_of_access(const struct nats_config *n)
{
    size_t ways = !!n->credentials[0] + !!n->nkey_seed[0] + !!n->user[0];
    bool access = ways > 0 || n->password_file[0] || n->tls.ca[0] || n->tls.cert[0] || n->tls.key[0];
    if (access && n->servers.n == 0)
        return "nats needs servers: without them the group nats of the own region counts";
    if (ways > 1)
        return "nats has more than one of credentials, nkey_seed and user";
    if (!n->user[0] != !n->password_file[0])
        return "nats.user and nats.password_file need each other";
    return !n->tls.cert[0] != !n->tls.key[0] ? "nats.tls.cert and nats.tls.key need each other" : NULL;
}

/* A stream's name, with the bucket's in one place. */
static const char *problem_of_mirror(const struct region_config *r)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *at = strstr(r->mirror, "%s");
    if (!r->mirror[0])
        return NULL;
    if (!at || strspn(r->mirror, allowed) != (size_t)(at - r->mirror) || strspn(at + 2, allowed) != strlen(at + 2))
        return "mirror must be letters, digits, '-' or '_', and %s once";
    return r->js_domain[0] ? NULL : "mirror needs js_domain: the mirrors reach the region by it";
}

static int read_one(struct config_source *s, const config_setting_t *group, struct config *c)
{
    struct region_config *r = &c->regions[c->n_regions];
    size_t complaints = s->report->n;
    if (!config_source_check_form(s, group, FORM_PAIRS))
        return 0;
    int err = config_source_read_block(s, group, &region_keys, r);
    if (!err && s->report->n == complaints) {
        const char *why = problem_of_name(c, r);
        why = why ? why : problem_of_domain(c, r);
        why = why ? why : problem_of_mirror(r);
        why = why ? why : problem_of_access(&r->nats);
        if (why)
            config_complain(s, group, "%s: %s", r->name, why);
    }
    c->n_regions++;
    return err;
}

static bool is_region(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->n_regions; i++)
        if (strcmp(c->regions[i].name, name) == 0)
            return true;
    return false;
}

static void check_names(struct config_source *s, const config_setting_t *setting, const struct config *c,
                        const struct string_list *names)
{
    for (size_t i = 0; setting && i < names->n; i++)
        if (!is_region(c, names->items[i]))
            config_complain(s, setting, "%s is none of regions", names->items[i]);
}

static int read_service(struct config_source *s, const config_setting_t *group, struct config *c)
{
    if (!config_source_check_form(s, group, FORM_PAIRS))
        return 0;
    struct failover_service *f = &c->failover_services[c->n_failover_services++];
    int err = config_source_read_block(s, group, &failover_keys, f);
    if (!err)
        check_names(s, config_setting_get_member(group, "regions"), c, &f->regions);
    return err;
}

typedef int read_fn(struct config_source *s, const config_setting_t *group, struct config *c);

/* 0 of them when there is no such list, or it is none: said already. */
static unsigned length_of(const config_setting_t *list)
{
    bool is_list = list && !config_setting_is_group(list) && !config_setting_is_scalar(list);
    return is_list ? (unsigned)config_setting_length(list) : 0;
}

static int read_list(struct config_source *s, const config_setting_t *list, read_fn *fn, struct config *c)
{
    int err = 0;
    for (unsigned i = 0; i < length_of(list) && !err; i++)
        err = fn(s, config_setting_get_elem(list, i), c);
    return err;
}

int config_regions_read(struct config_source *s, struct config *c)
{
    const config_setting_t *regions = config_lookup(&s->tree, "regions");
    const config_setting_t *services = config_lookup(&s->tree, "failover_services");
    if (length_of(regions) > c->limits.regions) {
        config_complain(s, regions, "more regions than limits.regions");
        return 0;
    }
    c->regions = calloc(length_of(regions) + 1, sizeof *c->regions);
    c->failover_services = calloc(length_of(services) + 1, sizeof *c->failover_services);
    if (!c->regions || !c->failover_services)
        return -ENOMEM;
    int err = read_list(s, regions, read_one, c);
    check_names(s, config_lookup(&s->tree, "failover.regions"), c, &c->failover.regions);
    return err ? err : read_list(s, services, read_service, c);
}

void config_regions_fini(struct config *c)
{
    for (size_t i = 0; i < c->n_regions; i++)
        config_table_fini(&region_keys, &c->regions[i]);
    for (size_t i = 0; i < c->n_failover_services; i++)
        config_table_fini(&failover_keys, &c->failover_services[i]);
    free(c->regions);
    free(c->failover_services);
}

static bool equal(const struct config_table *keys, const void *a, const void *b)
{
    bool same = true;
    for (size_t i = 0; i < keys->n; i++)
        same &= value_equal(&keys->keys[i], a, b);
    return same;
}

bool config_regions_equal(const struct config *a, const struct config *b)
{
    bool same = a->n_regions == b->n_regions;
    for (size_t i = 0; same && i < a->n_regions; i++)
        same = equal(&region_keys, &a->regions[i], &b->regions[i]);
    return same;
}

bool config_failover_equal(const struct config *a, const struct config *b)
{
    bool same = a->n_failover_services == b->n_failover_services;
    for (size_t i = 0; same && i < a->n_failover_services; i++)
        same = equal(&failover_keys, &a->failover_services[i], &b->failover_services[i]);
    return same;
}

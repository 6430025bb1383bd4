/* SPDX-License-Identifier: Apache-2.0 */
/* Reads api.policy, regions and failover_services: each group by its table, then rules about several groups. */
#include "daemon/config/config_lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_access.h"
#include "daemon/config/config_keys.h"

static void check_policy(struct config_source *s, const config_setting_t *group, const struct config *c, void *item)
{
    struct policy_line *line = item;
    struct config_place place = config_source_place(s, group);
    (void)c;
    if (line->user[0] && line->group[0])
        config_complain(s, group, "has a user and a group: a line is for one of them");
    snprintf(line->place, sizeof line->place, "%s:%u", place.file, place.line);
}

/* --- regions --- */

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

/* Whether the region, reached through our own servers, would be our own. */
static const char *problem_of_domain(const struct config *c, const struct region_config *r)
{
    if (r->nats.servers.n > 0)
        return NULL;
    if (!r->js_domain[0])
        return "needs js_domain, or nats.servers";
    return strcmp(r->js_domain, c->nats.js_domain) == 0 ? "its js_domain is that of the own region" : NULL;
}

static const char *problem_of_servers(const struct nats_config *n)
{
    bool access = n->credentials[0] || n->nkey_seed[0] || n->user[0] || n->password_file[0] || n->tls.ca[0] ||
                  n->tls.cert[0] || n->tls.key[0];
    return access && n->servers.n == 0 ? "nats needs servers: without them the group nats of the own region counts"
                                       : NULL;
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

static void check_region(struct config_source *s, const config_setting_t *group, const struct config *c, void *item)
{
    const struct region_config *r = item;
    const char *why = problem_of_name(c, r);
    why = why ? why : problem_of_domain(c, r);
    why = why ? why : problem_of_mirror(r);
    why = why ? why : problem_of_servers(&r->nats);
    if (why)
        config_complain(s, group, "%s: %s", r->name, why);
    else
        config_check_access(s, group);
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

static void check_failover(struct config_source *s, const config_setting_t *group, const struct config *c, void *item)
{
    const struct failover_service *f = item;
    check_names(s, config_setting_get_member(group, "regions"), c, &f->regions);
}

/* --- all --- */

#define LIST(items, n) offsetof(struct config, items), sizeof *((struct config *)0)->items, offsetof(struct config, n)

static const struct list {
    const char *path;
    const struct config_table *keys;
    /* Checks a group whose values are right each by itself. */
    void (*check)(struct config_source *s, const config_setting_t *group, const struct config *c, void *item);
    size_t items, size, n; /* of the items: where, of which size; where their number is */
} lists[] = {
    {"api.policy", &policy_keys, check_policy, LIST(api.policy, api.n_policy)},
    {"regions", &region_keys, check_region, LIST(regions, n_regions)},
    {"failover_services", &failover_keys, check_failover, LIST(failover_services, n_failover_services)},
};
#define LISTS (sizeof lists / sizeof *lists)

static char **items_of(const struct list *l, const struct config *c)
{
    return (char **)((char *)c + l->items);
}

static size_t *number_of(const struct list *l, const struct config *c)
{
    return (size_t *)((char *)c + l->n);
}

struct reading {
    const struct list *list;
    struct config *config;
};

static int read_group(struct config_source *s, const config_setting_t *group, void *arg)
{
    const struct reading *r = arg;
    size_t reports = s->report->n, *n = number_of(r->list, r->config);
    void *item = *items_of(r->list, r->config) + *n * r->list->size;
    int err = config_source_read_block(s, group, r->list->keys, item);
    if (!err && s->report->n == reports)
        r->list->check(s, group, r->config, item);
    ++*n;
    return err;
}

int config_lists_read(struct config_source *s, struct config *c)
{
    const config_setting_t *regions = config_lookup(&s->tree, "regions");
    int err = 0;
    if (config_source_length(regions) > c->limits.regions) {
        config_complain(s, regions, "more regions than limits.regions");
        return 0;
    }
    for (size_t i = 0; i < LISTS && !err; i++) {
        const config_setting_t *groups = config_lookup(&s->tree, lists[i].path);
        char *items = *items_of(&lists[i], c) = calloc(config_source_length(groups) + 1, lists[i].size);
        err = items ? config_source_each(s, groups, read_group, &(struct reading){&lists[i], c}) : -ENOMEM;
    }
    check_names(s, config_lookup(&s->tree, "failover.regions"), c, &c->failover.regions);
    return err;
}

void config_lists_fini(struct config *c)
{
    for (size_t i = 0; i < LISTS; i++) {
        char **items = items_of(&lists[i], c);
        for (size_t k = 0; k < *number_of(&lists[i], c); k++)
            config_table_fini(lists[i].keys, *items + k * lists[i].size);
        free(*items);
    }
}

static const struct list *list_at(const char *path)
{
    for (size_t i = 0; i < LISTS; i++)
        if (strcmp(lists[i].path, path) == 0)
            return &lists[i];
    return NULL;
}

bool config_list_equal(const struct config *a, const struct config *b, const char *path)
{
    const struct list *l = list_at(path);
    if (!l || *number_of(l, a) != *number_of(l, b))
        return !l;
    for (size_t i = 0; i < *number_of(l, a); i++)
        for (size_t k = 0; k < l->keys->n; k++)
            if (!value_equal(&l->keys->keys[k], *items_of(l, a) + i * l->size, *items_of(l, b) + i * l->size))
                return false;
    return true;
}

void config_list_exchange(struct config *a, struct config *b, const char *path)
{
    const struct list *l = list_at(path);
    char *items = l ? *items_of(l, a) : NULL;
    size_t n = l ? *number_of(l, a) : 0;
    if (!l)
        return;
    *items_of(l, a) = *items_of(l, b);
    *number_of(l, a) = *number_of(l, b);
    *items_of(l, b) = items;
    *number_of(l, b) = n;
}

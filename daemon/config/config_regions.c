/* SPDX-License-Identifier: Apache-2.0 */
/* Other regions: each by its table, and what it wants of the rest. */
#include "daemon/config/config_regions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_keys.h"

static const char *problem_of_name(const struct config *c, const struct region_config *r)
{
    if (strcmp(r->name, c->region) == 0)
        return "is the own region";
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
        why = why ? why : problem_of_access(&r->nats);
        if (why)
            config_complain(s, group, "%s: %s", r->name, why);
    }
    c->n_regions++;
    return err;
}

int config_regions_read(struct config_source *s, struct config *c)
{
    const config_setting_t *list = config_lookup(&s->tree, "regions");
    int err = 0, n = list ? config_setting_length(list) : 0;
    if (n == 0 || config_setting_is_group(list) || config_setting_is_scalar(list))
        return 0;
    if ((uint32_t)n > c->limits.regions) {
        config_complain(s, list, "more regions than limits.regions");
        return 0;
    }
    c->regions = calloc((size_t)n, sizeof *c->regions);
    if (!c->regions)
        return -ENOMEM;
    for (int i = 0; i < n && !err; i++)
        err = read_one(s, config_setting_get_elem(list, (unsigned)i), c);
    return err;
}

void config_regions_fini(struct config *c)
{
    for (size_t i = 0; i < c->n_regions; i++)
        config_table_fini(&region_keys, &c->regions[i]);
    free(c->regions);
}

static bool equal(const struct region_config *a, const struct region_config *b)
{
    bool same = true;
    for (size_t i = 0; i < region_keys.n; i++)
        same &= value_equal(&region_keys.keys[i], a, b);
    return same;
}

bool config_regions_equal(const struct config *a, const struct config *b)
{
    bool same = a->n_regions == b->n_regions;
    for (size_t i = 0; same && i < a->n_regions; i++)
        same = equal(&a->regions[i], &b->regions[i]);
    return same;
}

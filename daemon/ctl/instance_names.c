/* SPDX-License-Identifier: Apache-2.0 */
/* Ids and names of instances. */
#include "daemon/ctl/instance_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct instance_name *known(const struct instance_names *names, uint64_t id)
{
    for (size_t i = 0; i < names->n; i++)
        if (names->all[i].id == id)
            return &names->all[i];
    return NULL;
}

static int grow(struct instance_names *names)
{
    size_t cap = names->cap ? 2 * names->cap : 64;
    struct instance_name *all = realloc(names->all, cap * sizeof *all);
    if (!all)
        return -ENOMEM;
    names->all = all;
    names->cap = cap;
    return 0;
}

static int learn(void *arg, const struct discover_instance *i)
{
    struct instance_names *names = arg;
    if (known(names, i->endpoint.id))
        return 0;
    if (names->n == names->cap && grow(names) < 0)
        return -ENOMEM;
    struct instance_name *name = &names->all[names->n];
    name->id = i->endpoint.id;
    if (asprintf(&name->name, "%s/%s", i->host, i->instance) < 0)
        return -ENOMEM;
    names->n++;
    return 0;
}

const char *instance_names_find(struct instance_names *names, struct discover *d, const char *service, uint64_t id)
{
    const struct instance_name *found = known(names, id);
    if (!found) {
        (void)!discover_each_instance(d, service, learn, names); /* what cannot be learnt is a question mark */
        found = known(names, id);
    }
    return found ? found->name : "?";
}

void instance_names_forget(struct instance_names *names, uint64_t id)
{
    struct instance_name *found = known(names, id);
    if (!found)
        return;
    free(found->name);
    *found = names->all[--names->n];
}

void instance_names_fini(struct instance_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->all[i].name);
    free(names->all);
}

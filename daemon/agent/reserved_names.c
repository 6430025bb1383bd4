/* SPDX-License-Identifier: Apache-2.0 */
/* Names of instances that are reserved after a restart, for the users who had them. */
#include "daemon/agent/reserved_names.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/hash.h"

struct reserved_name {
    UT_hash_handle hh; /* by key as text */
    struct instance_key key;
    uid_t uid;
    char text[KEY_CAP];
};

static struct reserved_name *find(const struct reserved_names *r, const struct instance_key *key)
{
    char text[KEY_CAP];
    struct reserved_name *name;
    instance_key_format(key, text);
    HASH_FIND_STR(r->by_key, text, name);
    return name;
}

int reserved_names_add(struct reserved_names *r, const struct instance_key *key, uid_t uid)
{
    struct reserved_name *name = find(r, key);
    if (name) {
        name->uid = uid;
        return 0;
    }
    name = calloc(1, sizeof *name);
    if (!name)
        return -ENOMEM;
    name->key = *key;
    name->uid = uid;
    instance_key_format(key, name->text);
    HASH_ADD_STR(r->by_key, text, name);
    if (hash_added(&name->hh))
        return 0;
    free(name);
    return -ENOMEM;
}

const uid_t *reserved_names_find(const struct reserved_names *r, const struct instance_key *key)
{
    const struct reserved_name *name = r->by_key ? find(r, key) : NULL;
    return name ? &name->uid : NULL;
}

static void drop(struct reserved_names *r, struct reserved_name *name)
{
    HASH_DEL(r->by_key, name);
    free(name);
}

void reserved_names_remove(struct reserved_names *r, const struct instance_key *key)
{
    struct reserved_name *name = r->by_key ? find(r, key) : NULL;
    if (name)
        drop(r, name);
}

bool reserved_names_take(struct reserved_names *r, struct instance_key *ret_key)
{
    struct reserved_name *name = r->by_key;
    if (!name)
        return false;
    *ret_key = name->key;
    drop(r, name);
    return true;
}

void reserved_names_fini(struct reserved_names *r)
{
    struct instance_key key;
    while (reserved_names_take(r, &key))
        ;
}

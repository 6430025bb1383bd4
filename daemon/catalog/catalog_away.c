/* SPDX-License-Identifier: Apache-2.0 */
/* Services for which another region answers: where what is known of them here is written meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/model.h"

static struct away *find(struct away *set, const char *service)
{
    struct away *a;
    HASH_FIND_STR(set, service, a);
    return a;
}

static size_t away_key(const struct catalog *c, const char *service, char ret_key[static BLOCK_KEY_CAP])
{
    return (size_t)(stpcpy(stpcpy(stpcpy(ret_key, service), "@"), c->region) - ret_key);
}

size_t blocks_service_key(const struct catalog *c, const char *name, char ret_key[static BLOCK_KEY_CAP])
{
    return c->away && find(c->away, name) ? away_key(c, name, ret_key) : blocks_key(c, name, ret_key);
}

/* Writes the service whole: none of its pages is under the key that it has from now on. */
static void write_anew(struct catalog *c, struct service *s)
{
    blocks_forget_pages(s);
    catalog_touch(&c->dirty_services, &s->dirty);
    catalog_flush_named(c, s);
}

static int add(struct away **set, const char *service)
{
    struct away *a = calloc(1, sizeof *a);
    if (!a)
        return -ENOMEM;
    strcpy(a->name, service);
    HASH_ADD_STR(*set, name, a);
    if (hash_added(&a->hh))
        return 0;
    free(a);
    return -ENOMEM;
}

/* Writes the service under its own key before it is removed from the other one, so that there is always an answer. */
static void come_back(struct catalog *c, struct away *a, struct service *s)
{
    char key[BLOCK_KEY_CAP];
    size_t n = away_key(c, a->name, key);
    HASH_DEL(c->away, a);
    if (s)
        write_anew(c, s);
    else
        (void)blocks_drop(c, a->name);
    (void)blocks_drop_key(c, key, n);
    free(a);
}

int catalog_set_away(struct catalog *c, const char *service, bool away)
{
    struct away *a = find(c->away, service);
    struct service *s = service_find(c, service);
    if (away == (a != NULL))
        return 0;
    if (!away) {
        come_back(c, a, s);
        return 0;
    }
    int err = add(&c->away, service);
    if (!err && s)
        write_anew(c, s);
    return err;
}

bool catalog_answers(const struct catalog *c, const char *service)
{
    return c->answering && find(c->answering, service);
}

static void stop_answering(struct catalog *c, const char *service, struct service *s)
{
    struct away *a = find(c->answering, service);
    if (!a)
        return;
    HASH_DEL(c->answering, a);
    free(a);
    if (s)
        s->answer_paged = false;
}

int catalog_set_answering(struct catalog *c, const char *service, bool answers)
{
    struct service *s = service_find(c, service);
    if (!answers) {
        stop_answering(c, service, s);
        return 0;
    }
    int err = catalog_answers(c, service) ? 0 : add(&c->answering, service);
    if (err)
        return err;
    if (s)
        blocks_forget_pages(s);
    int result = s ? blocks_write_service(c, s) : blocks_drop_key(c, service, strlen(service));
    if (result > 0)
        table_writer_bump_serial(c->table);
    return result < 0 ? result : 0;
}

size_t catalog_exported_count(const struct catalog *c, const char *service)
{
    const struct service *s = service_find(c, service);
    return s ? s->usable - s->hidden : 0;
}

size_t catalog_usable_count(const struct catalog *c, const char *service)
{
    const struct service *s = service_find(c, service);
    return s ? s->usable : 0;
}

bool catalog_knows_service(const struct catalog *c, const char *service)
{
    const struct service *s = service_find(c, service);
    return s != NULL;
}

static void free_set(struct away **set)
{
    struct away *a, *next;
    HASH_ITER(hh, *set, a, next)
    {
        HASH_DEL(*set, a);
        free(a);
    }
}

void away_free(struct catalog *c)
{
    free_set(&c->away);
    free_set(&c->answering);
}

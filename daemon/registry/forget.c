/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgets a host that is gone. Its records go first: hosts that then see its lease go have none of them left to look
 * at.
 */
#include "daemon/registry/forget.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/catalog/catalog_explain.h"

#define TOKEN   (UINT64_C(1) << 62) /* the agent's tokens are counters from 1, and those with the highest bit set */
#define WINDOW  32                  /* most deletes that may be without an answer */
#define WHY_CAP 256

struct forget {
    struct forget_reach reach;
    char host[LABEL_CAP]; /* "": none is being forgotten */
    char (*keys)[KEY_CAP];
    /* in keys: their number, and the next to delete (n: the lease); deletes without an answer */
    size_t n, next, in_flight;
    char why[WHY_CAP]; /* the first failure; "": there was none */
};

int forget_new(const struct forget_reach *reach, struct forget **ret_f)
{
    struct forget *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    f->reach = *reach;
    *ret_f = f;
    return 0;
}

void forget_free(struct forget *f)
{
    if (!f)
        return;
    free(f->keys);
    free(f);
}

/* Collects the keys of all records of the host. */
static int take_keys(struct forget *f, const char *host)
{
    size_t total, n;
    (void)catalog_ids_of_host(f->reach.catalog, host, 0, NULL, &total);
    uint64_t *ids = calloc(total + 1, sizeof *ids);
    f->keys = calloc(total + 1, sizeof *f->keys);
    struct catalog_explained *e = malloc(sizeof *e);
    if (!ids || !f->keys || !e) {
        free(ids);
        free(e);
        return -ENOMEM;
    }
    n = catalog_ids_of_host(f->reach.catalog, host, total, ids, &total);
    f->n = 0;
    for (size_t i = 0; i < n; i++)
        if (catalog_explain(f->reach.catalog, ids[i], e) == 0 && !e->facts.foreign)
            instance_key_format(&e->key, f->keys[f->n++]);
    free(ids);
    free(e);
    return 0;
}

static void end(struct forget *f)
{
    if (!*f->why)
        log_notice("host %s is forgotten: %zu records and its lease are deleted", f->host, f->n);
    else
        log_warning("host %s is not forgotten: %s", f->host, f->why);
    free(f->keys);
    f->keys = NULL;
    f->host[0] = '\0';
    f->reach.done(f->reach.arg, f->why);
}

static int remove_next(struct forget *f)
{
    bool lease = f->next == f->n;
    int err =
        f->reach.remove(f->reach.arg, lease ? BUS_HOSTS : BUS_SERVICES, lease ? f->host : f->keys[f->next], TOKEN);
    if (err < 0)
        return err;
    f->next++;
    f->in_flight++;
    return 0;
}

/* Deletes the lease when all records are deleted. Returns why nothing more can be put now, or 0. */
static int pump(struct forget *f)
{
    int err = 0;
    while (!err && !*f->why && f->in_flight < WINDOW && (f->next < f->n || (f->next == f->n && f->in_flight == 0)))
        err = remove_next(f);
    return err;
}

bool forget_published(struct forget *f, const struct bus_put_result *result)
{
    if (!(result->token & TOKEN) || result->token >> 63)
        return false;
    if (!f->host[0])
        return true;
    f->in_flight--;
    if (result->err && !*f->why)
        snprintf(f->why, sizeof f->why, "%.120s: %.120s", strerror(-result->err), result->reason);
    int err = pump(f);
    if (err && f->in_flight == 0 && !*f->why)
        snprintf(f->why, sizeof f->why, "%s", strerror(-err));
    if (f->in_flight == 0 && (*f->why || f->next > f->n))
        end(f);
    return true;
}

static int refuse(int err, const char *why, const char **ret_why)
{
    *ret_why = why;
    return err;
}

int forget_begin(struct forget *f, const char *host, const char **ret_why)
{
    const struct catalog *c = f->reach.catalog;
    if (!label_valid(host, strlen(host)))
        return refuse(-EINVAL, "not a host's name", ret_why);
    if (strcmp(host, catalog_host(c)) == 0)
        return refuse(-EINVAL, "it is this host: discoverctl leave takes it out of the registry", ret_why);
    if (f->host[0])
        return refuse(-EALREADY, "another host is being forgotten", ret_why);
    if (!catalog_knows_host(c, host))
        return refuse(-ENOENT, "no host of that name is known", ret_why);
    if (catalog_host_alive(c, host))
        return refuse(-EEXIST, "it is alive: only a host that is gone can be forgotten", ret_why);
    int err = take_keys(f, host);
    if (!err) {
        snprintf(f->host, sizeof f->host, "%s", host);
        f->next = f->in_flight = 0;
        f->why[0] = '\0';
        err = pump(f);
    }
    if (f->in_flight > 0)
        return 0;
    free(f->keys);
    f->keys = NULL;
    f->host[0] = '\0';
    return refuse(err, err == -ENOTCONN || err == -ENOBUFS ? "NATS takes nothing now" : NULL, ret_why);
}

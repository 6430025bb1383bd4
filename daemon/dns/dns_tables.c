/* SPDX-License-Identifier: Apache-2.0 */
/* Hands a new segment of the shared table over to the DNS threads. */
#include "daemon/dns/dns_tables.h"

#include <errno.h>
#include <stdlib.h>

void dns_tables_init(struct dns_tables *ts)
{
    pthread_mutex_init(&ts->lock, NULL);
    atomic_init(&ts->present, NULL);
}

/* With the lock held. */
static void let_go(struct dns_table *t)
{
    if (!t || --t->holders > 0)
        return;
    table_unmap(&t->table);
    free(t);
}

void dns_tables_fini(struct dns_tables *ts)
{
    let_go(atomic_load(&ts->present));
    pthread_mutex_destroy(&ts->lock);
}

int dns_tables_set(struct dns_tables *ts, int fd)
{
    struct dns_table *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    int err = table_map(fd, &t->table);
    if (err) {
        free(t);
        return err;
    }
    t->holders = 1; /* being the present one */
    pthread_mutex_lock(&ts->lock);
    struct dns_table *old = atomic_exchange(&ts->present, t);
    let_go(old);
    pthread_mutex_unlock(&ts->lock);
    return 0;
}

struct dns_table *dns_tables_change(struct dns_tables *ts, struct dns_table *mine)
{
    pthread_mutex_lock(&ts->lock);
    struct dns_table *t = atomic_load(&ts->present);
    if (t)
        t->holders++;
    let_go(mine);
    pthread_mutex_unlock(&ts->lock);
    return t;
}

void dns_tables_drop(struct dns_tables *ts, struct dns_table *mine)
{
    pthread_mutex_lock(&ts->lock);
    let_go(mine);
    pthread_mutex_unlock(&ts->lock);
}

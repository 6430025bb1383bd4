/* SPDX-License-Identifier: Apache-2.0 */
/* The list of the other regions: makes, turns and stops each. */
#include "daemon/registry/regions/regions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"

struct regions {
    const struct config *config;
    size_t n;
    struct region **all;
    /* Room for the messages of the status. */
    Discover__V1__RegionStatus *status, **pointers;
};

/*
 * The own region's block only marks it as the own one: how far the table can be trusted stands in the table's header.
 */
static int write_own_block(struct table_writer *table, const char *name)
{
    char key[LABEL_CAP + 1];
    const uint64_t words[TABLE_REGION_WORDS] = {[TABLE_R_OWN] = 1};
    snprintf(key, sizeof key, "%%%s", name);
    int result = table_writer_put(table, TABLE_REGION, key, strlen(key), 0, 0, words, TABLE_REGION_WORDS);
    return result < 0 ? result : 0;
}

static int make(const struct region_reach *reach, struct regions *r)
{
    const struct config *c = r->config = reach->config;
    int err = write_own_block(reach->table, c->region);
    r->all = calloc(c->n_regions + 1, sizeof *r->all);
    r->status = calloc(c->n_regions + 1, sizeof *r->status);
    r->pointers = calloc(c->n_regions + 1, sizeof *r->pointers);
    if (!r->all || !r->status || !r->pointers)
        return -ENOMEM;
    struct region_reach one = *reach;
    for (size_t i = 0; i < c->n_regions && !err; i++) {
        one.region = &c->regions[i];
        err = region_new(&one, &r->all[i]);
        r->n += !err;
    }
    return err;
}

int regions_new(const struct region_reach *reach, struct regions **ret_r)
{
    struct regions *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    int err = make(reach, r);
    if (err)
        regions_free(r);
    else
        *ret_r = r;
    return err;
}

void regions_free(struct regions *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++)
        region_free(r->all[i]);
    free(r->all);
    free(r->status);
    free(r->pointers);
    free(r);
}

size_t regions_count(const struct regions *r)
{
    return r ? r->n : 0;
}

struct region *regions_at(const struct regions *r, size_t i)
{
    return r->all[i];
}

const struct region *regions_find(const struct regions *r, const char *name)
{
    for (size_t i = 0; i < regions_count(r); i++)
        if (strcmp(region_name(r->all[i]), name) == 0)
            return r->all[i];
    return NULL;
}

int64_t regions_tick(struct regions *r, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    for (size_t i = 0; i < regions_count(r); i++) {
        int64_t one_ns = region_tick(r->all[i], now_ns);
        next_ns = one_ns < next_ns ? one_ns : next_ns;
    }
    return next_ns;
}

void regions_second(struct regions *r, int64_t now_ns)
{
    for (size_t i = 0; i < regions_count(r); i++)
        region_second(r->all[i], now_ns);
}

void regions_stalled(struct regions *r, int64_t ns)
{
    for (size_t i = 0; i < regions_count(r); i++)
        region_stalled(r->all[i], ns);
}

bool regions_flush(struct regions *r, const struct loop_slice *slice, int64_t now_ns)
{
    bool more = false;
    for (size_t i = 0; i < regions_count(r); i++)
        more |= region_flush(r->all[i], slice, now_ns);
    return more;
}

void regions_set_access(struct regions *r, struct bus_access **accesses)
{
    for (size_t i = 0; accesses && i < regions_count(r); i++) {
        if (accesses[i])
            (void)region_set_access(r->all[i], accesses[i]);
        accesses[i] = NULL;
    }
}

void regions_status(struct regions *r, int64_t now_ns, Discover__V1__Status *ret_status)
{
    size_t n = regions_count(r);
    if (!r)
        return; /* there are no regions yet, or not any more */
    ret_status->region = r->config->region;
    for (size_t i = 0; i < n; i++) {
        region_status(r->all[i], now_ns, &r->status[i]);
        r->pointers[i] = &r->status[i];
    }
    ret_status->n_regions = n;
    ret_status->regions = n ? r->pointers : NULL;
}

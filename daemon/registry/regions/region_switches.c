/* SPDX-License-Identifier: Apache-2.0 */
/* Stores which region operators have chosen to answer for a service, as files. */
#include "daemon/registry/regions/region_switches.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/agent/stored.h"
#include "daemon/base/log.h"
#include "libdiscover/core/entry.h"
#include "proto/state.pb-c.h"

#define PREFIX "f-"

static void file_name(const char *service, char ret_name[static STORED_NAME_CAP])
{
    struct instance_key key = {.host = ""};
    (void)service_parse(service, key.domain, key.service);
    snprintf(ret_name, STORED_NAME_CAP, PREFIX "%016" PRIx64, instance_id(&key));
}

static size_t encode(const struct region_switch *s, uint8_t ret_bytes[static STORED_MAX])
{
    Discover__V1__StoredFailover msg = DISCOVER__V1__STORED_FAILOVER__INIT;
    msg.service = (char *)s->service;
    msg.region = (char *)s->region;
    msg.uid = s->uid;
    msg.set_ms = s->set_ms;
    return discover__v1__stored_failover__pack(&msg, ret_bytes);
}

static int take(const Discover__V1__StoredFailover *msg, struct region_switch *ret_switch)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    if (service_parse(msg->service, domain, name) < 0)
        return -EBADMSG;
    *ret_switch = (struct region_switch){.uid = msg->uid, .set_ms = msg->set_ms};
    service_format(domain, name, ret_switch->service);
    if (*msg->region && label_copy(ret_switch->region, msg->region, strlen(msg->region)) < 0)
        return -EBADMSG;
    return 0;
}

static int decode(const uint8_t *bytes, size_t n, struct region_switch *ret_switch)
{
    Discover__V1__StoredFailover *msg = n > STORED_MAX ? NULL : discover__v1__stored_failover__unpack(NULL, n, bytes);
    int err = msg ? take(msg, ret_switch) : -EBADMSG;
    if (msg)
        discover__v1__stored_failover__free_unpacked(msg, NULL);
    return err;
}

struct region_switch *region_switches_find(const struct region_switches *s, const char *service)
{
    struct region_switch *found;
    HASH_FIND_STR(s->all, service, found);
    return found;
}

/* Finds or makes the place for an order about a service. */
static int reserve(struct region_switches *s, const struct region_switch *with, struct region_switch **ret_place)
{
    struct region_switch *place = region_switches_find(s, with->service);
    if (!place && HASH_COUNT(s->all) >= s->max)
        return -ENOSPC;
    if (!place) {
        place = calloc(1, sizeof *place);
        if (!place)
            return -ENOMEM;
        *place = *with;
        HASH_ADD_STR(s->all, service, place);
        if (!hash_added(&place->hh)) {
            free(place);
            return -ENOMEM;
        }
    }
    *ret_place = place;
    return 0;
}

static void drop(struct region_switches *s, struct region_switch *it)
{
    HASH_DEL(s->all, it);
    free(it);
}

int region_switches_set(struct region_switches *s, const struct region_switch *with)
{
    char name[STORED_NAME_CAP];
    uint8_t bytes[STORED_MAX];
    struct region_switch *place;
    bool fresh = !region_switches_find(s, with->service);
    int err = reserve(s, with, &place);
    if (err)
        return err;
    file_name(with->service, name);
    if (state_dir_store(s->state_dir, name, bytes, encode(with, bytes)) < 0) {
        if (fresh)
            drop(s, place);
        return -EIO;
    }
    memcpy(place->region, with->region, sizeof place->region);
    place->uid = with->uid;
    place->set_ms = with->set_ms;
    return 0;
}

int region_switches_end(struct region_switches *s, const char *service)
{
    char name[STORED_NAME_CAP];
    struct region_switch *it = region_switches_find(s, service);
    if (!it)
        return -ENOENT;
    file_name(service, name);
    if (state_dir_forget(s->state_dir, name) < 0)
        return -EIO;
    drop(s, it);
    return 0;
}

static int restore(void *arg, const uint8_t *bytes, size_t n)
{
    struct region_switch with, *place;
    int err = decode(bytes, n, &with);
    return err ? err : reserve(arg, &with, &place);
}

int region_switches_init(struct region_switches *s, struct state_dir *state_dir, size_t max)
{
    *s = (struct region_switches){.state_dir = state_dir, .max = max};
    int damaged = state_dir_each(state_dir, PREFIX, restore, s);
    if (damaged > 0)
        log_warning("%d stored switches between regions are damaged and were set aside (*.bad)", damaged);
    return damaged < 0 ? damaged : 0;
}

void region_switches_fini(struct region_switches *s)
{
    struct region_switch *it, *next;
    HASH_ITER(hh, s->all, it, next)
    {
        drop(s, it);
    }
}

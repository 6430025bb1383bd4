/* SPDX-License-Identifier: Apache-2.0 */
/* The registrations of a handle, which are made again after each reconnect. */
#include "libdiscover/session/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

void held_drop(struct held **list, struct held *held)
{
    LL_DELETE(*list, held);
    free(held->trace);
    free(held);
}

void held_drop_all(struct held **list)
{
    while (*list)
        held_drop(list, *list);
}

struct held *held_by_serial(struct held *list, uint64_t serial)
{
    while (list && list->registration.serial != serial)
        list = list->next;
    return list;
}

struct held *held_newest(struct held *list, uint64_t serial)
{
    struct held *newest = NULL;
    for (; list; list = list->next)
        if (list->registration.serial == serial)
            newest = list;
    return newest;
}

struct held *held_by_request(struct held *list, uint32_t request)
{
    while (list && list->request != request)
        list = list->next;
    return list;
}

struct held *held_by_name(struct held *list, const char *service, const char *instance)
{
    while (list &&
           (strcmp(list->registration.service, service) != 0 || strcmp(list->registration.instance, instance) != 0))
        list = list->next;
    return list;
}

/*
 * What the daemon has, or will have when it answers, unless it makes up a name: a second request without one gets another
 * one, and what nobody holds is taken back.
 */
static bool stands(const struct held *held)
{
    return held->confirmed || (held->request && *held->registration.instance);
}

/* Only older ones: whoever added a newer copy may be waiting for its answer. */
static void drop_older_copies(struct held **list, const struct held *keep, bool all)
{
    uint64_t serial = keep->registration.serial;
    for (struct held *held = *list, *next; held != keep; held = next) {
        next = held->next;
        if (held->registration.serial == serial && (all || !stands(held)))
            held_drop(list, held);
    }
}

int held_add(struct held **list, const struct discover_registration *r, const struct trace_context *trace,
             struct held **ret_held)
{
    struct held *held = calloc(1, sizeof *held);
    if (held && trace && !(held->trace = malloc(sizeof *trace))) {
        free(held);
        held = NULL;
    }
    if (!held)
        return -ENOMEM;
    if (trace)
        *held->trace = *trace;
    held->registration = *r;
    LL_APPEND(*list, held);
    drop_older_copies(list, held, false);
    *ret_held = held;
    return 0;
}

int held_confirm(struct held **list, struct held *held, const char *instance)
{
    if (label_copy(held->registration.instance, instance, strlen(instance)) < 0)
        return -EINVAL;
    held->request = 0;
    held->refused = 0;
    held->confirmed = true;
    free(held->trace);
    held->trace = NULL;
    drop_older_copies(list, held, true);
    return 0;
}

void held_unanswered(struct held *list)
{
    for (; list; list = list->next)
        list->request = 0;
}

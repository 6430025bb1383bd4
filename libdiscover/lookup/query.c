/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups with conditions (discover.h): as resolve, a read of shared memory without an allocation. */
#include "libdiscover/lookup/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/context.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/words.h"
#include "libdiscover/lookup/verdict.h"

static int make_key(struct discover_query *q)
{
    const struct table_filter *f = &q->filter;
    int err = 0;
    strcpy(q->key, q->service);
    for (size_t i = 0; i < f->n_tags && !err; i++) {
        bool named = label_valid(f->tags[i], strlen(f->tags[i]));
        err = lookup_key_add(q->key, named ? LOOKUP_TAG : LOOKUP_NO_NAME, named ? f->tags[i] : "");
    }
    if (*f->place && !err)
        err = lookup_key_add(q->key, LOOKUP_PLACE, f->place);
    if (f->by_protocol && !err)
        err = lookup_key_add(q->key, LOOKUP_PROTOCOL, protocol_word(f->protocol));
    return err;
}

int discover_query_new(const char *service, struct discover_query **ret_q)
{
    char domain[LABEL_CAP], name[LABEL_CAP], region[LABEL_CAP];
    if (!service || !ret_q)
        return -EINVAL;
    if (service_ref_parse(service, domain, name, region) < 0)
        return DISCOVER_E_NAME;
    struct discover_query *q = calloc(1, sizeof *q);
    if (!q)
        return -ENOMEM;
    strcpy(q->service, service); /* as it was parsed, it fits */
    q->service_length = strlen(q->service);
    (void)make_key(q);
    *ret_q = q;
    return 0;
}

void discover_query_free(struct discover_query *q)
{
    free(q);
}

int discover_query_add_tag(struct discover_query *q, const char *tag)
{
    if (!q || !tag)
        return -EINVAL;
    struct table_filter *f = &q->filter;
    if (f->n_tags == RECORD_TAGS_MAX)
        return -ENOSPC;
    if (!tag_valid(tag))
        return DISCOVER_E_NAME;
    strcpy(f->tags[f->n_tags++], tag);
    return make_key(q);
}

int discover_query_set_place(struct discover_query *q, const char *place)
{
    if (!q || !place)
        return -EINVAL;
    if (label_copy(q->filter.place, place, strlen(place)) < 0)
        return DISCOVER_E_NAME;
    return make_key(q);
}

int discover_query_set_protocol(struct discover_query *q, enum discover_protocol protocol)
{
    if (!q || (protocol != DISCOVER_TCP && protocol != DISCOVER_UDP))
        return -EINVAL;
    q->filter.by_protocol = true;
    q->filter.protocol = (uint8_t)protocol;
    return make_key(q);
}

int discover_query_add_state(struct discover_query *q, enum discover_state state)
{
    if (!q || state < DISCOVER_PASSING || state > DISCOVER_DRAINING)
        return -EINVAL;
    q->filter.states |= 1u << state;
    return 0;
}

/* length: of the service's key in the table, which has no region behind it where that is the own one. */
static int run(struct mapping *mapping, const struct discover_query *q, size_t length,
               const struct discover_endpoint *after, struct discover_endpoint *ret_endpoints, size_t cap,
               size_t *ret_n)
{
    size_t n = 0;
    int err = table_select(&mapping->table, q->service, length, &q->filter, after, ret_endpoints, cap, &n);
    if (err < 0 && err != -ENOENT)
        return verdict_unreadable(err);
    /* No instance behind `after` is the end of a list, not a service that has none. */
    size_t counted = after && n == 0 ? 1 : n;
    int result;
    if (length == q->service_length)
        result = verdict_of(mapping, q->service, !err, counted);
    else
        result = err ? verdict_missing(mapping, q->service) : verdict_found(mapping, counted);
    if (result == VERDICT_OWN_REGION)
        return run(mapping, q, strcspn(q->service, "@"), after, ret_endpoints, cap, ret_n);
    if (result >= 0)
        *ret_n = n;
    return result;
}

/* DNS has no name for a condition that nothing meets: whether there is such a service is a look-up of its own. */
int query_judge_missing(struct discover *d, const struct discover_query *q)
{
    size_t n;
    int result = discover_resolve(d, q->service, NULL, 0, &n);
    return result < 0 ? result : DISCOVER_E_NONE;
}

int discover_query_run(struct discover *d, const struct discover_query *q, const struct discover_endpoint *after,
                       struct discover_endpoint *ret_endpoints, size_t cap, size_t *ret_n)
{
    if (!d || !q || (cap > 0 && !ret_endpoints) || !ret_n)
        return -EINVAL;
    struct mapping *mapping = context_enter(d, q->key);
    if (!mapping)
        return DISCOVER_E_UNSYNCED;
    int result = run(mapping, q, q->service_length, after, ret_endpoints, cap, ret_n);
    mapping_leave(mapping);
    return result == DISCOVER_E_UNKNOWN ? query_judge_missing(d, q) : result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent knows of one instance of this host. */
#include "daemon/agent/agent_explain.h"

#include <string.h>

#include "daemon/agent/agent_impl.h"

static bool waits(const struct agent *a, const struct registration *reg)
{
    return reg->record.at_host && a->options.addresses.families == 0;
}

static void fill_published(const struct agent *a, const struct instance_key *key, struct agent_explained *to)
{
    const struct entry *e = publisher_find(&a->publisher, key);
    if (!e)
        return;
    to->confirmed = publisher_settled(e);
    to->refused = e->refused;
    to->revision = e->seq;
    to->put_ns = e->sent_ns;
    to->rtt_ns = e->rtt_ns;
}

static int64_t ttl_left_ns(const struct registration *reg, int64_t now_ns)
{
    int64_t left_ns = reg->owner.kind == OWNER_TTL ? reg->deadline.at_ns - now_ns : 0;
    return left_ns > 0 ? left_ns : 0;
}

int agent_explain(const struct agent *a, const struct instance_key *key, int64_t now_ns,
                  struct agent_explained *ret_explained)
{
    const struct registration *reg = registrations_find(&a->registrar.registrations, key);
    if (!reg)
        return -ENOENT;
    *ret_explained = (struct agent_explained){.key = *key,
                                              .owner = reg->owner.kind,
                                              .uid = reg->owner.uid,
                                              .pid = reg->owner.pid,
                                              .ttl_left_ns = ttl_left_ns(reg, now_ns),
                                              .registered = reg->record.state,
                                              .checked = reg->checked,
                                              .overridden = reg->overridden,
                                              .waiting = waits(a, reg)};
    const struct override *by = overrides_for(&a->registrar.overrides, key);
    if (reg->overridden && by)
        ret_explained->by = *by;
    fill_published(a, key, ret_explained);
    return 0;
}

static bool is_of(const struct instance_key *key, const char *domain, const char *service)
{
    return !*domain || (strcmp(key->domain, domain) == 0 && strcmp(key->service, service) == 0);
}

size_t agent_waiting(const struct agent *a, const char *domain, const char *service, size_t max,
                     struct instance_key *ret_keys)
{
    size_t n = 0;
    const struct registration *reg = a->options.addresses.families ? NULL : a->registrar.registrations.by_key;
    for (; reg && n < max; reg = reg->hh.next)
        if (reg->record.at_host && is_of(&reg->key, domain, service))
            ret_keys[n++] = reg->key;
    return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What operators set over the local API: states of instances, and which region answers for a service. */
#include <errno.h>
#include <string.h>

#include "daemon/api/api_impl.h"

static bool may_override(struct api_client *c, uint32_t id, const char *service)
{
    return c->api->access.policy ? api_check_line(c, id, service, true) : api_check_operator(c, id);
}

/* Parses a request into *ret_override. Returns NULL, or why it cannot be carried out. */
static const char *take_override(const Discover__V1__Override *o, struct override *ret_override)
{
    struct instance_key *key = &ret_override->key;
    if (o->state != DISCOVER__V1__STATE__DRAINING && o->state != DISCOVER__V1__STATE__MAINTENANCE)
        return "state: an operator sets draining or maintenance";
    ret_override->state = (uint8_t)o->state;
    if (*o->service && service_parse(o->service, key->domain, key->service) < 0)
        return "service: " API_SERVICE_RULE;
    if (*o->instance && !*o->service)
        return "instance: without its service";
    if (*o->instance && label_copy(key->instance, o->instance, strlen(o->instance)) < 0)
        return "instance: a name is of " LABEL_RULE;
    if (meta_refused("reason", o->reason) || strlen(o->reason) >= sizeof ret_override->reason)
        return "reason: must be a line of UTF-8 without control characters, at most 255 bytes";
    strcpy(ret_override->reason, o->reason);
    return NULL;
}

void api_override_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    const struct api *api = c->api;
    const Discover__V1__Override *o = m->override;
    struct override override = {.uid = c->peer.uid, .grace_ms = o->grace_ms};
    if (!may_override(c, m->id, o->service))
        return;
    const char *why = take_override(o, &override);
    api_operation_begin(c, o->traceparent, o->tracestate, o->service, o->instance);
    int err = why ? -EINVAL : api->ops.override(api->ops.arg, &override, !o->end, &why);
    api_operation_end(c);
    if (err == -ENOENT)
        why = "that state was not set for just these instances";
    else if (err == -ENOSPC)
        why = "as many states are set as may be (limits.overrides)";
    api_answer(c, m->id, err, why);
}

void api_failover_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    const struct api *api = c->api;
    const Discover__V1__Failover *f = m->failover;
    char domain[LABEL_CAP], name[LABEL_CAP], service[SERVICE_CAP], region[LABEL_CAP] = "";
    const char *why = NULL;
    if (!may_override(c, m->id, f->service))
        return;
    if (service_parse(f->service, domain, name) < 0) {
        api_refuse_errno(c, m->id, -EINVAL, "service: " API_SERVICE_RULE);
        return;
    }
    if (*f->region && label_copy(region, f->region, strlen(f->region)) < 0) {
        api_refuse_errno(c, m->id, -EINVAL, "region: a name is of " LABEL_RULE);
        return;
    }
    service_format(domain, name, service);
    int err = api->ops.failover(api->ops.arg, service, f->forced ? region : NULL, c->peer.uid, &why);
    if (err == -ENOENT && !why)
        why = "nobody had said which region answers for that service";
    if (err == -ENOSPC)
        why = "as many services have a region set by operators as may be (limits.overrides)";
    api_answer(c, m->id, err, why);
}

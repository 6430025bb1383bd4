/* SPDX-License-Identifier: Apache-2.0 */
/* What operators set over the local API: states of instances, and which region answers for a service. */
#include <errno.h>
#include <string.h>

#include "daemon/api/api_impl.h"

static bool may_override(struct api_client *c, uint32_t id, const char *service)
{
    return c->api->access.policy ? api_check_line(c, id, service, true) : api_check_operator(c, id);
}

void api_override_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    const struct api *api = c->api;
    const Discover__V1__Override *o = m->override;
    struct override override = {.state = (uint8_t)o->state, .uid = c->peer.uid, .grace_ms = o->grace_ms};
    const char *why = NULL;
    if (!may_override(c, m->id, o->service))
        return;
    bool named = !*o->service || service_parse(o->service, override.key.domain, override.key.service) == 0;
    if (named && *o->instance)
        named = label_copy(override.key.instance, o->instance, strlen(o->instance)) == 0;
    named = named && strlen(o->reason) < sizeof override.reason;
    if (named)
        strcpy(override.reason, o->reason);
    api_operation_begin(c, o->traceparent, o->tracestate, o->service, o->instance);
    int err = named ? api->ops.override(api->ops.arg, &override, !o->end, &why) : -EINVAL;
    api_operation_end(c);
    if (err == -EINVAL)
        api_refuse_errno(
            c, m->id, err,
            "not a service, an instance of it, a state that an operator sets, or a reason in one line of 255 bytes");
    else if (err == -ENOENT)
        api_refuse_errno(c, m->id, err, "that state was not set for just these instances");
    else if (err == -ENOSPC)
        api_refuse_errno(c, m->id, err, "as many states are set as may be (limits.overrides)");
    else
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
    bool named = service_parse(f->service, domain, name) == 0;
    if (named && *f->region)
        named = label_copy(region, f->region, strlen(f->region)) == 0;
    if (!named) {
        api_refuse_errno(c, m->id, -EINVAL, "not a service, or not a region");
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

/* SPDX-License-Identifier: Apache-2.0 */
/* States that operators set, over the local API. */
#include <errno.h>
#include <string.h>

#include "daemon/api/api_impl.h"

void api_override_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    const struct api *api = c->api;
    const Discover__V1__Override *o = m->override;
    struct override override = {.state = (uint8_t)o->state, .uid = c->peer.uid};
    const char *why = NULL;
    bool may = c->api->access.policy ? api_check_line(c, m->id, o->service, true) : api_check_operator(c, m->id);
    if (!may)
        return;
    bool named = !*o->service || service_parse(o->service, override.key.domain, override.key.service) == 0;
    if (named && *o->instance)
        named = label_copy(override.key.instance, o->instance, strlen(o->instance)) == 0;
    named = named && strlen(o->reason) < sizeof override.reason;
    if (named)
        strcpy(override.reason, o->reason);
    int err = named ? api->ops.override(api->ops.arg, &override, !o->end, &why) : -EINVAL;
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

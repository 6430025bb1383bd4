/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what a client may ask for: by its user, and by api.policy as it is at that moment. */
#include <stdio.h>

#include "daemon/api/access_policy.h"
#include "daemon/api/api_impl.h"

bool api_is_operator(const struct api_client *c)
{
    return access_is_operator(&c->api->access, c->peer.uid);
}

/* Refuses a request: by a line of the policy, or because no line is for that user. */
static void deny(struct api_client *c, uint32_t id, const struct access_line *line, const char *what)
{
    char reason[512];
    metric_inc(&c->api->metrics.denied);
    if (line)
        snprintf(reason, sizeof reason, "user %u may not %s: the line of api.policy for %s does not allow it",
                 (unsigned)c->peer.uid, what, line->text);
    else
        snprintf(reason, sizeof reason, "user %u may not %s: no line of api.policy is for that user",
                 (unsigned)c->peer.uid, what);
    api_refuse(c, id, DISCOVER__V1__ERROR__CODE__DENIED, reason);
}

/* Decides by the policy as it is now. */
bool api_check_line(struct api_client *c, uint32_t id, const char *service, bool overrides)
{
    char what[SERVICE_CAP + 64];
    if (!c->api->access.policy || api_is_operator(c))
        return true;
    const struct access_line *line = access_peer_line(&c->api->access, c->sock, &c->peer);
    if (line && (!overrides || line->overrides) && access_line_has(line, service))
        return true;
    snprintf(what, sizeof what, "%s %.*s", overrides ? "set states of" : "register", SERVICE_CAP,
             *service ? service : "this host");
    deny(c, id, line, what);
    return false;
}

bool api_check_right(struct api_client *c, uint32_t id)
{
    if (c->api->access.policy && !api_is_operator(c)) {
        if (access_peer_line(&c->api->access, c->sock, &c->peer))
            return true; /* for which services, each request decides */
        deny(c, id, NULL, "register");
        return false;
    }
    if (c->peer.may_register)
        return true;
    char reason[256];
    metric_inc(&c->api->metrics.denied);
    snprintf(reason, sizeof reason, "user %u may not register: that is for root, for user %u and for group %s",
             (unsigned)c->peer.uid, (unsigned)c->api->access.own_uid,
             c->api->access.has_group ? c->api->access.group_name : "(none)");
    api_refuse(c, id, DISCOVER__V1__ERROR__CODE__DENIED, reason);
    return false;
}

/* What concerns everybody's instances is for operators: a right to register some is not enough. */
bool api_check_operator(struct api_client *c, uint32_t id)
{
    if (api_is_operator(c))
        return true;
    metric_inc(&c->api->metrics.denied);
    api_refuse(c, id, DISCOVER__V1__ERROR__CODE__DENIED, "only root and the daemon's own user may do that");
    return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a client may ask for: by who it is, and by the policy, as it is at that moment. */
#include <stdio.h>

#include "daemon/api/access_policy.h"
#include "daemon/api/api_impl.h"

bool api_is_operator(const struct api_client *c)
{
    return c->peer.uid == 0 || c->peer.uid == c->api->access.own_uid;
}

/* Says no, by a line of the policy, or because there is none for him. */
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
    api_client_send_error(c, id, DISCOVER__V1__ERROR__CODE__DENIED, reason);
}

/* By the policy, as it is now. */
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
            return true; /* which services, the request says */
        deny(c, id, NULL, "register");
        return false;
    }
    if (c->peer.may_register)
        return true;
    char reason[256];
    metric_inc(&c->api->metrics.denied);
    snprintf(reason, sizeof reason, "user %u may not register: that is for root, for user %u and for group %s",
             (unsigned)c->peer.uid, (unsigned)c->api->access.own_uid,
             c->api->access.has_group ? c->api->options.group : "(none)");
    api_client_send_error(c, id, DISCOVER__V1__ERROR__CODE__DENIED, reason);
    return false;
}

/* Of everybody's instances, so it is no right of whoever may register some. */
bool api_check_operator(struct api_client *c, uint32_t id)
{
    if (api_is_operator(c))
        return true;
    metric_inc(&c->api->metrics.denied);
    api_client_send_error(c, id, DISCOVER__V1__ERROR__CODE__DENIED, "only root and the daemon's own user may do that");
    return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of operators: how the daemon is, and what they want it to do. */
#include "libdiscover/call.h"

#include <errno.h>

#define OK       DISCOVER__V1__SERVER_MESSAGE__BODY_OK
#define STATUS   DISCOVER__V1__SERVER_MESSAGE__BODY_STATUS
#define RELOADED DISCOVER__V1__SERVER_MESSAGE__BODY_RELOADED

/* reason: NULL: the override is taken back. */
static int override(struct discover *d, const char *service, const char *instance, enum discover_state state,
                    const char *reason, uint32_t grace_ms, const struct call_completion *to)
{
    bool of_all = service && instance && !*service;
    int err = of_all ? call_begin(d) : call_begin_of(d, service, instance);
    if (err < 0)
        return err;
    Discover__V1__Override body = DISCOVER__V1__OVERRIDE__INIT;
    char traceparent[TRACE_PARENT_CAP];
    body.service = (char *)service;
    body.instance = (char *)instance;
    body.state = (Discover__V1__State)state;
    body.end = !reason;
    body.reason = (char *)(reason ? reason : "");
    body.grace_ms = grace_ms;
    if (d->trace) {
        trace_context_format(d->trace, traceparent);
        body.traceparent = traceparent;
        body.tracestate = d->trace->state;
    }
    return call_ask(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_OVERRIDE, &body.base, OK, to);
}

int discover_override_async(struct discover *d, const char *service, const char *instance, enum discover_state state,
                            int on, discover_answer_fn *fn, void *arg, struct discover_call **ret_call)
{
    return override(d, service, instance, state, on ? "" : NULL, 0, &(struct call_completion){fn, arg, ret_call});
}

int discover_failover_async(struct discover *d, const char *service, const char *region, discover_answer_fn *fn,
                            void *arg, struct discover_call **ret_call)
{
    int err = call_begin_of(d, service, region); /* for names of regions and of instances the rule is the same */
    if (err < 0)
        return err;
    Discover__V1__Failover body = DISCOVER__V1__FAILOVER__INIT;
    body.service = (char *)service;
    body.forced = *region != '\0'; /* "": failover decides */
    body.region = (char *)region;
    return call_ask(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_FAILOVER, &body.base, OK,
                    &(struct call_completion){fn, arg, ret_call});
}

int discover_leave_async(struct discover *d, discover_answer_fn *fn, void *arg, struct discover_call **ret_call)
{
    Discover__V1__Leave body = DISCOVER__V1__LEAVE__INIT;
    const struct call_completion to = {fn, arg, ret_call};
    int err = call_begin(d);
    return err ? err : call_ask(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_LEAVE, &body.base, OK, &to);
}

int discover_reload_async(struct discover *d, discover_answer_fn *fn, void *arg, struct discover_call **ret_call)
{
    Discover__V1__Reload body = DISCOVER__V1__RELOAD__INIT;
    const struct call_completion to = {fn, arg, ret_call};
    int err = call_begin(d);
    return err ? err : call_ask(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_RELOAD, &body.base, RELOADED, &to);
}

int discover_status_async(struct discover *d, discover_answer_fn *fn, void *arg, struct discover_call **ret_call)
{
    Discover__V1__StatusRequest body = DISCOVER__V1__STATUS_REQUEST__INIT;
    const struct call_completion to = {fn, arg, ret_call};
    int err = call_begin(d);
    return err ? err : call_ask(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_STATUS, &body.base, STATUS, &to);
}

/* --- the forms that wait --- */

int discover_override(struct discover *d, const char *service, const char *instance, enum discover_state state, int on)
{
    struct call_outcome o = {.d = d};
    return call_await(&o, discover_override_async(d, service, instance, state, on, call_on_outcome, &o, &o.call));
}

int discover_override_grace(struct discover *d, const char *service, const char *instance, enum discover_state state,
                            const char *reason, uint32_t grace_ms)
{
    struct call_outcome o = {.d = d};
    const struct call_completion to = {call_on_outcome, &o, &o.call};
    return reason ? call_await(&o, override(d, service, instance, state, reason, grace_ms, &to)) : -EINVAL;
}

int discover_override_because(struct discover *d, const char *service, const char *instance, enum discover_state state,
                              const char *reason)
{
    return discover_override_grace(d, service, instance, state, reason, 0);
}

int discover_failover(struct discover *d, const char *service, const char *region)
{
    struct call_outcome o = {.d = d};
    return call_await(&o, discover_failover_async(d, service, region, call_on_outcome, &o, &o.call));
}

int discover_leave(struct discover *d)
{
    struct call_outcome o = {.d = d};
    return call_await(&o, discover_leave_async(d, call_on_outcome, &o, &o.call));
}

int discover_forget(struct discover *d, const char *host)
{
    struct call_outcome o = {.d = d};
    Discover__V1__Forget body = DISCOVER__V1__FORGET__INIT;
    int err = host ? call_begin(d) : -EINVAL;
    if (err < 0)
        return err;
    body.host = (char *)host;
    return call_await(&o, call_ask(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_FORGET, &body.base, OK,
                                   &(struct call_completion){call_on_outcome, &o, &o.call}));
}

int discover_reload(struct discover *d, discover_reload_fn *fn, void *arg)
{
    struct call_outcome o = {.d = d, .reload_fn = fn, .arg = arg};
    return fn ? call_await(&o, discover_reload_async(d, call_on_outcome, &o, &o.call)) : -EINVAL;
}

int discover_status(struct discover *d, discover_status_fn *fn, void *arg)
{
    struct call_outcome o = {.d = d, .status_fn = fn, .arg = arg};
    return fn ? call_await(&o, discover_status_async(d, call_on_outcome, &o, &o.call)) : -EINVAL;
}

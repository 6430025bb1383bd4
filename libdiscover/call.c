/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of programs that ask the daemon something: those that call back later, and on top of them those that wait. */
#include "libdiscover/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/handle.h"
#include "libdiscover/session/answer.h"
#include "libdiscover/session/link.h"
#include "libdiscover/session/pending.h"

#define OK         DISCOVER__V1__SERVER_MESSAGE__BODY_OK
#define REGISTERED DISCOVER__V1__SERVER_MESSAGE__BODY_REGISTERED
#define CHECKS     DISCOVER__V1__SERVER_MESSAGE__BODY_CHECKS
#define DOCUMENT   DISCOVER__V1__SERVER_MESSAGE__BODY_DOCUMENT

/* --- the forms that call back later --- */

int call_begin(struct discover *d)
{
    if (!d)
        return -EINVAL;
    d->last_error[0] = '\0';
    int err = context_check(d);
    if (!err)
        handle_mend(d);
    else if (err == -ECHILD)
        (void)context_error(d, err, "the handle is another process's, which forked this one");
    else
        (void)context_error(d, err, "the handle is not started");
    return err;
}

int call_begin_of(struct discover *d, const char *service, const char *instance)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    int err = service && instance ? call_begin(d) : -EINVAL;
    if (err < 0)
        return err;
    bool valid = service_parse(service, domain, name) == 0 && (!*instance || label_valid(instance, strlen(instance)));
    return valid ? 0 : DISCOVER_E_NAME;
}

static void set_completion(struct discover_call *call, const struct call_completion *to)
{
    call->fn = to->fn;
    call->arg = to->arg;
    if (to->ret_call)
        *to->ret_call = call;
}

int call_ask(struct discover *d, Discover__V1__ClientMessage__BodyCase kind, ProtobufCMessage *body,
             Discover__V1__ServerMessage__BodyCase expected, const struct call_completion *to)
{
    struct discover_call *call;
    Discover__V1__ClientMessage msg = client_message(kind, body);
    int err = pending_new(d, &msg, expected, &call);
    if (err < 0)
        return err;
    set_completion(call, to);
    link_start(call);
    return 0;
}

/* Keeps a copy of r, and begins the call that registers it. */
static int hold(struct discover *d, const struct discover_registration *r, struct discover_call **ret_call)
{
    struct held *held;
    int err = pending_new(d, NULL, REGISTERED, ret_call);
    if (err < 0)
        return err;
    (*ret_call)->serial = r->serial;
    err = held_add(&d->held, r, d->trace, &held);
    if (err < 0)
        free(*ret_call);
    return err;
}

int discover_register_async(struct discover *d, struct discover_registration *r, discover_answer_fn *fn, void *arg,
                            struct discover_call **ret_call)
{
    struct discover_call *call;
    int err = r ? call_begin(d) : -EINVAL;
    if (err < 0)
        return err;
    const struct held *before = held_by_serial(d->held, r->serial);
    if (before && !*r->instance)
        strcpy(r->instance, before->registration.instance);
    err = hold(d, r, &call);
    if (err < 0)
        return err;
    set_completion(call, &(struct call_completion){fn, arg, ret_call});
    link_start(call);
    return 0;
}

/* Drains by the handle's newest copy of the registration: the caller's description of it may be gone. */
static int drain_part(struct discover *d, uint64_t serial, struct discover_call *whole)
{
    struct discover_call *part;
    struct discover_registration copy = held_newest(d->held, serial)->registration;
    copy.record.state = DISCOVER_DRAINING;
    int err = hold(d, &copy, &part);
    if (err < 0)
        return err;
    pending_add_part(whole, part);
    link_start(part);
    return 0;
}

/* Collects the serials of all registrations before any is sent, since sending moves the copies about. */
static size_t take_serials(const struct discover *d, uint64_t **ret_serials)
{
    size_t n = 0;
    for (const struct held *held = d->held; held; held = held->next)
        n++;
    *ret_serials = calloc(n + 1, sizeof **ret_serials);
    n = 0;
    for (const struct held *held = d->held; held && *ret_serials; held = held->next)
        if (held == held_newest(d->held, held->registration.serial))
            (*ret_serials)[n++] = held->registration.serial;
    return n;
}

static int drain_all(struct discover *d, const struct call_completion *to)
{
    uint64_t *serials;
    struct discover_call *whole;
    size_t n = take_serials(d, &serials);
    int err = serials ? pending_new(d, NULL, REGISTERED, &whole) : -ENOMEM;
    if (err < 0) {
        free(serials);
        return err;
    }
    set_completion(whole, to);
    whole->n_parts = 1; /* keeps it from ending before all have begun */
    for (size_t i = 0; i < n && !err; i++)
        err = drain_part(d, serials[i], whole);
    pending_end_part(whole, err, "");
    free(serials);
    return 0;
}

int discover_drain_async(struct discover *d, struct discover_registration *r, discover_answer_fn *fn, void *arg,
                         struct discover_call **ret_call)
{
    int err = call_begin(d);
    if (err < 0)
        return err;
    if (!r)
        return drain_all(d, &(struct call_completion){fn, arg, ret_call});
    if (!held_by_serial(d->held, r->serial))
        return DISCOVER_E_UNKNOWN;
    r->record.state = DISCOVER_DRAINING;
    return discover_register_async(d, r, fn, arg, ret_call);
}

/* Forgets all copies of a registration. */
static bool drop_named(struct discover *d, const char *service, const char *instance)
{
    struct held *held;
    bool any = false;
    while ((held = held_by_name(d->held, service, instance))) {
        held_drop(&d->held, held);
        any = true;
    }
    return any;
}

/*
 * Ends a deregistration of what the daemon has given no name yet: it knows nothing of it, or answers later, and then
 * it is taken back (link.c).
 */
static int forget_unnamed(struct discover *d, bool dropped, const struct call_completion *to)
{
    struct discover_call *call;
    if (!dropped)
        return DISCOVER_E_UNKNOWN;
    int err = pending_new(d, NULL, OK, &call);
    if (err < 0)
        return err;
    set_completion(call, to);
    pending_end(call, 0, "");
    link_arm(d);
    return 0;
}

int discover_deregister_async(struct discover *d, const char *service, const char *instance, discover_answer_fn *fn,
                              void *arg, struct discover_call **ret_call)
{
    const struct call_completion to = {fn, arg, ret_call};
    int err = call_begin_of(d, service, instance);
    if (err < 0)
        return err;
    bool dropped = drop_named(d, service, instance);
    if (*instance == '\0')
        return forget_unnamed(d, dropped, &to);
    Discover__V1__Deregister body = DISCOVER__V1__DEREGISTER__INIT;
    body.service = (char *)service;
    body.instance = (char *)instance;
    body.own = dropped;
    return call_ask(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_DEREGISTER, &body.base, OK, &to);
}

int discover_heartbeat_async(struct discover *d, const char *service, const char *instance, discover_answer_fn *fn,
                             void *arg, struct discover_call **ret_call)
{
    int err = call_begin_of(d, service, instance);
    if (err < 0)
        return err;
    Discover__V1__Heartbeat body = DISCOVER__V1__HEARTBEAT__INIT;
    body.service = (char *)service;
    body.instance = (char *)instance;
    return call_ask(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_HEARTBEAT, &body.base, OK,
                    &(struct call_completion){fn, arg, ret_call});
}

int discover_report_check_async(struct discover *d, const char *service, const char *instance, const char *check,
                                enum discover_state state, const char *note, discover_answer_fn *fn, void *arg,
                                struct discover_call **ret_call)
{
    int err = check && note ? call_begin_of(d, service, instance) : -EINVAL;
    if (err < 0)
        return err;
    if (!*instance || state < DISCOVER_PASSING || state > DISCOVER_CRITICAL)
        return -EINVAL;
    Discover__V1__ReportCheck body = DISCOVER__V1__REPORT_CHECK__INIT;
    body.service = (char *)service;
    body.instance = (char *)instance;
    body.check = (char *)check;
    body.state = (Discover__V1__State)state;
    body.note = (char *)note;
    return call_ask(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_REPORT_CHECK, &body.base, OK,
                    &(struct call_completion){fn, arg, ret_call});
}

int discover_checks_async(struct discover *d, const char *service, const char *instance, discover_answer_fn *fn,
                          void *arg, struct discover_call **ret_call)
{
    bool of_all = service && instance && !*service && !*instance;
    int err = of_all ? call_begin(d) : call_begin_of(d, service, instance);
    if (err < 0)
        return err;
    Discover__V1__ChecksRequest body = DISCOVER__V1__CHECKS_REQUEST__INIT;
    body.service = (char *)service;
    body.instance = (char *)instance;
    return call_ask(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_CHECKS, &body.base, CHECKS,
                    &(struct call_completion){fn, arg, ret_call});
}

/* --- the forms that wait --- */

void call_on_outcome(void *arg, const struct discover_answer *answer)
{
    struct call_outcome *o = arg;
    o->result = answer->result;
    if (answer->result < 0)
        (void)context_error(o->d, answer->result, answer->error);
    if (o->registration && *answer->instance)
        (void)label_copy(o->registration->instance, answer->instance, strlen(answer->instance));
    if (o->status_fn && answer->status)
        o->status_fn(o->arg, answer->status);
    if (o->checks_fn && answer->checks)
        o->checks_fn(o->arg, answer->checks);
    if (o->reload_fn && answer->reload)
        o->reload_fn(o->arg, answer->reload);
}

/* err: what beginning the call returned. */
int call_await(struct call_outcome *o, int err)
{
    if (err < 0)
        return err;
    while (!o->call->ended)
        handle_wait(o->d, pending_deadline(o->call));
    pending_deliver(o->call);
    return o->result;
}

int discover_register(struct discover *d, struct discover_registration *r)
{
    struct call_outcome o = {.d = d, .registration = r};
    return call_await(&o, discover_register_async(d, r, call_on_outcome, &o, &o.call));
}

int discover_drain(struct discover *d, struct discover_registration *r)
{
    struct call_outcome o = {.d = d, .registration = r};
    return call_await(&o, discover_drain_async(d, r, call_on_outcome, &o, &o.call));
}

int discover_deregister(struct discover *d, const char *service, const char *instance)
{
    struct call_outcome o = {.d = d};
    return call_await(&o, discover_deregister_async(d, service, instance, call_on_outcome, &o, &o.call));
}

int discover_heartbeat(struct discover *d, const char *service, const char *instance)
{
    struct call_outcome o = {.d = d};
    return call_await(&o, discover_heartbeat_async(d, service, instance, call_on_outcome, &o, &o.call));
}

int discover_report_check(struct discover *d, const char *service, const char *instance, const char *check,
                          enum discover_state state, const char *note)
{
    struct call_outcome o = {.d = d};
    return call_await(
        &o, discover_report_check_async(d, service, instance, check, state, note, call_on_outcome, &o, &o.call));
}

int discover_checks(struct discover *d, const char *service, const char *instance, discover_checks_fn *fn, void *arg)
{
    struct call_outcome o = {.d = d, .checks_fn = fn, .arg = arg};
    return !fn ? -EINVAL : call_await(&o, discover_checks_async(d, service, instance, call_on_outcome, &o, &o.call));
}

#define DOCUMENT_MAX (16 << 20)

/* A document on its way, part by part. */
struct document {
    struct call_outcome outcome;
    char *text;
    size_t n;
    bool more;
};

static int add_part(struct document *to, const Discover__V1__Document *from)
{
    const ProtobufCBinaryData *part = &from->part;
    if (part->len > DOCUMENT_MAX - to->n)
        return context_error(to->outcome.d, DISCOVER_E_LIMIT, "the document is longer than 16 MiB");
    char *text = realloc(to->text, to->n + part->len + 1);
    if (!text)
        return -ENOMEM;
    if (part->len)
        memcpy(text + to->n, part->data, part->len);
    to->text = text;
    to->n += part->len;
    to->text[to->n] = '\0';
    to->more = from->more;
    return 0;
}

static void on_part(void *arg, const struct discover_answer *answer)
{
    struct document *document = arg;
    const struct answer_with_part *with_part = (const struct answer_with_part *)answer;
    call_on_outcome(&document->outcome, answer);
    if (answer->result >= 0)
        document->outcome.result = add_part(document, with_part->part);
}

static int next_part(struct document *document, const char *name, bool next)
{
    struct call_outcome *o = &document->outcome;
    Discover__V1__DocumentRequest body = DISCOVER__V1__DOCUMENT_REQUEST__INIT;
    body.name = (char *)name;
    body.next = next;
    return call_await(o, call_ask(o->d, DISCOVER__V1__CLIENT_MESSAGE__BODY_DOCUMENT, &body.base, DOCUMENT,
                                  &(struct call_completion){on_part, document, &o->call}));
}

int discover_document(struct discover *d, const char *name, discover_document_fn *fn, void *arg)
{
    struct document document = {.outcome = {.d = d}, .more = true};
    int err = name && fn ? call_begin(d) : -EINVAL;
    for (bool next = false; !err && document.more; next = true)
        err = next_part(&document, name, next);
    if (!err)
        fn(arg, document.text, document.n);
    free(document.text);
    return err;
}

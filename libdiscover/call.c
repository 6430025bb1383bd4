/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that ask the daemon something and wait for its answer (discover.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/status_message.h"
#include "libdiscover/handle.h"
#include "libdiscover/session/link.h"

typedef Discover__V1__ClientMessage client_message;
typedef Discover__V1__ServerMessage server_message;

static int begin(struct discover *d)
{
    d->last_error[0] = '\0';
    return context_check(d);
}

/* Waits until an answer to the message d->call is there, or never will be. */
static int await_answer(struct discover *d, int64_t deadline_ns)
{
    int err = 0;
    while (!d->answer && !err)
        err = d->link == LINK_UP ? handle_wait(d, deadline_ns) : DISCOVER_E_UNSYNCED;
    return err;
}

/* Sends a message and waits for its answer, which the caller frees. Errors of the daemon become results. */
static int ask(struct discover *d, client_message *msg, server_message **ret_answer)
{
    int64_t deadline_ns = context_deadline(d);
    int err = handle_connect(d, deadline_ns);
    if (!err)
        err = link_send(d, msg, &d->call);
    if (!err)
        err = await_answer(d, deadline_ns);
    server_message *answer = d->answer;
    d->call = 0;
    d->answer = NULL;
    if (answer && answer->body_case == DISCOVER__V1__SERVER_MESSAGE__BODY_ERROR) {
        err = link_daemon_error(d, answer->error);
        discover__v1__server_message__free_unpacked(answer, NULL);
        return err;
    }
    if (answer)
        *ret_answer = answer;
    return answer ? 0 : err;
}

/* For messages whose answer is Ok. */
static int ask_for_ok(struct discover *d, client_message *msg)
{
    server_message *answer = NULL;
    int err = ask(d, msg, &answer);
    if (err < 0)
        return err;
    if (answer->body_case != DISCOVER__V1__SERVER_MESSAGE__BODY_OK)
        err = context_error(d, DISCOVER_E_PROTOCOL, "the answer is of another kind");
    discover__v1__server_message__free_unpacked(answer, NULL);
    return err;
}

static int check_names(const char *service, const char *instance)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    if (!service || !instance || service_parse(service, domain, name) < 0)
        return DISCOVER_E_NAME;
    return *instance == '\0' || label_valid(instance, strlen(instance)) ? 0 : DISCOVER_E_NAME;
}

/* Sends it unless that was part of connecting, and waits until it is answered. */
static int register_held(struct discover *d, struct held *held)
{
    int64_t deadline_ns = context_deadline(d);
    d->awaited = held;
    int err = handle_connect(d, deadline_ns);
    bool sent = held->request || held->confirmed || held->refused;
    if (!err && !sent)
        err = link_send_held(d, held);
    while (!err && held->request)
        err = handle_wait(d, deadline_ns);
    d->awaited = NULL;
    if (held->confirmed && !held->request)
        return 0; /* also if it came at the last moment */
    if (held->refused && !held->request)
        return held->refused;
    return err ? err : DISCOVER_E_UNSYNCED;
}

int discover_register(struct discover *d, struct discover_registration *r)
{
    int err = begin(d);
    if (err < 0)
        return err;
    const struct held *before = held_by_serial(d->held, r->serial);
    if (before && !*r->instance)
        strcpy(r->instance, before->registration.instance);
    struct held *held;
    err = held_add(&d->held, r, &held);
    if (err < 0)
        return err;
    err = register_held(d, held);
    if (!err)
        strcpy(r->instance, held->registration.instance);
    else if (err != DISCOVER_E_UNSYNCED && err != -ETIMEDOUT)
        held_drop(&d->held, held);
    return err;
}

/* By the handle's newest copy: the caller's description may be gone. */
static int drain_serial(struct discover *d, uint64_t serial)
{
    const struct held *held = held_by_serial(d->held, serial), *newer;
    if (!held)
        return DISCOVER_E_UNKNOWN;
    while ((newer = held_by_serial(held->next, serial)))
        held = newer;
    struct discover_registration copy = held->registration;
    copy.record.state = DISCOVER_DRAINING;
    return discover_register(d, &copy);
}

static size_t count_held(const struct held *held)
{
    size_t n = 0;
    for (; held; held = held->next)
        n++;
    return n;
}

/* Registering moves copies about: so the serials come first. */
static int drain_all(struct discover *d)
{
    size_t n = 0;
    uint64_t *serials = calloc(count_held(d->held) + 1, sizeof *serials);
    if (!serials)
        return -ENOMEM;
    for (const struct held *held = d->held; held; held = held->next)
        serials[n++] = held->registration.serial;
    int result = 0;
    for (size_t i = 0; i < n; i++) {
        int err = drain_serial(d, serials[i]);
        result = result < 0 ? result : err;
    }
    free(serials);
    return result;
}

int discover_drain(struct discover *d, struct discover_registration *r)
{
    int err = begin(d);
    if (err < 0)
        return err;
    if (!r)
        return drain_all(d);
    if (!held_by_serial(d->held, r->serial))
        return DISCOVER_E_UNKNOWN;
    r->record.state = DISCOVER_DRAINING;
    return discover_register(d, r);
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

int discover_deregister(struct discover *d, const char *service, const char *instance)
{
    int err = begin(d);
    if (!err)
        err = check_names(service, instance);
    if (err < 0)
        return err;
    bool dropped = drop_named(d, service, instance);
    if (*instance == '\0') /* the daemon has given it no name: it does not know of it, or it will be taken back */
        return dropped ? 0 : DISCOVER_E_UNKNOWN;
    Discover__V1__Deregister body = DISCOVER__V1__DEREGISTER__INIT;
    body.service = (char *)service;
    body.instance = (char *)instance;
    body.own = dropped;
    client_message msg = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    msg.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_DEREGISTER;
    msg.deregister = &body;
    return ask_for_ok(d, &msg);
}

int discover_heartbeat(struct discover *d, const char *service, const char *instance)
{
    int err = begin(d);
    if (!err)
        err = check_names(service, instance);
    if (err < 0)
        return err;
    Discover__V1__Heartbeat body = DISCOVER__V1__HEARTBEAT__INIT;
    body.service = (char *)service;
    body.instance = (char *)instance;
    client_message msg = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    msg.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_HEARTBEAT;
    msg.heartbeat = &body;
    return ask_for_ok(d, &msg);
}

int discover_override(struct discover *d, const char *service, const char *instance, enum discover_state state, int on)
{
    int err = begin(d);
    if (!err && (!service || !instance || *service))
        err = check_names(service, instance);
    if (err < 0)
        return err;
    Discover__V1__Override body = DISCOVER__V1__OVERRIDE__INIT;
    body.service = (char *)service;
    body.instance = (char *)instance;
    body.state = (Discover__V1__State)state;
    body.end = !on;
    client_message msg = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    msg.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_OVERRIDE;
    msg.override = &body;
    return ask_for_ok(d, &msg);
}

int discover_leave(struct discover *d)
{
    int err = begin(d);
    if (err < 0)
        return err;
    Discover__V1__Leave body = DISCOVER__V1__LEAVE__INIT;
    client_message msg = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    msg.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_LEAVE;
    msg.leave = &body;
    return ask_for_ok(d, &msg);
}

static int take_reloaded(struct discover *d, const server_message *answer, discover_reload_fn *fn, void *arg)
{
    if (answer->body_case != DISCOVER__V1__SERVER_MESSAGE__BODY_RELOADED)
        return context_error(d, DISCOVER_E_PROTOCOL, "the answer is of another kind");
    const Discover__V1__Reloaded *r = answer->reloaded;
    const struct discover_reload_result result = {
        .taken = (const char *const *)r->taken,
        .n_taken = r->n_taken,
        .needs_restart = (const char *const *)r->needs_restart,
        .n_needs_restart = r->n_needs_restart,
        .refused = (const char *const *)r->refused,
        .n_refused = r->n_refused,
    };
    fn(arg, &result);
    return 0;
}

int discover_reload(struct discover *d, discover_reload_fn *fn, void *arg)
{
    int err = begin(d);
    if (err < 0)
        return err;
    Discover__V1__Reload body = DISCOVER__V1__RELOAD__INIT;
    client_message msg = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    msg.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_RELOAD;
    msg.reload = &body;
    server_message *answer;
    err = ask(d, &msg, &answer);
    if (err < 0)
        return err;
    err = take_reloaded(d, answer, fn, arg);
    discover__v1__server_message__free_unpacked(answer, NULL);
    return err;
}

static int take_status(struct discover *d, const server_message *answer, discover_status_fn *fn, void *arg)
{
    if (answer->body_case != DISCOVER__V1__SERVER_MESSAGE__BODY_STATUS)
        return context_error(d, DISCOVER_E_PROTOCOL, "the answer is of another kind");
    return status_message_tell(answer->status, fn, arg);
}

int discover_status(struct discover *d, discover_status_fn *fn, void *arg)
{
    int err = begin(d);
    if (err < 0)
        return err;
    Discover__V1__StatusRequest body = DISCOVER__V1__STATUS_REQUEST__INIT;
    client_message msg = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    msg.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_STATUS;
    msg.status = &body;
    server_message *answer;
    err = ask(d, &msg, &answer);
    if (err < 0)
        return err;
    err = take_status(d, answer, fn, arg);
    discover__v1__server_message__free_unpacked(answer, NULL);
    return err;
}

#define DOCUMENT_MAX (16 << 20)

/* A document on its way. */
struct document {
    char *text;
    size_t n;
};

static int take_part(struct discover *d, const server_message *answer, struct document *to, bool *ret_more)
{
    if (answer->body_case != DISCOVER__V1__SERVER_MESSAGE__BODY_DOCUMENT)
        return context_error(d, DISCOVER_E_PROTOCOL, "the answer is of another kind");
    const ProtobufCBinaryData *part = &answer->document->part;
    if (part->len > DOCUMENT_MAX - to->n)
        return context_error(d, DISCOVER_E_LIMIT, "the document is longer than 16 MiB");
    char *text = realloc(to->text, to->n + part->len + 1);
    if (!text)
        return -ENOMEM;
    if (part->len)
        memcpy(text + to->n, part->data, part->len);
    to->text = text;
    to->n += part->len;
    to->text[to->n] = '\0';
    *ret_more = answer->document->more;
    return 0;
}

static int next_part(struct discover *d, const char *name, bool next, struct document *to, bool *ret_more)
{
    Discover__V1__DocumentRequest body = DISCOVER__V1__DOCUMENT_REQUEST__INIT;
    client_message msg = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    server_message *answer;
    body.name = (char *)name;
    body.next = next;
    msg.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_DOCUMENT;
    msg.document = &body;
    int err = ask(d, &msg, &answer);
    if (err < 0)
        return err;
    err = take_part(d, answer, to, ret_more);
    discover__v1__server_message__free_unpacked(answer, NULL);
    return err;
}

int discover_document(struct discover *d, const char *name, discover_document_fn *fn, void *arg)
{
    struct document document = {0};
    bool more = true;
    int err = begin(d);
    for (bool next = false; !err && more; next = true)
        err = next_part(d, name, next, &document, &more);
    if (!err)
        fn(arg, document.text, document.n);
    free(document.text);
    return err;
}

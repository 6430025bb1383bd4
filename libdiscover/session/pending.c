/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that wait for the daemon; the numbers are those of the plan in pending.h. */
#include "libdiscover/session/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "libdiscover/session/answer.h"
#include "libdiscover/session/link.h"

/* What a call waits at least when the daemon was silent before: enough for one that has just been continued. */
#define WAIT_LEAST_NS (10 * NS_PER_MS)

int pending_new(struct discover *d, Discover__V1__ClientMessage *msg, Discover__V1__ServerMessage__BodyCase expected,
                struct discover_call **ret_call)
{
    if (msg)
        msg->id = link_next_id(d);
    size_t n = msg ? discover__v1__client_message__get_packed_size(msg) : 0;
    struct discover_call *call = calloc(1, sizeof *call + FRAME_HEADER + n);
    if (!call)
        return -ENOMEM;
    call->d = d;
    call->begun_ns = clock_now_ns();
    call->timeout_ns = d->timeout_ms * NS_PER_MS;
    call->expected = expected;
    if (msg) {
        call->once = msg->body_case == DISCOVER__V1__CLIENT_MESSAGE__BODY_LEAVE;
        call->request = msg->id;
        call->n = FRAME_HEADER + n;
        frame_header(call->frame, n);
        discover__v1__client_message__pack(msg, call->frame + FRAME_HEADER);
    }
    *ret_call = call;
    return 0;
}

static void call_free(struct discover_call *call)
{
    if (call->body)
        protobuf_c_message_free_unpacked(call->body, NULL);
    free(call->text);
    free(call);
}

/* --- 2. ending --- */

/* Without memory for the reason there is still the result. */
static void set_result(struct discover_call *call, int result, const char *text)
{
    call->result = result;
    call->text = *text ? strdup(text) : NULL;
}

static void note_ended(struct discover_call *call)
{
    call->ended = true;
    call->round = call->d->pending.round;
    DL_APPEND(call->d->pending.ended, call);
}

/* 4. */
void pending_end_part(struct discover_call *whole, int result, const char *text)
{
    if (result < 0 && whole->result == 0)
        set_result(whole, result, text);
    if (--whole->n_parts == 0)
        note_ended(whole);
}

void pending_add_part(struct discover_call *whole, struct discover_call *part)
{
    part->whole = whole;
    part->begun_ns = whole->begun_ns;
    whole->n_parts++;
}

void pending_end(struct discover_call *call, int result, const char *text)
{
    struct pending *p = &call->d->pending;
    if (call->prev)
        DL_DELETE(p->waiting, call);
    if (!p->waiting)
        p->due_ns = 0;
    if (call->whole) {
        pending_end_part(call->whole, result, text);
        call_free(call);
        return;
    }
    set_result(call, result, text);
    note_ended(call);
}

static void end_with(struct discover_call *call, Discover__V1__ServerMessage *msg)
{
    bool named = msg->body_case == DISCOVER__V1__SERVER_MESSAGE__BODY_REGISTERED;
    if (msg->body_case == DISCOVER__V1__SERVER_MESSAGE__BODY_ERROR)
        return pending_end(call, link_result_of(msg->error->code), msg->error->reason);
    if (msg->body_case != call->expected)
        return pending_end(call, DISCOVER_E_PROTOCOL, "the answer is of another kind");
    if (!named && msg->body_case != DISCOVER__V1__SERVER_MESSAGE__BODY_OK) {
        call->body = &msg->status->base; /* or another: they share their place */
        msg->body_case = DISCOVER__V1__SERVER_MESSAGE__BODY__NOT_SET;
    }
    pending_end(call, 0, named ? msg->registered->instance : "");
}

bool pending_asked(const struct discover *d, uint32_t id)
{
    for (const struct discover_call *call = d->pending.waiting; call; call = call->next)
        if (call->sent && call->request == id)
            return true;
    return false;
}

/* A registration that was changed before it was sent has two calls for one message. */
void pending_answered(struct discover *d, Discover__V1__ServerMessage *msg)
{
    for (struct discover_call *call = d->pending.waiting, *next; call; call = next) {
        next = call->next;
        if (call->sent && call->request == msg->id)
            end_with(call, msg);
    }
}

bool pending_lost(struct discover *d, const char *reason)
{
    bool any = d->pending.waiting != NULL;
    d->pending.silent_ns = 0;
    while (d->pending.waiting)
        pending_end(d->pending.waiting, DISCOVER_E_UNSYNCED, reason);
    return any;
}

bool pending_interrupted(struct discover *d)
{
    bool first = false;
    d->pending.silent_ns = 0;
    for (struct discover_call *call = d->pending.waiting, *next; call; call = next) {
        next = call->next;
        if (call->once && call->sent) {
            pending_end(call, DISCOVER_E_UNSYNCED, d->last_error);
            continue;
        }
        first |= !call->interrupted;
        call->interrupted = true;
        call->sent = false;
    }
    return first;
}

/* 5. */
int64_t pending_deadline(const struct discover_call *call)
{
    int64_t silent_ns = call->d->pending.silent_ns, timeout_ns = call->timeout_ns;
    if (!silent_ns || silent_ns >= call->begun_ns)
        return call->begun_ns + timeout_ns;
    int64_t least_ns = call->begun_ns + (timeout_ns < WAIT_LEAST_NS ? timeout_ns : WAIT_LEAST_NS);
    return silent_ns + timeout_ns > least_ns ? silent_ns + timeout_ns : least_ns;
}

static void note_deadline(struct discover_call *call)
{
    int64_t deadline_ns = pending_deadline(call);
    struct pending *p = &call->d->pending;
    if (!p->due_ns || deadline_ns < p->due_ns)
        p->due_ns = deadline_ns;
}

void pending_expire(struct discover *d, int64_t now_ns)
{
    if (!d->pending.due_ns || now_ns < d->pending.due_ns)
        return;
    d->pending.due_ns = 0;
    for (struct discover_call *call = d->pending.waiting, *next; call; call = next) {
        next = call->next;
        if (now_ns >= pending_deadline(call))
            pending_end(call, -ETIMEDOUT, "the daemon has not answered in time");
        else
            note_deadline(call);
    }
}

void pending_add(struct discover_call *call)
{
    DL_APPEND(call->d->pending.waiting, call);
    note_deadline(call);
}

/* --- 3. delivery --- */

void pending_deliver(struct discover_call *call)
{
    DL_DELETE(call->d->pending.ended, call);
    call->reported = true;
    if (call->fn)
        answer_deliver(call->result, call->text ? call->text : "", call->body, call->fn, call->arg);
    call_free(call);
}

/* What ends meanwhile is delivered by another dispatch: a program that calls again and again does other things, too. */
void pending_deliver_ended(struct discover *d)
{
    uint64_t round = ++d->pending.round;
    while (d->pending.ended && d->pending.ended->round < round)
        pending_deliver(d->pending.ended);
}

void pending_cancel_all(struct discover *d)
{
    while (d->pending.waiting)
        pending_end(d->pending.waiting, -ECANCELED, "");
    while (d->pending.ended)
        pending_deliver(d->pending.ended);
}

/* Its parts go on without it: what is on its way may be done. */
static void abandon_parts(struct discover_call *whole)
{
    for (struct discover_call *part = whole->d->pending.waiting; part; part = part->next)
        if (part->whole == whole)
            part->whole = NULL;
}

void discover_cancel(struct discover_call *call)
{
    if (!call || call->reported)
        return;
    if (!call->ended) {
        abandon_parts(call);
        call->n_parts = 0;
        pending_end(call, -ECANCELED, "");
    }
    pending_deliver(call);
}

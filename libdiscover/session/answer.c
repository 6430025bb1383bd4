/* SPDX-License-Identifier: Apache-2.0 */
/* Converts the daemon's answers into the structures that callbacks get. */
#include "libdiscover/session/answer.h"

#include <errno.h>
#include <stdlib.h>

#include "libdiscover/core/status_message.h"

/* On the way of a status. */
struct delivery {
    struct discover_answer *answer;
    discover_answer_fn *fn;
    void *arg;
};

static void on_status(void *arg, const struct discover_status *status)
{
    const struct delivery *to = arg;
    to->answer->status = status;
    to->fn(to->arg, to->answer);
}

static void deliver_status(const Discover__V1__Status *s, const struct delivery *to)
{
    to->answer->result = status_message_deliver(s, on_status, (void *)to);
    if (to->answer->result < 0)
        to->fn(to->arg, to->answer);
}

static void deliver_reload(const Discover__V1__Reloaded *r, const struct delivery *to)
{
    const struct discover_reload_result reload = {
        .taken = (const char *const *)r->taken,
        .n_taken = r->n_taken,
        .needs_restart = (const char *const *)r->needs_restart,
        .n_needs_restart = r->n_needs_restart,
        .refused = (const char *const *)r->refused,
        .n_refused = r->n_refused,
    };
    to->answer->reload = &reload;
    to->fn(to->arg, to->answer);
}

static struct discover_check check_of(const Discover__V1__CheckInfo *c)
{
    return (struct discover_check){
        .service = c->service,
        .instance = c->instance,
        .name = c->name,
        .kind = c->kind,
        .target = c->target,
        .state = (enum discover_state)c->state,
        .known = c->known,
        .flapping = c->flapping,
        .since_ms = c->since_ms,
        .ran_ms = c->ran_ms,
        .took_us = c->took_us,
        .failures = c->failures,
        .runs = c->runs,
        .output = c->output,
    };
}

static void deliver_checks(const Discover__V1__Checks *c, const struct delivery *to)
{
    struct discover_check *all = calloc(c->n_checks + 1, sizeof *all);
    const struct discover_checks checks = {all, all ? c->n_checks : 0, c->left_out};
    for (size_t i = 0; i < checks.n; i++)
        all[i] = check_of(c->checks[i]);
    to->answer->result = all ? 0 : -ENOMEM;
    to->answer->checks = all ? &checks : NULL;
    to->fn(to->arg, to->answer);
    free(all);
}

void answer_deliver(int result, const char *text, const ProtobufCMessage *body, discover_answer_fn *fn, void *arg)
{
    struct answer_with_part with_part = {.answer = {
                                             .result = result,
                                             .error = result < 0 ? text : "",
                                             .instance = result < 0 ? "" : text,
                                         }};
    const struct delivery to = {&with_part.answer, fn, arg};
    if (body && body->descriptor == &discover__v1__document__descriptor) {
        with_part.part = (const Discover__V1__Document *)body;
        body = NULL;
    }
    if (body && body->descriptor == &discover__v1__status__descriptor)
        deliver_status((const Discover__V1__Status *)body, &to);
    else if (body && body->descriptor == &discover__v1__checks__descriptor)
        deliver_checks((const Discover__V1__Checks *)body, &to);
    else if (body)
        deliver_reload((const Discover__V1__Reloaded *)body, &to);
    else
        fn(arg, to.answer);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Hands requests that may be answered to the main thread. */
#include "daemon/bus/bus_requests.h"

#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"

static struct request_mail *copy(natsMsg *msg, size_t n)
{
    const char *subject = natsMsg_GetSubject(msg), *reply = natsMsg_GetReply(msg);
    size_t subject_n = strlen(subject) + 1, reply_n = strlen(reply) + 1;
    struct request_mail *mail = malloc(sizeof *mail + subject_n + reply_n + n + 1);
    if (!mail)
        return NULL;
    char *p = mail->text;
    *mail = (struct request_mail){.head = {.kind = BUS_MAIL_REQUEST}, .request = {.n = n}};
    mail->request.subject = memcpy(p, subject, subject_n);
    mail->request.reply = memcpy(p + subject_n, reply, reply_n);
    mail->request.text = p + subject_n + reply_n;
    memcpy(p + subject_n + reply_n, n ? natsMsg_GetData(msg) : "", n);
    p[subject_n + reply_n + n] = '\0';
    return mail;
}

/* The counter of the reason why a request is not answered; NULL: it is. */
static metric_value *refusal(struct bus_requests *r, natsMsg *msg)
{
    if (!wire_inbox_valid(natsMsg_GetReply(msg), r->shared->options.host))
        return &r->shared->counters.requests_no_inbox;
    if (natsMsg_GetDataLength(msg) > BUS_REQUEST_MAX)
        return &r->shared->counters.requests_too_large;
    return atomic_load(&r->waiting) >= r->max ? &r->shared->counters.requests_full : NULL;
}

static void take(struct bus_requests *r, natsMsg *msg)
{
    metric_value *counter = refusal(r, msg);
    struct request_mail *mail = counter ? NULL : copy(msg, (size_t)natsMsg_GetDataLength(msg));
    if (mail) {
        atomic_fetch_add(&r->waiting, 1);
        if (mailbox_post(r->shared->box, &mail->head.mail) == 0)
            return;
        atomic_fetch_sub(&r->waiting, 1);
        free(mail);
    }
    metric_inc(counter ? counter : &r->shared->counters.requests_full);
}

void bus_requests_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    (void)nc;
    (void)sub;
    take(closure, msg);
    natsMsg_Destroy(msg);
}

void bus_requests_taken(struct bus_requests *r)
{
    atomic_fetch_sub(&r->waiting, 1);
}

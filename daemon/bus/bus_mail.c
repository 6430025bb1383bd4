/* SPDX-License-Identifier: Apache-2.0 */
/* Mails to the main thread. */
#include "daemon/bus/bus_mail.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* How much of one of a message's texts is kept, with its NUL. */
static size_t text_need(const char *text)
{
    return text ? strnlen(text, KV_TRACE_MAX) + 1 : 0;
}

/* The bytes that a message takes with what it points to, so that another one may stand behind it. */
static size_t message_need(const struct kv_message *m)
{
    size_t n = sizeof *m + m->key_len + m->n + text_need(m->traceparent) + text_need(m->tracestate);
    return (n + _Alignof(struct kv_message) - 1) / _Alignof(struct kv_message) * _Alignof(struct kv_message);
}

/* Copies n bytes to *at, which moves behind the copy; returns the copy. */
static void *copy(uint8_t **at, const void *bytes, size_t n)
{
    void *to = *at;
    if (n > 0)
        memcpy(to, bytes, n);
    *at += n;
    return to;
}

static const char *text_copy(uint8_t **at, const char *text)
{
    if (!text)
        return NULL;
    char *to = copy(at, text, text_need(text));
    (*at)[-1] = '\0'; /* it may have been cut */
    return to;
}

/* Copies a message to where message_need(m) bytes are free. */
static void message_copy(struct kv_message *to, const struct kv_message *m)
{
    uint8_t *at = (uint8_t *)(to + 1);
    *to = *m;
    to->key = copy(&at, m->key, m->key_len);
    to->value = copy(&at, m->value, m->n);
    to->traceparent = text_copy(&at, m->traceparent);
    to->tracestate = text_copy(&at, m->tracestate);
}

bool entries_add(struct entries_mail *mail, size_t cap, const struct kv_message *m)
{
    if (mail->used + message_need(m) > cap)
        return false;
    message_copy((struct kv_message *)(mail->bytes + mail->used), m);
    mail->used += message_need(m);
    mail->count++;
    return true;
}

const struct kv_message *entries_next(struct entries_mail *mail)
{
    const struct kv_message *m = (const struct kv_message *)(mail->bytes + mail->read);
    if (mail->read == mail->used)
        return NULL;
    mail->read += message_need(m);
    return m;
}

void bus_mail_text(struct mailbox *box, enum bus_mail_kind kind, enum bus_bucket bucket, int err, const char *text)
{
    size_t n = strlen(text) + 1;
    struct text_mail *mail = malloc(sizeof *mail + n);
    if (!mail)
        abort(); /* a lost end would stop a follower for ever; a restart recovers */
    mail->head = (struct bus_mail){.kind = (uint8_t)kind, .bucket = (uint8_t)bucket};
    mail->err = err;
    memcpy(mail->text, text, n);
    if (kind != BUS_MAIL_PROBLEM)
        mailbox_force(box, &mail->head.mail);
    else if (mailbox_post(box, &mail->head.mail) < 0)
        free(mail);
}

void bus_mail_info(struct mailbox *box, enum bus_bucket bucket, const struct bus_info *info)
{
    const char *reason = info->reason ? info->reason : "", *lacks = info->lacks ? info->lacks : "";
    size_t reason_n = strlen(reason) + 1, lacks_n = strlen(lacks) + 1;
    struct info_mail *mail = malloc(sizeof *mail + reason_n + lacks_n);
    if (!mail)
        abort();
    *mail = (struct info_mail){.head = {.kind = BUS_MAIL_INFO, .bucket = (uint8_t)bucket}, .info = *info};
    mail->info.reason = memcpy(mail->texts, reason, reason_n);
    mail->info.lacks = memcpy(mail->texts + reason_n, lacks, lacks_n);
    mailbox_force(box, &mail->head.mail);
}

void bus_mail_mirror(struct mailbox *box, enum bus_bucket bucket, struct mirror_mail news)
{
    struct mirror_mail *mail = malloc(sizeof *mail);
    if (!mail)
        abort();
    *mail = news;
    mail->head = (struct bus_mail){.kind = BUS_MAIL_MIRROR, .bucket = (uint8_t)bucket};
    mailbox_force(box, &mail->head.mail);
}

int bus_mail_live(struct mailbox *box, enum bus_bucket bucket, const struct kv_message *m, bool hurry)
{
    struct live_mail *mail = malloc(offsetof(struct live_mail, m) + message_need(m));
    if (!mail)
        return -ENOMEM;
    mail->head = (struct bus_mail){.kind = BUS_MAIL_LIVE, .bucket = (uint8_t)bucket};
    message_copy(&mail->m, m);
    int err = hurry ? mailbox_post(box, &mail->head.mail) : mailbox_post_later(box, &mail->head.mail);
    if (err < 0)
        free(mail);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Mails to the main thread. */
#include "daemon/bus/bus_mail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry_head {
    uint64_t seq;
    int64_t age_ns;
    int64_t stored_ns;
    int64_t ttl_ns;
    uint32_t n;
    uint16_t key_len;
    uint16_t parent_n, state_n; /* with their NUL; 0: none */
    uint8_t kind;
};

/* How much of one of a message's texts is kept, with its NUL. */
static size_t text_need(const char *text)
{
    return text ? strnlen(text, KV_TRACE_MAX) + 1 : 0;
}

/* Copies a text to *at, which moves behind the copy; returns the copy. */
static const char *text_copy(uint8_t **at, const char *text)
{
    size_t n = text_need(text);
    char *copy = (char *)*at;
    if (n == 0)
        return NULL;
    memcpy(copy, text, n - 1);
    copy[n - 1] = '\0';
    *at += n;
    return copy;
}

static size_t trace_need(const struct kv_message *m)
{
    return text_need(m->traceparent) + text_need(m->tracestate);
}

/* The bytes an entry takes in an entries_mail. */
static size_t entry_need(const struct kv_message *m)
{
    return sizeof(struct entry_head) + m->key_len + m->n + trace_need(m);
}

bool entries_add(struct entries_mail *mail, size_t cap, const struct kv_message *m)
{
    if (mail->used + entry_need(m) > cap)
        return false;
    struct entry_head head = {
        .seq = m->seq,
        .age_ns = m->age_ns,
        .stored_ns = m->stored_ns,
        .ttl_ns = m->ttl_ns,
        .n = (uint32_t)m->n,
        .key_len = (uint16_t)m->key_len,
        .parent_n = (uint16_t)text_need(m->traceparent),
        .state_n = (uint16_t)text_need(m->tracestate),
        .kind = (uint8_t)m->kind,
    };
    uint8_t *p = mail->bytes + mail->used;
    memcpy(p, &head, sizeof head);
    memcpy(p + sizeof head, m->key, m->key_len);
    p += sizeof head + m->key_len;
    if (m->n > 0)
        memcpy(p, m->value, m->n);
    p += m->n;
    (void)text_copy(&p, m->traceparent);
    (void)text_copy(&p, m->tracestate);
    mail->used += entry_need(m);
    mail->count++;
    return true;
}

void entries_next(const struct entries_mail *mail, size_t *offset, struct kv_message *ret_m)
{
    struct entry_head head;
    const uint8_t *p = mail->bytes + *offset;
    memcpy(&head, p, sizeof head);
    const char *texts = (const char *)p + sizeof head + head.key_len + head.n;
    *ret_m = (struct kv_message){
        .kind = head.kind,
        .key = (const char *)p + sizeof head,
        .key_len = head.key_len,
        .value = p + sizeof head + head.key_len,
        .n = head.n,
        .seq = head.seq,
        .age_ns = head.age_ns,
        .stored_ns = head.stored_ns,
        .ttl_ns = head.ttl_ns,
        .traceparent = head.parent_n ? texts : NULL,
        .tracestate = head.state_n ? texts + head.parent_n : NULL,
    };
    *offset += entry_need(ret_m);
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

void bus_mail_info(struct mailbox *box, enum bus_bucket bucket, bool check, const struct bus_info *info)
{
    const char *lacks = info->lacks ? info->lacks : "";
    size_t n = strlen(lacks) + 1;
    struct info_mail *mail = malloc(sizeof *mail + n);
    if (!mail)
        abort();
    *mail = (struct info_mail){
        .head = {.kind = BUS_MAIL_INFO, .bucket = (uint8_t)bucket},
        .check = check,
        .info = *info,
    };
    snprintf(mail->reason, sizeof mail->reason, "%s", info->reason ? info->reason : "");
    memcpy(mail->lacks, lacks, n);
    mailbox_force(box, &mail->head.mail);
}

void bus_mail_mirror(struct mailbox *box, enum bus_bucket bucket, const struct mirror_mail *news)
{
    struct mirror_mail *mail = malloc(sizeof *mail);
    if (!mail)
        abort();
    *mail = *news;
    mail->head = (struct bus_mail){.kind = BUS_MAIL_MIRROR, .bucket = (uint8_t)bucket};
    mailbox_force(box, &mail->head.mail);
}

int bus_mail_live(struct mailbox *box, enum bus_bucket bucket, const struct kv_message *m, bool hurry)
{
    struct live_mail *mail = malloc(sizeof *mail + m->key_len + m->n + trace_need(m));
    if (!mail)
        return -ENOMEM;
    char *key = (char *)(mail + 1);
    mail->head = (struct bus_mail){.kind = BUS_MAIL_LIVE, .bucket = (uint8_t)bucket};
    mail->m = *m;
    mail->m.key = memcpy(key, m->key, m->key_len);
    uint8_t *value = (uint8_t *)key + m->key_len, *texts = value + m->n;
    mail->m.value = value;
    if (m->n > 0)
        memcpy(value, m->value, m->n);
    mail->m.traceparent = text_copy(&texts, m->traceparent);
    mail->m.tracestate = text_copy(&texts, m->tracestate);
    int err = hurry ? mailbox_post(box, &mail->head.mail) : mailbox_post_later(box, &mail->head.mail);
    if (err < 0)
        free(mail);
    return err;
}

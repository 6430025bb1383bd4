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
    uint32_t n;
    uint16_t key_len;
    uint8_t kind;
};

size_t entries_need(const struct kv_message *m)
{
    return sizeof(struct entry_head) + m->key_len + m->n;
}

bool entries_add(struct entries_mail *mail, size_t cap, const struct kv_message *m)
{
    if (mail->used + entries_need(m) > cap)
        return false;
    struct entry_head head = {
        .seq = m->seq,
        .age_ns = m->age_ns,
        .stored_ns = m->stored_ns,
        .n = (uint32_t)m->n,
        .key_len = (uint16_t)m->key_len,
        .kind = (uint8_t)m->kind,
    };
    uint8_t *p = mail->bytes + mail->used;
    memcpy(p, &head, sizeof head);
    memcpy(p + sizeof head, m->key, m->key_len);
    if (m->n > 0)
        memcpy(p + sizeof head + m->key_len, m->value, m->n);
    mail->used += entries_need(m);
    mail->count++;
    return true;
}

void entries_next(const struct entries_mail *mail, size_t *offset, struct kv_message *ret_m)
{
    struct entry_head head;
    const uint8_t *p = mail->bytes + *offset;
    memcpy(&head, p, sizeof head);
    *ret_m = (struct kv_message){
        .kind = head.kind,
        .key = (const char *)p + sizeof head,
        .key_len = head.key_len,
        .value = p + sizeof head + head.key_len,
        .n = head.n,
        .seq = head.seq,
        .age_ns = head.age_ns,
        .stored_ns = head.stored_ns,
    };
    *offset += entries_need(ret_m);
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

int bus_mail_live(struct mailbox *box, enum bus_bucket bucket, const struct kv_message *m, bool hurry)
{
    struct live_mail *mail = malloc(sizeof *mail + m->key_len + m->n);
    if (!mail)
        return -ENOMEM;
    char *key = (char *)(mail + 1);
    mail->head = (struct bus_mail){.kind = BUS_MAIL_LIVE, .bucket = (uint8_t)bucket};
    mail->m = *m;
    mail->m.key = memcpy(key, m->key, m->key_len);
    mail->m.value = (const uint8_t *)key + m->key_len;
    if (m->n > 0)
        memcpy(key + m->key_len, m->value, m->n);
    int err = hurry ? mailbox_post(box, &mail->head.mail) : mailbox_post_later(box, &mail->head.mail);
    if (err < 0)
        free(mail);
    return err;
}

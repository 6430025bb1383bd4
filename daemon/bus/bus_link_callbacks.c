/* SPDX-License-Identifier: Apache-2.0 */
/* What nats.c calls on threads of its own: the connection is lost or will be, errors, answers to puts, requests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/bus/bus_link_impl.h"
#include "daemon/bus/bus_mail.h"

void bus_link_on_closed(natsConnection *nc, void *closure)
{
    struct bus_link *link = closure;
    const char *detail = NULL;
    natsStatus s = natsConnection_GetLastError(nc, &detail);
    pthread_mutex_lock(&link->lock);
    snprintf(link->lost_reason, sizeof link->lost_reason, "%s",
             detail && *detail ? detail
             : s != NATS_OK    ? natsStatus_GetText(s)
                               : "closed by the server");
    link->silent = s == NATS_STALE_CONNECTION;
    link->closed = true;
    bus_inbox_close(link->session.answers);
    (void)!write(link->news_fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_cond_broadcast(&link->changed);
    pthread_mutex_unlock(&link->lock); /* from here on the link may be gone */
}

void bus_link_on_lame_duck(natsConnection *nc, void *closure)
{
    (void)nc;
    struct bus_link *link = closure;
    pthread_mutex_lock(&link->lock);
    link->lame = true;
    (void)!write(link->news_fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_mutex_unlock(&link->lock);
}

void bus_link_on_delivery_end(void *closure)
{
    struct bus_link *link = closure;
    pthread_mutex_lock(&link->lock);
    link->deliveries--;
    pthread_cond_broadcast(&link->changed);
    pthread_mutex_unlock(&link->lock);
}

/*
 * Remembers a denied request to JetStream, here or where a mirror is. Denied puts are not among them: they get a
 * result each.
 */
static void remember_denied(struct bus_link *link, const char *subject)
{
    bool request = strncmp(subject, "$JS.", 4) == 0 && !strstr(subject, "$KV.");
    if (!request || bus_link_denied(link, subject))
        return;
    pthread_mutex_lock(&link->lock);
    if (link->n_denied < DENIED_MAX)
        snprintf(link->denied[link->n_denied++], BUS_SUBJECT_CAP, "%s", subject);
    pthread_mutex_unlock(&link->lock);
}

static void report_denied(struct bus_link *link, const char *text)
{
    pthread_mutex_lock(&link->lock);
    bool news = !link->publish_denied_reported;
    link->publish_denied_reported = true;
    pthread_mutex_unlock(&link->lock);
    if (news)
        bus_mail_text(link->shared->box, BUS_MAIL_PUBLISH_DENIED, 0, 0, text);
}

/*
 * Takes a denial of what bus_publish publishes, without which the daemon serves all the same: reported once, and not tried
 * again on this connection.
 */
static bool take_say_denied(struct bus_link *link, const char *subject, const char *text)
{
    if (strncmp(subject, link->publish_prefix, strlen(link->publish_prefix)) != 0)
        return false;
    pthread_mutex_lock(&link->lock);
    link->publish_denied = true;
    pthread_mutex_unlock(&link->lock);
    report_denied(link, text);
    return true;
}

/* Whether a denial is about answering requests, or listening for them. */
static bool is_of_requests(const struct bus_link *link, const char *text)
{
    char own[BUS_SUBJECT_CAP];
    snprintf(own, sizeof own, "for Subscription to \"discover.%s.rpc.", link->shared->options.region);
    return strstr(text, own) || strstr(text, "for Subscription to \"$SRV.") || strstr(text, "for Publish to \"_INBOX.");
}

/* sub may be freed already (nats.c 3.4.1): it is not touched. */
void bus_link_on_error(natsConnection *nc, natsSubscription *sub, natsStatus s, void *closure)
{
    (void)nc;
    (void)sub;
    struct bus_link *link = closure;
    const char *detail = nats_GetLastError(NULL);
    const char *text = detail && *detail ? detail : natsStatus_GetText(s);
    if (s == NATS_NOT_PERMITTED && is_of_requests(link, text)) {
        metric_inc(&link->shared->counters.denials);
        report_denied(link, text);
        return;
    }
    if (s == NATS_NOT_PERMITTED) {
        char subject[BUS_SUBJECT_CAP];
        metric_inc(&link->shared->counters.denials);
        bool cut;
        if (wire_denied_put(text, subject, sizeof subject, &cut)) {
            if (take_say_denied(link, subject, text))
                return;
            remember_denied(link, subject);
            bus_puts_fail(link->shared->puts, subject, cut, -EACCES, text);
        }
    }
    bus_mail_text(link->shared->box, BUS_MAIL_PROBLEM, 0, 0, text);
}

void bus_link_on_answer(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    (void)nc;
    (void)sub;
    struct bus_link *link = closure;
    uint64_t id, seq = 0;
    if (wire_number(natsMsg_GetSubject(msg) + link->put_reply_len, 16, &id)) {
        char reason[BUS_REASON_CAP] = "";
        int err = -ENODEV;
        if (natsMsg_IsNoResponders(msg))
            snprintf(reason, sizeof reason, "nobody serves the bucket (no leader, or no such stream)");
        else
            err = wire_put_ack(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), &seq, reason);
        if (err == -EBADMSG)
            snprintf(reason, sizeof reason, "the answer makes no sense");
        bus_puts_done(link->shared->puts, id, err == -EBADMSG ? -EIO : err, reason, seq);
    }
    bus_deferred_add(&link->deferred, msg);
}

/* --- requests of others --- */

static struct request_mail *copy_request(natsMsg *msg, size_t n)
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

/*
 * The counter of the reason why a request is not answered; NULL: it is. The asker chooses where the answer goes, and no
 * permission of NATS covers that: an answer under the subject of a key would be a value that this host has put, one under that
 * of JetStream's API a request of ours. So it goes to inboxes alone, and not to our own.
 */
static metric_value *refusal(struct bus_shared *shared, natsMsg *msg)
{
    if (!wire_inbox_valid(natsMsg_GetReply(msg), shared->options.host))
        return &shared->counters.requests_no_inbox;
    if (natsMsg_GetDataLength(msg) > BUS_REQUEST_MAX)
        return &shared->counters.requests_too_large;
    return atomic_load(&shared->requests_waiting) >= shared->options.max_requests ? &shared->counters.requests_full
                                                                                  : NULL;
}

static void take_request(struct bus_shared *shared, natsMsg *msg)
{
    metric_value *counter = refusal(shared, msg);
    struct request_mail *mail = counter ? NULL : copy_request(msg, (size_t)natsMsg_GetDataLength(msg));
    if (mail) {
        atomic_fetch_add(&shared->requests_waiting, 1);
        if (mailbox_post(shared->box, &mail->head.mail) == 0)
            return;
        atomic_fetch_sub(&shared->requests_waiting, 1);
        free(mail);
    }
    metric_inc(counter ? counter : &shared->counters.requests_full);
}

void bus_link_on_request(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    (void)nc;
    (void)sub;
    take_request(closure, msg);
    natsMsg_Destroy(msg);
}

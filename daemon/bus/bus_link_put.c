/* SPDX-License-Identifier: Apache-2.0 */
/* Writes puts and deletions to the connection. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/bus/bus_link_impl.h"

#define TOMBSTONE_TTL "5m"
#define SMALL_VALUE   2048

/* Publishes with headers: names and values in turn, up to a name that is NULL. */
static natsStatus write_with(natsConnection *nc, const char *subject, const char *reply, const char *value, size_t n,
                             const char *const headers[][2])
{
    natsMsg *msg = NULL;
    natsStatus s = natsMsg_Create(&msg, subject, reply, value, (int)n);
    for (size_t i = 0; s == NATS_OK && headers[i][0]; i++)
        s = natsMsgHeader_Set(msg, headers[i][0], headers[i][1]);
    if (s == NATS_OK)
        s = natsConnection_PublishMsg(nc, msg);
    natsMsg_Destroy(msg);
    return s;
}

/*
 * What takes the place of a deleted record is the proof of its end, for readers that were away; where the server can,
 * it goes long before MaxAge: a fleet that deploys all day has many times more of them than records.
 */
static natsStatus write_delete(natsConnection *nc, const char *subject, const char *reply, bool with_ttl)
{
    return write_with(
        nc, subject, reply, NULL, 0,
        (const char *const[][2]){{"KV-Operation", "DEL"}, {with_ttl ? "Nats-TTL" : NULL, TOMBSTONE_TTL}, {NULL, NULL}});
}

static natsStatus write_traced(natsConnection *nc, const char *subject, const char *reply, const char *value, size_t n,
                               const struct bus_put_trace *trace)
{
    return write_with(nc, subject, reply, value, n,
                      (const char *const[][2]){{"traceparent", trace->traceparent},
                                               {*trace->tracestate ? "tracestate" : NULL, trace->tracestate},
                                               {NULL, NULL}});
}

/* Once it is added, other threads may end the put at any moment: what is written is a copy, made in value. */
static void write_put(struct bus_link *link, natsConnection *nc, struct bus_put *put, char *value)
{
    char subject[BUS_SUBJECT_CAP], reply[BUS_SUBJECT_CAP], reason[BUS_REASON_CAP];
    size_t n = put->n;
    bool delete = put->delete;
    bool traced = put->trace;
    struct bus_put_trace trace;
    if (traced)
        trace = *put->trace;
    bool with_ttl = put->result.bucket == BUS_SERVICES && atomic_load(&link->shared->message_ttl[BUS_SERVICES]);
    snprintf(subject, sizeof subject, "%s", put->subject);
    memcpy(value, put->value, n);
    uint64_t id = bus_puts_add(link->shared->puts, put);
    snprintf(reply, sizeof reply, "%s.put.%" PRIx64, link->session.inbox, id);
    natsStatus s = delete   ? write_delete(nc, subject, reply, with_ttl)
                   : traced ? write_traced(nc, subject, reply, value, n, &trace)
                            : natsConnection_PublishRequest(nc, subject, reply, value, (int)n);
    if (s == NATS_OK)
        return;
    (void)bus_stream_error(s, 0, reason);
    bus_puts_done(link->shared->puts, id, -ENOTCONN, reason, 0);
}

static bool publish_is_denied(struct bus_link *link, const char *subject)
{
    pthread_mutex_lock(&link->lock);
    bool denied = link->publish_denied && strncmp(subject, link->publish_prefix, strlen(link->publish_prefix)) == 0;
    pthread_mutex_unlock(&link->lock);
    return denied;
}

/* As micro services of NATS say it (ADR-32). */
static natsStatus write_error(natsConnection *nc, const struct publish_mail *mail)
{
    char code[16];
    snprintf(code, sizeof code, "%d", mail->error);
    return write_with(
        nc, mail->subject, NULL, NULL, 0,
        (const char *const[][2]){{"Nats-Service-Error", mail->bytes}, {"Nats-Service-Error-Code", code}, {NULL, NULL}});
}

static natsStatus publish(natsConnection *nc, const struct publish_mail *mail)
{
    if ((int64_t)mail->n > natsConnection_GetMaxPayload(nc))
        return NATS_MAX_PAYLOAD;
    return mail->error ? write_error(nc, mail) : natsConnection_Publish(nc, mail->subject, mail->bytes, (int)mail->n);
}

void bus_link_publish(struct bus_link *link, const struct publish_mail *mail)
{
    natsStatus s = publish_is_denied(link, mail->subject) ? NATS_NOT_PERMITTED : publish(link->session.nc, mail);
    metric_inc(s == NATS_OK ? &link->shared->counters.published : &link->shared->counters.publish_failures);
}

void bus_link_put(struct bus_link *link, struct bus_put *put)
{
    write_put(link, link->session.nc, put, link->value);
}

bool bus_link_put_now(struct bus_link *link, struct bus_put *put)
{
    char value[SMALL_VALUE];
    if (put->n > sizeof value || !bus_puts_quiet(link->shared->puts))
        return false;
    const struct bus_session *session = bus_link_use(link);
    if (!session)
        return false;
    write_put(link, session->nc, put, value);
    bus_link_unuse(link);
    return true;
}

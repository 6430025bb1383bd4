/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the buckets' streams. */
#include "daemon/bus/bus_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"

int bus_stream_error(natsStatus s, jsErrCode code, char ret_reason[static BUS_REASON_CAP])
{
    const char *detail = nats_GetLastError(NULL);
    snprintf(ret_reason, BUS_REASON_CAP, "%s%s%s", natsStatus_GetText(s), detail && *detail ? ": " : "",
             detail ? detail : "");
    if (code == JSStreamNotFoundErr)
        return -ENOENT;
    switch (s) {
    case NATS_NOT_PERMITTED:
        return -EACCES;
    case NATS_NO_RESPONDERS:
        return -ENODEV;
    case NATS_TIMEOUT:
        return -ETIMEDOUT;
    case NATS_CONNECTION_CLOSED:
    case NATS_CONNECTION_DISCONNECTED:
    case NATS_INVALID_SUBSCRIPTION:
        return -ENOTCONN;
    case NATS_NO_MEMORY:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

struct report {
    const struct bus_stream *stream;
    bus_deviation_fn *fn;
    void *arg;
};

static void __attribute__((format(printf, 2, 3))) deviates(const struct report *r, const char *format, ...)
{
    char what[256], text[sizeof what + sizeof r->stream->name + 16];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(text, sizeof text, "stream %s: %s", r->stream->name, what);
    r->fn(r->arg, text);
}

static void verify_republish(const struct report *r, const jsRePublish *have)
{
    const struct bus_stream *want = r->stream;
    if (!have)
        deviates(r, "republish is not set: changes reach nobody until they are polled; make the bucket anew");
    else if (!have->Source || strcmp(have->Source, want->subjects) != 0 || !have->Destination ||
             strcmp(have->Destination, want->destination) != 0)
        deviates(r, "republish is from %s to %s, must be from %s to %s", have->Source ? have->Source : "nothing",
                 have->Destination ? have->Destination : "nowhere", want->subjects, want->destination);
    else if (have->HeadersOnly)
        deviates(r, "republish has headers only: values do not arrive");
}

static void verify(const struct report *r, const jsStreamConfig *have)
{
    const struct bus_stream *want = r->stream;
    if (have->SubjectsLen != 1 || strcmp(have->Subjects[0], want->subjects) != 0)
        deviates(r, "its subject is %s, must be %s", have->SubjectsLen > 0 ? have->Subjects[0] : "missing",
                 want->subjects);
    if (have->MaxMsgsPerSubject != 1)
        deviates(r, "max_msgs_per_subject is %" PRId64 ", should be 1", have->MaxMsgsPerSubject);
    if (have->AllowRollup)
        deviates(r, "allow_rollup_hdrs is on: any writer can wipe the whole bucket; must be off");
    if (!have->DenyDelete)
        deviates(r, "deny_delete is off, should be on");
    if (have->Discard != js_DiscardNew)
        deviates(r, "discard is old: a full bucket forgets records instead of refusing new ones");
    if (have->Storage != js_FileStorage)
        deviates(r, "storage is memory: it is empty after a restart of its server");
    if (have->Replicas != want->replicas)
        deviates(r, "num_replicas is %" PRId64 ", configured are %d", have->Replicas, want->replicas);
    if (have->MaxAge != want->max_age_ns)
        deviates(r, "max_age is %" PRId64 " s, configured are %" PRId64 " s", have->MaxAge / NS_PER_S,
                 want->max_age_ns / NS_PER_S);
    verify_republish(r, have->RePublish);
}

int bus_stream_info(jsCtx *js, const struct bus_stream *stream, bus_deviation_fn *deviation, void *arg,
                    struct bus_stream_state *ret_state, char ret_reason[static BUS_REASON_CAP])
{
    jsStreamInfo *si = NULL;
    jsErrCode code = 0;
    natsStatus s = js_GetStreamInfo(&si, js, stream->name, NULL, &code);
    if (s != NATS_OK)
        return bus_stream_error(s, code, ret_reason);
    if (deviation && si->Config)
        verify(&(struct report){stream, deviation, arg}, si->Config);
    *ret_state = (struct bus_stream_state){
        .info = {.created = si->Created,
                 .last_seq = si->State.LastSeq,
                 .messages = si->State.Msgs,
                 .newest_ns = si->State.LastTime},
        .last_time_ns = si->State.LastTime,
        .now_ns = si->State.LastTime,
        .first_seq = si->State.FirstSeq,
        .replicas = si->Config ? (int)si->Config->Replicas : 1,
        .direct = si->Config && si->Config->AllowDirect,
    };
    jsStreamInfo_Destroy(si);
    return 0;
}

/* The server remembers message ids for two minutes, and refuses a stream whose messages live shorter than that. */
#define DUPLICATES_NS (120 * NS_PER_S)

int bus_stream_create(jsCtx *js, const struct bus_stream *stream, char ret_reason[static BUS_REASON_CAP])
{
    jsRePublish republish = {.Source = stream->subjects, .Destination = stream->destination};
    const char *subject = stream->subjects;
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = stream->name;
    config.Description = "discoverd";
    config.Subjects = &subject;
    config.SubjectsLen = 1;
    config.MaxMsgsPerSubject = 1;
    config.MaxAge = stream->max_age_ns;
    config.Discard = js_DiscardNew;
    config.Storage = js_FileStorage;
    config.Replicas = stream->replicas;
    config.Duplicates = stream->max_age_ns < DUPLICATES_NS ? stream->max_age_ns : DUPLICATES_NS;
    config.DenyDelete = true;
    config.AllowRollup = false; /* with it, one put with a rollup header deletes everything */
    config.AllowDirect = true;
    config.RePublish = &republish;
    jsErrCode code = 0;
    natsStatus s = js_AddStream(NULL, js, &config, NULL, &code);
    if (s == NATS_OK || code == JSStreamNameExistErr)
        return 0;
    return bus_stream_error(s, code, ret_reason);
}

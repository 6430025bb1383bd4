/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the JetStream API about a stream. */
#include "daemon/bus/bus_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/bus_link.h"

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
        snprintf(ret_reason, BUS_REASON_CAP,
                 "JetStream does not answer: it is switched off at the server or for this "
                 "account, or its cluster has no leader");
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

/* Takes the answer. 0 and its JSON (to be given back), or a negative errno and a reason. */
static int read_answer(natsMsg *answer, json_t **ret_root, char ret_reason[static BUS_REASON_CAP])
{
    json_t *root = json_loadb(natsMsg_GetData(answer), (size_t)natsMsg_GetDataLength(answer), 0, NULL);
    json_t *error = json_object_get(root, "error");
    int err = 0;
    natsMsg_Destroy(answer);
    if (!json_is_object(root)) {
        snprintf(ret_reason, BUS_REASON_CAP, "the answer of JetStream makes no sense");
        err = -EIO;
    } else if (error) {
        err = wire_api_error(json_integer_value(json_object_get(error, "err_code")),
                             json_string_value(json_object_get(error, "description")), ret_reason);
    }
    if (err == 0)
        *ret_root = root;
    else
        json_decref(root);
    return err;
}

static int ask(const struct bus_session *session, const char *what, const char *name, const char *body,
               int64_t timeout_ms, json_t **ret_root, char ret_reason[static BUS_REASON_CAP])
{
    char subject[BUS_SUBJECT_CAP];
    natsMsg *answer = NULL;
    snprintf(subject, sizeof subject, "%s.STREAM.%s.%s", session->api_prefix, what, name);
    natsStatus s = natsConnection_RequestString(&answer, session->nc, subject, body, timeout_ms);
    return s == NATS_OK ? read_answer(answer, ret_root, ret_reason) : bus_stream_error(s, 0, ret_reason);
}

static int64_t time_of(json_t *object, const char *name)
{
    int64_t time_ns;
    return wire_time(json_string_value(json_object_get(object, name)), &time_ns) ? time_ns : 0;
}

static uint64_t number(json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

static void read_state(const struct bus_stream *stream, json_t *root, struct bus_stream_state *ret_state)
{
    json_t *state = json_object_get(root, "state");
    bus_settings_read(stream, json_object_get(root, "config"), &ret_state->settings);
    int64_t newest_ns = time_of(state, "last_ts"), now_ns = time_of(root, "ts"); /* from server 2.10 on */
    ret_state->now_ns = now_ns > newest_ns ? now_ns : newest_ns;
    ret_state->first_seq = number(state, "first_seq");
    ret_state->info = (struct bus_info){
        .created = time_of(root, "created"),
        .last_seq = number(state, "last_seq"),
        .messages = number(state, "messages"),
        .bytes = number(state, "bytes"),
        .newest_ns = newest_ns,
        .max_bytes = ret_state->settings.max_bytes,
        .max_messages = ret_state->settings.max_messages,
    };
}

int bus_stream_info(const struct bus_session *session, const struct bus_stream *stream,
                    struct bus_stream_state *ret_state, char ret_reason[static BUS_REASON_CAP])
{
    json_t *root;
    int err = ask(session, "INFO", stream->name, "", session->info_timeout_ms, &root, ret_reason);
    if (err < 0)
        return err;
    read_state(stream, root, ret_state);
    json_decref(root);
    return 0;
}

int bus_stream_create(const struct bus_session *session, const struct bus_stream *stream,
                      char ret_reason[static BUS_REASON_CAP])
{
    json_t *root = NULL;
    char *body = bus_settings_request(stream);
    int err = -ENOMEM;
    snprintf(ret_reason, BUS_REASON_CAP, "no memory");
    if (body)
        err = ask(session, "CREATE", stream->name, body, BUS_REQUEST_TIMEOUT_MS, &root, ret_reason);
    json_decref(root);
    free(body);
    return err == -EEXIST ? 0 : err;
}

int bus_stream_order(const struct bus_session *session, const char *what, const char *name, const char *body,
                     char ret_reason[static BUS_REASON_CAP])
{
    json_t *root = NULL;
    int err = ask(session, what, name, body, BUS_REQUEST_TIMEOUT_MS, &root, ret_reason);
    json_decref(root);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of JetStream to requests for single messages. */
#include "daemon/bus/bus_get_answer.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/bus_message.h"

#define NO_MESSAGE_FOUND 10037 /* an error code of JetStream: nothing from there on */

static void refuse(struct bus_get_answer *a, const char *reason, const char *detail)
{
    a->outcome = BUS_GET_REFUSED;
    snprintf(a->reason, BUS_REASON_CAP, "%s%s%s", reason, *detail ? ": " : "", detail);
}

/* ---- direct ---- */

static void take_status(natsMsg *msg, struct bus_get_answer *a)
{
    const char *status = "", *description = "";
    (void)natsMsgHeader_Get(msg, "Status", &status);
    (void)natsMsgHeader_Get(msg, "Description", &description);
    if (strcmp(status, "404") == 0)
        a->outcome = BUS_GET_NOTHING;
    else if (strcmp(status, "204") == 0)
        a->outcome = BUS_GET_BATCH_END;
    else
        refuse(a, *status ? status : "the answer to a direct get makes no sense", description);
}

/* Whether it is a message is in the server's headers: its status line is the writer's. */
void bus_get_direct(natsMsg *msg, const struct bus_stream *stream, size_t max_value, struct bus_get_answer *ret_answer)
{
    struct bus_get_answer *a = ret_answer;
    uint64_t pending;
    memset(a, 0, sizeof *a);
    switch (bus_message_got(msg, stream, max_value, &a->m, &a->time_ns)) {
    case BUS_MESSAGE_OK:
        a->outcome = BUS_GET_MESSAGE;
        a->batches = bus_message_number(msg, "Nats-Num-Pending", &pending);
        break;
    case BUS_MESSAGE_UNREADABLE:
        a->outcome = BUS_GET_UNREADABLE;
        break;
    case BUS_MESSAGE_FOREIGN:
        if (bus_message_number(msg, "Nats-Sequence", &a->m.seq))
            a->outcome = BUS_GET_FOREIGN;
        else
            take_status(msg, a);
        break;
    }
}

/* ---- the leader's ---- */

/* NULL when it is no base64, or for want of memory. */
static uint8_t *decode(const char *text, size_t *ret_n)
{
    size_t n = strlen(text);
    uint8_t *bytes = malloc(n / 4 * 3 + 1);
    int got = bytes && n % 4 == 0 ? EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)n) : -1;
    if (got < 0) {
        free(bytes);
        return NULL;
    }
    *ret_n = (size_t)got;
    for (size_t i = n; i > 0 && text[i - 1] == '='; i--)
        (*ret_n)--;
    bytes[*ret_n] = '\0';
    return bytes;
}

/* What stands behind the last "\r\n<name>: " of a header block, or NULL. */
static const char *last_in_block(const char *block, const char *name)
{
    const char *last = NULL;
    for (const char *at = block; (at = strstr(at, name)); at++)
        last = at + strlen(name);
    return last ? last + strspn(last, " ") : NULL;
}

/* An empty value that is neither a deletion nor the marker of an expired key is one that cannot be read. */
static bool block_deletes(const char *block, bool empty)
{
    const char *operation = last_in_block(block, "\r\nKV-Operation:");
    if (operation && (strncmp(operation, "DEL\r", 4) == 0 || strncmp(operation, "PURGE\r", 6) == 0))
        return true;
    return empty && last_in_block(block, "\r\nNats-Marker-Reason:");
}

static bool headers_delete(const char *text, bool empty)
{
    size_t n = 0;
    uint8_t *block = text ? decode(text, &n) : NULL;
    bool deletes = block && block_deletes((const char *)block, empty);
    free(block);
    return deletes;
}

static void take_value(const json_t *message, size_t max_value, struct bus_get_answer *a)
{
    const char *data = json_string_value(json_object_get(message, "data"));
    const char *headers = json_string_value(json_object_get(message, "hdrs"));
    size_t n = 0;
    a->value = decode(data ? data : "", &n);
    if (!a->value) {
        refuse(a, "a message cannot be decoded", "");
        return;
    }
    bool fits = n <= max_value && a->m.key_len <= BUS_KEY_MAX;
    a->m.kind = !fits ? KV_REFUSED : headers_delete(headers, n == 0) ? KV_DELETE : KV_PUT;
    a->m.value = a->value;
    a->m.n = fits ? n : 0;
}

static void take_message(const json_t *message, const struct bus_stream *stream, size_t max_value,
                         struct bus_get_answer *a)
{
    const char *subject = json_string_value(json_object_get(message, "subject"));
    json_int_t seq = json_integer_value(json_object_get(message, "seq"));
    const char *time = json_string_value(json_object_get(message, "time"));
    if (!subject || seq <= 0 || !wire_time(time, &a->time_ns)) {
        refuse(a, "the answer to STREAM.MSG.GET makes no sense", "");
        return;
    }
    a->m.seq = (uint64_t)seq;
    const char *key = wire_key_of(subject, stream->subjects);
    a->outcome = key ? BUS_GET_MESSAGE : BUS_GET_FOREIGN;
    if (!key)
        return;
    a->m.key = key;
    a->m.key_len = strlen(key);
    take_value(message, max_value, a);
    a->m.key_len = a->m.key_len > BUS_KEY_MAX ? BUS_KEY_MAX : a->m.key_len;
}

static void take_error(const json_t *error, struct bus_get_answer *a)
{
    const char *description = json_string_value(json_object_get(error, "description"));
    if (json_integer_value(json_object_get(error, "err_code")) == NO_MESSAGE_FOUND)
        a->outcome = BUS_GET_NOTHING;
    else
        refuse(a, "STREAM.MSG.GET", description ? description : "refused without a description");
}

void bus_get_leader(natsMsg *msg, const struct bus_stream *stream, size_t max_value, struct bus_get_answer *ret_answer)
{
    struct bus_get_answer *a = ret_answer;
    memset(a, 0, sizeof *a);
    a->root = json_loadb(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), 0, NULL);
    const json_t *error = json_object_get(a->root, "error"), *message = json_object_get(a->root, "message");
    if (error)
        take_error(error, a);
    else
        take_message(message, stream, max_value, a);
}

void bus_get_answer_free(struct bus_get_answer *answer)
{
    json_decref(answer->root);
    free(answer->value);
}

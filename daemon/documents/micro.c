/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the JSON documents by which NATS micro services describe themselves (PING, INFO, STATS). */
#include "daemon/documents/micro.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/clock.h"

static const struct {
    const char *word, *type;
} verbs[] = {
    [MICRO_PING] = {"PING", "io.nats.micro.v1.ping_response"},
    [MICRO_INFO] = {"INFO", "io.nats.micro.v1.info_response"},
    [MICRO_STATS] = {"STATS", "io.nats.micro.v1.stats_response"},
};

static json_t *endpoint_json(enum micro_verb verb, const struct micro_endpoint *e)
{
    if (verb == MICRO_INFO)
        return json_pack("{s:s, s:s, s:s, s:{}}", "name", e->name, "subject", e->subject, "queue_group", e->queue,
                         "metadata");
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:I}", "name", e->name, "subject", e->subject, "queue_group",
                     e->queue, "num_requests", (json_int_t)e->requests, "num_errors", (json_int_t)e->errors,
                     "last_error", e->last_error, "processing_time", (json_int_t)e->busy_ns, "average_processing_time",
                     (json_int_t)(e->requests ? e->busy_ns / (int64_t)e->requests : 0));
}

json_t *micro_document(enum micro_verb verb, const struct micro_service *s)
{
    char started[CLOCK_TEXT_CAP];
    clock_wall_text(s->started_ms, started);
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:{s:s}}", "type", verbs[verb].type, "name", s->name, "id", s->id,
                               "version", s->version, "metadata", "region", s->region);
    if (verb == MICRO_PING)
        return object;
    if (verb == MICRO_INFO)
        (void)json_object_set_new(object, "description", json_string(s->description));
    else
        (void)json_object_set_new(object, "started", json_string(started));
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_endpoints; i++)
        (void)json_array_append_new(list, endpoint_json(verb, &s->endpoints[i]));
    (void)json_object_set_new(object, "endpoints", list);
    return object;
}

/* "" or ".<word>" at *text, which moves behind it. */
static int take_word(const char **text, const char *word)
{
    size_t n = strlen(word);
    if (**text == '\0')
        return 0;
    if (**text != '.' || strncmp(*text + 1, word, n) != 0)
        return -ENOENT;
    *text += 1 + n;
    return 0;
}

int micro_verb_of(const char *subject, const char *name, const char *id, enum micro_verb *ret_verb)
{
    const char *rest = strncmp(subject, "$SRV.", 5) == 0 ? subject + 5 : "";
    for (int v = MICRO_PING; v <= MICRO_STATS; v++) {
        size_t n = strlen(verbs[v].word);
        const char *more = rest + n;
        if (strncmp(rest, verbs[v].word, n) != 0 || take_word(&more, name) < 0 || take_word(&more, id) < 0 || *more)
            continue;
        *ret_verb = (enum micro_verb)v;
        return 0;
    }
    return -ENOENT;
}

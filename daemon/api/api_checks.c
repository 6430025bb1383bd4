/* SPDX-License-Identifier: Apache-2.0 */
/* Checks over the local API: reports of programs, and the results of checks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/api_impl.h"

#define NOTE_MAX    4096
#define LISTED_MAX  100
#define LISTED_ROOM 60000 /* bytes of an answer, so that it fits into a frame */
#define SHORT_MAX   256   /* bytes of each output, where there are many checks */

void api_report_check_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    const Discover__V1__ReportCheck *r = m->report_check;
    struct api_check_report report = {.check = r->check,
                                      .note = r->note,
                                      .state = (enum discover_state)r->state,
                                      .client = c->id,
                                      .uid = c->peer.uid};
    const char *why = NULL;
    if (api_parse_names(c->api, r->service, r->instance, true, &report.key, &why) == 0 &&
        (report.state < DISCOVER_PASSING || report.state > DISCOVER_CRITICAL))
        why = "state: must be passing, warning or critical";
    if (!why && strlen(r->note) > NOTE_MAX)
        why = "note: longer than 4096 bytes";
    if (why) {
        api_refuse(c, m->id, DISCOVER__V1__ERROR__CODE__BAD_REQUEST, why);
        return;
    }
    if (!api_check_line(c, m->id, r->service, false))
        return;
    int err = c->api->ops.report_check(c->api->ops.arg, &report);
    api_answer(c, m->id, err, err == -ENOENT ? "that instance has no such check of kind ttl on this host" : NULL);
}

/* Copies of results for an answer, as far as there is room. */
struct listing {
    Discover__V1__Checks message;
    Discover__V1__CheckInfo *infos[LISTED_MAX];
    size_t room; /* bytes left */
};

static bool add(void *arg, const Discover__V1__CheckInfo *info)
{
    struct listing *l = arg;
    Discover__V1__CheckInfo *copy = NULL;
    uint8_t *bytes = NULL;
    size_t n = discover__v1__check_info__get_packed_size(info);
    if (l->message.n_checks < LISTED_MAX && n < l->room && (bytes = malloc(n))) {
        (void)discover__v1__check_info__pack(info, bytes);
        copy = discover__v1__check_info__unpack(NULL, n, bytes);
        free(bytes);
    }
    if (!copy)
        return false;
    l->room -= n;
    l->infos[l->message.n_checks++] = copy;
    return true;
}

/* Only the first line of an output, where there are many checks, so that all have room. */
static bool add_short(void *arg, const Discover__V1__CheckInfo *info)
{
    char line[SHORT_MAX + 1];
    Discover__V1__CheckInfo copy = *info;
    size_t n = strcspn(info->output, "\n");
    while (n > SHORT_MAX || (n > 0 && n == SHORT_MAX && ((unsigned char)info->output[n] & 0xc0) == 0x80))
        n = n > SHORT_MAX ? SHORT_MAX : n - 1; /* a cut is not within a character */
    memcpy(line, info->output, n);
    line[n] = '\0';
    copy.output = line;
    return add(arg, &copy);
}

static int parse_request(const struct api *api, const Discover__V1__ChecksRequest *r, struct instance_key *ret_key,
                         const char **ret_why)
{
    *ret_key = (struct instance_key){.domain = ""};
    return *r->service ? api_parse_names(api, r->service, r->instance, false, ret_key, ret_why) : 0;
}

void api_checks_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    struct listing l = {.message = DISCOVER__V1__CHECKS__INIT, .room = LISTED_ROOM};
    struct instance_key key;
    const char *why = NULL;
    if (parse_request(c->api, m->checks, &key, &why) < 0) {
        api_refuse(c, m->id, DISCOVER__V1__ERROR__CODE__BAD_REQUEST, why);
        return;
    }
    size_t left_out = c->api->ops.each_check(c->api->ops.arg, &key, key.instance[0] ? add : add_short, &l);
    l.message.left_out = (uint32_t)left_out;
    l.message.checks = l.infos;
    api_client_send(c, m->id, DISCOVER__V1__SERVER_MESSAGE__BODY_CHECKS, &l.message.base, -1);
    for (size_t i = 0; i < l.message.n_checks; i++)
        discover__v1__check_info__free_unpacked(l.infos[i], NULL);
}

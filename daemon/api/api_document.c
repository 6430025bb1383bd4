/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents over the socket: made once, handed over in parts that fit into frames, each when the client asks for it. So one
 * that does not read keeps one document here, and no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/api_impl.h"

#define NAME_MAX_BYTES 512               /* longer than any: what is not there is compared with what is */
#define PART_MAX       (FRAME_MAX - 256) /* of a frame, without what is around it */

static void refuse(struct api_client *c, uint32_t id, int err)
{
    switch (err) {
    case -EPERM:
        metric_inc(&c->api->metrics.denied);
        api_client_send_error(c, id, DISCOVER__V1__ERROR__CODE__DENIED,
                              "only root and the daemon's own user may read that");
        break;
    case -EINVAL:
        api_client_send_error(c, id, DISCOVER__V1__ERROR__CODE__BAD_REQUEST, "not the name of anything");
        break;
    case -ENOENT:
        api_client_send_error(c, id, DISCOVER__V1__ERROR__CODE__NOT_FOUND, "there is no such document");
        break;
    default:
        api_client_send_error(c, id, DISCOVER__V1__ERROR__CODE__INTERNAL, strerror(-err));
    }
}

void api_document_drop(struct api_client *c)
{
    free(c->document.text);
    c->document = (struct api_document){0};
}

static void send_part(struct api_client *c, uint32_t id)
{
    Discover__V1__Document document = DISCOVER__V1__DOCUMENT__INIT;
    size_t left = c->document.n - c->document.sent, n = left < PART_MAX ? left : PART_MAX;
    document.part.data = (uint8_t *)c->document.text + c->document.sent;
    document.part.len = n;
    document.more = n < left;
    c->document.sent += n;
    bool more = document.more;
    api_client_send(c, id, DISCOVER__V1__SERVER_MESSAGE__BODY_DOCUMENT, &document.base, -1);
    if (!more)
        api_document_drop(c);
}

void api_document_handle(struct api_client *c, const Discover__V1__ClientMessage *m)
{
    const struct api *api = c->api;
    const char *name = m->document->name;
    bool is_operator = c->peer.uid == 0 || c->peer.uid == api->access.own_uid;
    int err = 0;
    if (strlen(name) > NAME_MAX_BYTES) {
        err = -EINVAL;
    } else if (!m->document->next) {
        api_document_drop(c);
        err = api->ops.document ? api->ops.document(api->ops.arg, name, is_operator, &c->document.text, &c->document.n)
                                : -ENOENT;
    } else if (!c->document.text) {
        err = -ENOENT;
    }
    if (err < 0)
        refuse(c, m->id, err);
    else
        send_part(c, m->id);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents over the socket: made once, handed over in parts that fit into frames, each when the client asks for it. So one
 * that does not read keeps one document here, and no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/api_impl.h"

/* longer than any name: so a name that does not exist can be looked up like all others */
#define NAME_MAX_BYTES 512
#define PART_MAX       (FRAME_MAX - 256) /* bytes of a frame, without what is around the part */

static void refuse(struct api_client *c, uint32_t id, int err)
{
    if (err == -EPERM)
        metric_inc(&c->api->metrics.denied);
    api_refuse_errno(c, id, err,
                     err == -EPERM ? "only root and the daemon's own user may read that"
                     : err == -EINVAL
                         ? "not the name of anything: a service is DOMAIN/SERVICE, and each name is of " LABEL_RULE
                     : err == -ENOENT ? "there is no such document"
                                      : strerror(-err));
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
    const struct api_daemon_ops *ops = &c->api->ops.daemon;
    const char *name = m->document->name;
    int err = 0;
    if (strlen(name) > NAME_MAX_BYTES) {
        err = -EINVAL;
    } else if (!m->document->next) {
        api_document_drop(c);
        err = ops->document ? ops->document(ops->arg, name, api_is_operator(c), &c->document.text, &c->document.n)
                            : -ENOENT;
    } else if (!c->document.text) {
        err = -ENOENT;
    }
    if (err < 0)
        refuse(c, m->id, err);
    else
        send_part(c, m->id);
}

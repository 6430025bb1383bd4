/* SPDX-License-Identifier: Apache-2.0 */
/* Ejections shared with the other processes of the host. */
#include "libdiscover/share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "libdiscover/balance/picker.h"
#include "libdiscover/session/link.h"

#define EJECTIONS_AT_ONCE 32

/* A service for which sharing was requested, and has to be on the next connection, too. */
struct share {
    struct share *next;
    char service[TABLE_KEY_MAX + 1];
};

static struct share *find(const struct discover *d, const char *service)
{
    struct share *s = d->shares;
    while (s && strcmp(s->service, service) != 0)
        s = s->next;
    return s;
}

static int add(struct discover *d, const char *service)
{
    struct share *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    strcpy(s->service, service);
    LL_PREPEND(d->shares, s);
    return 0;
}

static bool is_wanted(struct discover *d, const char *service)
{
    for (const struct discover_picker *p = d->pickers; p; p = p->next)
        if (p->shared && strcmp(p->query.service, service) == 0)
            return true;
    return false;
}

static int queue_request(struct discover *d, const char *service, bool stop)
{
    Discover__V1__Share body = DISCOVER__V1__SHARE__INIT;
    body.service = (char *)service;
    body.stop = stop;
    return link_queue(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_SHARE, &body.base);
}

/* What cannot be sent now is sent on the next connection. */
static void send_now(struct discover *d, const char *service, bool stop)
{
    if (d->link == LINK_UP && context_check(d) == 0)
        (void)queue_request(d, service, stop);
}

int discover_picker_share(struct discover_picker *p)
{
    if (!p)
        return -EINVAL;
    struct discover *d = p->d;
    if (p->shared)
        return 0;
    int err = find(d, p->query.service) ? 0 : add(d, p->query.service);
    if (err < 0)
        return err;
    send_now(d, p->query.service, false); /* also if another picker has: the answer is what is ejected by now */
    picker_share(p);
    return 0;
}

/* Forgets services of which no picker is left. */
static void drop_unwanted(struct discover *d)
{
    for (struct share *s = d->shares, *next; s; s = next) {
        next = s->next;
        if (is_wanted(d, s->service))
            continue;
        send_now(d, s->service, true);
        LL_DELETE(d->shares, s);
        free(s);
    }
}

void shares_drop(struct discover *d)
{
    while (d->shares) {
        struct share *next = d->shares->next;
        free(d->shares);
        d->shares = next;
    }
}

int shares_send(struct discover *d)
{
    int err = 0;
    for (const struct share *s = d->shares; s && !err; s = s->next)
        err = queue_request(d, s->service, false);
    return err;
}

static void send_ejection(struct discover *d, const char *service, const struct ejection *ejection)
{
    Discover__V1__Eject body = DISCOVER__V1__EJECT__INIT;
    body.service = (char *)service;
    body.id = ejection->id;
    body.for_ms = (uint32_t)ejection->for_ms;
    (void)link_queue(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_EJECT, &body.base);
}

/* Ejections are taken from the picker without a connection, too: when there is one they would be old news. */
static void send_ejections(struct discover *d, struct discover_picker *p)
{
    struct ejection ejections[EJECTIONS_AT_ONCE];
    size_t n;
    do {
        n = picker_take_ejections(p, ejections, EJECTIONS_AT_ONCE);
        for (size_t i = 0; i < n && d->link == LINK_UP; i++)
            send_ejection(d, p->query.service, &ejections[i]);
    } while (n == EJECTIONS_AT_ONCE);
}

void shares_run(struct discover *d)
{
    if (!poll_set_drain(&d->set))
        return;
    for (struct discover_picker *p = d->pickers; p; p = p->next)
        if (p->shared)
            send_ejections(d, p);
    drop_unwanted(d);
}

void shares_heard(struct discover *d, const Discover__V1__Ejected *ejected)
{
    const struct ejection ejection = {ejected->id, ejected->for_ms};
    for (struct discover_picker *p = d->pickers; p; p = p->next)
        if (p->shared && strcmp(p->query.service, ejected->service) == 0)
            picker_warn(p, &ejection);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Mails of the bus's threads become events of the main thread, a slice of time each turn. */
#include <string.h>

#include "daemon/base/loop.h"
#include "daemon/bus/bus_impl.h"
#include "libdiscover/core/clock.h"

#define BEHIND_NS (100 * NS_PER_MS) /* of slices that all left something, until messages are said to wait */

static void dispatch_info(struct bus *b, const struct info_mail *mail)
{
    if (mail->info.check)
        b->under_way[BUS_CHECK][mail->head.bucket] = false;
    b->events.info(b->arg, mail->head.bucket, &mail->info);
}

/* As many as the slice has time for. False: there are more. */
static bool dispatch_entries(struct bus *b, struct entries_mail *mail, const struct loop_slice *slice)
{
    for (const struct kv_message *m; (m = entries_next(mail));) {
        if (mail->head.kind == BUS_MAIL_REMEMBERED)
            b->events.remembered(b->arg, mail->head.bucket, m);
        else
            b->events.snapshot_entry(b->arg, mail->head.bucket, m);
        if (loop_slice_over(slice) && mail->read < mail->used)
            return false;
    }
    bus_reader_credit(b->reader);
    return true;
}

static void dispatch_text(struct bus *b, const struct text_mail *mail)
{
    switch ((enum bus_mail_kind)mail->head.kind) {
    case BUS_MAIL_CONNECTED:
        b->connected = true;
        b->events.connected(b->arg, mail->text);
        break;
    case BUS_MAIL_DISCONNECTED:
        b->connected = false;
        b->events.disconnected(b->arg, mail->text);
        break;
    case BUS_MAIL_MOVED:
        if (b->events.moved)
            b->events.moved(b->arg, mail->text, mail->err != 0);
        break;
    case BUS_MAIL_PUBLISH_DENIED:
        if (b->events.publish_denied)
            b->events.publish_denied(b->arg, mail->text);
        break;
    case BUS_MAIL_END:
        b->under_way[BUS_RESYNC][mail->head.bucket] = false;
        b->events.snapshot_end(b->arg, mail->head.bucket, mail->err, mail->text);
        break;
    default:
        b->events.problem(b->arg, mail->text);
        break;
    }
}

static void dispatch_mirror(struct bus *b, const struct mirror_mail *mail)
{
    enum bus_bucket bucket = mail->head.bucket;
    if (mail->order == BUS_ORDERS) {
        b->mirror_found[bucket] = mail->state;
        return;
    }
    b->under_way[mail->order][bucket] = false;
    if (mail->order == BUS_REMEMBER)
        b->events.remembered_end(b->arg, bucket, mail->err, mail->newest_ns);
    else if (mail->order == BUS_MAKE_MIRROR)
        b->events.mirror_made(b->arg, bucket, mail->err, mail->text);
}

static void dispatch_gap(struct bus *b, struct bus_mail *mail)
{
    enum bus_bucket bucket = mail->bucket;
    struct bus_feed *feed = (struct bus_feed *)((char *)mail - offsetof(struct bus_feed, gap));
    atomic_store(&feed->gap_posted, false);
    if (b->events.gap)
        b->events.gap(b->arg, bucket);
}

static void dispatch_live(struct bus *b, struct live_mail *mail)
{
    mail->m.backlog = b->is_behind;
    if (b->events.live)
        b->events.live(b->arg, mail->head.bucket, &mail->m);
}

static void dispatch_mail(struct bus *b, struct bus_mail *mail)
{
    switch ((enum bus_mail_kind)mail->kind) {
    case BUS_MAIL_LIVE:
        dispatch_live(b, (struct live_mail *)mail);
        break;
    case BUS_MAIL_GAP:
        dispatch_gap(b, mail);
        return; /* part of its feed */
    case BUS_MAIL_INFO:
        dispatch_info(b, (struct info_mail *)mail);
        break;
    case BUS_MAIL_ENTRIES: /* in pieces: dispatch_next */
    case BUS_MAIL_REMEMBERED:
        break;
    case BUS_MAIL_MIRROR:
        dispatch_mirror(b, (struct mirror_mail *)mail);
        break;
    case BUS_MAIL_REQUEST:
        atomic_fetch_sub(&b->shared.requests_waiting, 1);
        metric_inc(&b->shared.counters.requests);
        b->events.request(b->arg, &((struct request_mail *)mail)->request);
        break;
    case BUS_MAIL_PUT:
        b->puts_out--;
        b->events.put_done(b->arg, &((struct bus_put *)mail)->result);
        break;
    default:
        dispatch_text(b, (struct text_mail *)mail);
        break;
    }
    free(mail);
}

int bus_fd(const struct bus *b)
{
    return mailbox_fd(b->shared.box);
}

struct bus_mail *bus_next_mail(struct bus *b)
{
    struct mail *mail = b->todo ? b->todo : mailbox_next(b->shared.box);
    b->todo = NULL;
    return (struct bus_mail *)mail;
}

/* False: there is nothing to do. */
static bool dispatch_next(struct bus *b, const struct loop_slice *slice)
{
    struct bus_mail *mail = bus_next_mail(b);
    if (!mail)
        return false;
    bool entries = mail->kind == BUS_MAIL_ENTRIES || mail->kind == BUS_MAIL_REMEMBERED;
    if (!entries || dispatch_entries(b, (struct entries_mail *)mail, slice))
        dispatch_mail(b, mail);
    else
        b->todo = &mail->mail;
    return true;
}

/* What is posted meanwhile makes the mailbox readable again. */
void bus_dispatch(struct bus *b)
{
    struct loop_slice slice = loop_slice_begin();
    int64_t now_ns = clock_now_ns();
    bool more = true;
    b->is_behind = b->busy_since_ns && now_ns - b->busy_since_ns > BEHIND_NS;
    while (more && !loop_slice_over(&slice))
        more = dispatch_next(b, &slice);
    if (more)
        mailbox_wake(b->shared.box);
    b->busy_since_ns = !more ? 0 : b->busy_since_ns ? b->busy_since_ns : now_ns;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from any thread to one thread, which waits on a descriptor. The only way into daemon state.
 *
 * A mail is a structure of the sender's that begins with struct mail. A post that succeeds hands it over; a
 * full mailbox refuses it, and the sender still owns it. Mails of one sender stay in order.
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

struct mail {
    struct mail *next;
};

struct mailbox;

/*
 * limit: mails waiting at most; as many again for each sender that is interrupted in the middle of a post, behind whose mail none
 * can be taken. -ENOMEM, or a negative errno.
 */
int mailbox_new(size_t limit, struct mailbox **ret_box);

/* Mails still inside are lost: drain first. */
void mailbox_free(struct mailbox *box);

/* Readable when there may be mail. */
int mailbox_fd(const struct mailbox *box);

/* Any thread. -ENOBUFS: full. Never blocks. */
int mailbox_post(struct mailbox *box, struct mail *mail);

/* As mailbox_post, whatever the limit: for mails whose number the sender bounds by itself. Any thread. */
void mailbox_force(struct mailbox *box, struct mail *mail);

/*
 * As mailbox_post, for mail that is in no hurry: it waits up to MAILBOX_LATER_NS for company. Waking a thread costs many
 * times what most mails take to work off, so where they come one by one all day long this is what they cost.
 */
#define MAILBOX_LATER_NS 10000000
int mailbox_post_later(struct mailbox *box, struct mail *mail);

/* Makes it readable although nothing was posted: the owner has more to do, or shall look at something else. Any thread. */
void mailbox_wake(struct mailbox *box);

/*
 * Owner only. The oldest mail, or NULL: then the descriptor is not readable until the next mail comes. Takes the same
 * time however many wait. Mails are taken over from the senders in batches, which no longer count to the limit, and
 * for which the descriptor is no longer readable: an owner who stops before NULL calls mailbox_wake.
 */
struct mail *mailbox_next(struct mailbox *box);

/* Owner only. Takes all mail, oldest first, linked by next; NULL when there is none. Not readable until the next. */
struct mail *mailbox_take(struct mailbox *box);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Mailbox, seen from one thread: order, limit, and when its descriptor is readable. */
#include "daemon/base/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "tests/support/unit.h"

struct letter {
    struct mail mail;
    int number;
};

static int readable(const struct mailbox *box)
{
    struct pollfd fd = {.fd = mailbox_fd(box), .events = POLLIN};
    return poll(&fd, 1, 0);
}

static struct mailbox *new_box(size_t limit)
{
    struct mailbox *box;
    ck_assert_int_eq(mailbox_new(limit, &box), 0);
    return box;
}

START_TEST(test_order)
{
    struct mailbox *box = new_box(10);
    struct letter letters[10];
    for (int i = 0; i < 10; i++) {
        letters[i].number = i;
        ck_assert_int_eq(mailbox_post(box, &letters[i].mail), 0);
    }
    int expected = 0;
    for (const struct mail *mail = mailbox_take(box); mail; mail = mail->next)
        ck_assert_int_eq(((const struct letter *)mail)->number, expected++);
    ck_assert_int_eq(expected, 10);
    ck_assert_ptr_null(mailbox_take(box));
    mailbox_free(box);
}
END_TEST

/* One by one: what came since the first is not missed, and waits for no waking but the owner's own. */
START_TEST(test_one_by_one)
{
    struct mailbox *box = new_box(3);
    struct letter letters[6];
    ck_assert_ptr_null(mailbox_next(box));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(mailbox_post(box, &letters[i].mail), 0);
    ck_assert_ptr_eq(mailbox_next(box), &letters[0].mail);
    ck_assert_int_eq(readable(box), 0);
    for (int i = 3; i < 6; i++)
        ck_assert_int_eq(mailbox_post(box, &letters[i].mail), 0); /* those that are open have left room */
    ck_assert_int_eq(mailbox_post(box, &(struct mail){0}), -ENOBUFS);
    ck_assert_int_eq(readable(box), 1);
    for (int i = 1; i < 6; i++)
        ck_assert_ptr_eq(mailbox_next(box), &letters[i].mail);
    ck_assert_ptr_null(mailbox_next(box));
    ck_assert_int_eq(readable(box), 0);
    mailbox_free(box);
}
END_TEST

START_TEST(test_limit)
{
    struct mailbox *box = new_box(2);
    struct letter letters[4];
    ck_assert_int_eq(mailbox_post(box, &letters[0].mail), 0);
    ck_assert_int_eq(mailbox_post(box, &letters[1].mail), 0);
    ck_assert_int_eq(mailbox_post(box, &letters[2].mail), -ENOBUFS);
    mailbox_force(box, &letters[3].mail);
    const struct mail *mail = mailbox_take(box);
    ck_assert_ptr_eq(mail, &letters[0].mail);
    ck_assert_ptr_eq(mail->next, &letters[1].mail);
    ck_assert_ptr_eq(mail->next->next, &letters[3].mail);
    ck_assert_ptr_null(mail->next->next->next);
    ck_assert_int_eq(mailbox_post(box, &letters[2].mail), 0); /* room again */
    mailbox_free(box);
}
END_TEST

START_TEST(test_readable)
{
    struct mailbox *box = new_box(10);
    struct letter letters[2];
    ck_assert_int_eq(readable(box), 0);
    ck_assert_ptr_null(mailbox_take(box));
    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(mailbox_post(box, &letters[0].mail), 0);
        ck_assert_int_eq(mailbox_post(box, &letters[1].mail), 0);
        ck_assert_int_eq(readable(box), 1);
        ck_assert_ptr_nonnull(mailbox_take(box));
        ck_assert_int_eq(readable(box), 0);
    }
    mailbox_free(box);
    mailbox_free(NULL);
}
END_TEST

START_TEST(test_wake)
{
    struct mailbox *box = new_box(10);
    mailbox_wake(box);
    mailbox_wake(box);
    ck_assert_int_eq(readable(box), 1);
    ck_assert_ptr_null(mailbox_take(box));
    ck_assert_int_eq(readable(box), 0);
    mailbox_free(box);
}
END_TEST

static bool readable_within(const struct mailbox *box, int timeout_ms)
{
    struct pollfd p = {.fd = mailbox_fd(box), .events = POLLIN};
    return poll(&p, 1, timeout_ms) == 1;
}

/* Mail in no hurry waits for company, but not for ever; mail in a hurry does not wait with it. */
START_TEST(test_later)
{
    struct mailbox *box;
    struct mail patient, hasty;
    ck_assert_int_eq(mailbox_new(2, &box), 0);
    ck_assert_int_eq(mailbox_post_later(box, &patient), 0);
    ck_assert(readable_within(box, 10000));
    ck_assert_ptr_eq(mailbox_take(box), &patient);
    ck_assert(!readable_within(box, 0));
    ck_assert_int_eq(mailbox_post_later(box, &patient), 0);
    ck_assert_int_eq(mailbox_post(box, &hasty), 0);
    ck_assert(readable_within(box, 0));
    ck_assert_ptr_eq(mailbox_take(box), &patient);
    ck_assert_ptr_eq(patient.next, &hasty);
    ck_assert_int_eq(mailbox_post_later(box, &patient), 0);
    ck_assert_int_eq(mailbox_post_later(box, &hasty), 0);
    ck_assert_int_eq(mailbox_post_later(box, &(struct mail){0}), -ENOBUFS);
    (void)mailbox_take(box);
    mailbox_free(box);
}
END_TEST

UNIT_TESTS("mailbox", test_later, test_order, test_one_by_one, test_limit, test_readable, test_wake)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailbox under load: many senders, one owner who sleeps in poll(). Nothing is lost, nothing comes twice, the mails
 * of each sender stay in order, the limit holds, and no wake-up is missed (else the owner would sleep for ever).
 */
#include "daemon/base/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "tests/support/unit.h"

#define SENDERS 4
#define LETTERS 20000
#define LIMIT   64

struct letter {
    struct mail mail;
    unsigned sender, number;
    char content; /* plain memory: ThreadSanitizer sees whether the hand-over orders it */
};

struct sender {
    pthread_t thread;
    struct mailbox *box;
    unsigned index;
    bool force;
};

static void *send_all(void *arg)
{
    struct sender *s = arg;
    for (unsigned i = 0; i < LETTERS; i++) {
        struct letter *letter = malloc(sizeof *letter);
        *letter = (struct letter){.sender = s->index, .number = i, .content = (char)i};
        if (s->force) {
            mailbox_force(s->box, &letter->mail);
            continue;
        }
        while (mailbox_post(s->box, &letter->mail) == -ENOBUFS)
            sched_yield();
    }
    return NULL;
}

static void check_and_free(struct mail *mail, unsigned next[static SENDERS])
{
    struct letter *letter = (struct letter *)mail;
    ck_assert_uint_eq(letter->number, next[letter->sender]++);
    ck_assert_int_eq(letter->content, (char)letter->number);
    free(letter);
}

static void receive_one_by_one(struct mailbox *box)
{
    unsigned next[SENDERS] = {0};
    for (size_t received = 0; received < SENDERS * LETTERS;) {
        struct pollfd fd = {.fd = mailbox_fd(box), .events = POLLIN};
        ck_assert_int_eq(poll(&fd, 1, 10000), 1);
        for (struct mail *mail; (mail = mailbox_next(box)); received++)
            check_and_free(mail, next);
    }
}

/* Returns the most that were in the box at once. */
static size_t receive_all(struct mailbox *box)
{
    unsigned next[SENDERS] = {0};
    size_t received = 0, most = 0;
    while (received < SENDERS * LETTERS) {
        struct pollfd fd = {.fd = mailbox_fd(box), .events = POLLIN};
        ck_assert_int_eq(poll(&fd, 1, 10000), 1);
        size_t n = 0;
        for (struct mail *mail = mailbox_take(box), *after; mail; mail = after, n++) {
            after = mail->next;
            check_and_free(mail, next);
        }
        received += n;
        most = n > most ? n : most;
    }
    return most;
}

static size_t run(struct mailbox *box, bool force, bool one_by_one)
{
    struct sender senders[SENDERS];
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.box = box, .index = i, .force = force};
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    size_t most = 0;
    if (one_by_one)
        receive_one_by_one(box);
    else
        most = receive_all(box);
    for (unsigned i = 0; i < SENDERS; i++)
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
    ck_assert_ptr_null(mailbox_take(box));
    return most;
}

START_TEST(test_bounded)
{
    struct mailbox *box;
    ck_assert_int_eq(mailbox_new(LIMIT, &box), 0);
    ck_assert_uint_le(run(box, false, false), LIMIT * (1 + SENDERS));
    mailbox_free(box);
}
END_TEST

START_TEST(test_forced)
{
    struct mailbox *box;
    ck_assert_int_eq(mailbox_new(1, &box), 0);
    (void)run(box, true, false);
    mailbox_free(box);
}
END_TEST

START_TEST(test_one_by_one)
{
    struct mailbox *box;
    ck_assert_int_eq(mailbox_new(LIMIT, &box), 0);
    (void)run(box, false, true);
    mailbox_free(box);
}
END_TEST

UNIT_TESTS("mailbox_threads", test_bounded, test_forced, test_one_by_one)

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
    uint64_t refused;
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
        while (mailbox_post(s->box, &letter->mail) == -ENOBUFS) {
            s->refused++;
            sched_yield();
        }
    }
    return NULL;
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
            struct letter *letter = (struct letter *)mail;
            after = mail->next;
            ck_assert_uint_eq(letter->number, next[letter->sender]++);
            ck_assert_int_eq(letter->content, (char)letter->number);
            free(letter);
        }
        received += n;
        most = n > most ? n : most;
    }
    return most;
}

static size_t run(struct mailbox *box, bool force, uint64_t *ret_refused)
{
    struct sender senders[SENDERS];
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.box = box, .index = i, .force = force};
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    size_t most = receive_all(box);
    *ret_refused = 0;
    for (unsigned i = 0; i < SENDERS; i++) {
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
        *ret_refused += senders[i].refused;
    }
    ck_assert_uint_eq(mailbox_length(box), 0);
    ck_assert_ptr_null(mailbox_take(box));
    return most;
}

START_TEST(test_bounded)
{
    struct mailbox *box;
    uint64_t refused;
    ck_assert_int_eq(mailbox_new(LIMIT, &box), 0);
    ck_assert_uint_le(run(box, false, &refused), LIMIT);
    ck_assert_uint_eq(mailbox_refused(box), refused);
    mailbox_free(box);
}
END_TEST

START_TEST(test_forced)
{
    struct mailbox *box;
    uint64_t refused;
    ck_assert_int_eq(mailbox_new(1, &box), 0);
    (void)run(box, true, &refused);
    ck_assert_uint_eq(mailbox_refused(box), 0);
    mailbox_free(box);
}
END_TEST

UNIT_TESTS("mailbox_threads", test_bounded, test_forced)

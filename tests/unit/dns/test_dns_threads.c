/* SPDX-License-Identifier: Apache-2.0 */
/* Workers answering while the catalog changes, grows into new segments and is handed over. For ThreadSanitizer. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/live.h"

#define INSTANCES 5
#define CHANGES   3000

static const char payment[] = "payment.shop." ZONE;

struct asker {
    int type; /* SOCK_DGRAM or SOCK_STREAM */
    const atomic_bool *stop;
    size_t answers, torn, broken, newest;
};

/* All records of one answer are of one change. */
static void look(struct asker *a, const uint8_t *bytes, size_t n, struct reply *r)
{
    if (!read_reply(bytes, n, r) || count(r, 0, SRV) != INSTANCES) {
        a->broken++;
        return;
    }
    a->answers++;
    for (size_t i = 1; i < INSTANCES; i++)
        a->torn += r->records[i].port != r->records[0].port;
    if (r->records[0].port > a->newest)
        a->newest = r->records[0].port;
}

static void *ask_on(void *arg)
{
    struct asker *a = arg;
    struct reply *r = malloc(sizeof *r);
    uint8_t query[512], answer[8192];
    size_t skip = a->type == SOCK_STREAM ? 2 : 0, n = build(payment, SRV, query + 2);
    int fd = live_connect(a->type);
    query[0] = 0;
    query[1] = (uint8_t)n;
    while (!atomic_load(a->stop)) {
        ssize_t got = send(fd, query + 2 - skip, n + skip, 0);
        if (got > 0)
            got = recv(fd, answer, sizeof answer, 0);
        look(a, answer + skip, got > (ssize_t)skip ? (size_t)got - skip : 0, r);
    }
    close(fd);
    free(r);
    return NULL;
}

static void change(uint16_t generation)
{
    for (int i = 0; i < INSTANCES; i++) {
        char key[64], address[32];
        snprintf(key, sizeof key, "shop.payment.web-1.p%d", i);
        snprintf(address, sizeof address, "10.0.0.%d", i + 1);
        put(key, generation, &(struct extra){.ipv4 = address, .weight = 1u + generation % 7});
    }
    flush();
}

/* What daemon.c does when the table has moved. */
static void hand_over(uint64_t *moves)
{
    uint64_t now = table_writer_stats(catalog_table(catalog)).moves;
    if (now != *moves)
        ck_assert_int_eq(dns_set_table(dns, table_writer_fd(catalog_table(catalog))), 0);
    *moves = now;
}

START_TEST(test_no_answer_is_torn)
{
    atomic_bool stop = false;
    struct asker askers[] = {
        {.type = SOCK_DGRAM, .stop = &stop}, {.type = SOCK_DGRAM, .stop = &stop}, {.type = SOCK_STREAM, .stop = &stop}};
    pthread_t threads[3];
    change(1);
    live_options();
    options.workers = 2;
    live_start();
    uint64_t moves = table_writer_stats(catalog_table(catalog)).moves, before = moves;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_on, &askers[i]), 0);
    for (uint16_t i = 2; i <= CHANGES; i++) {
        char other[64];
        change(i);
        snprintf(other, sizeof other, "shop.s%u.web-1.p1", i); /* grows the table through several segments */
        put(other, i, NULL);
        flush();
        hand_over(&moves);
    }
    ck_assert_uint_gt(moves, before + 1);
    ck_assert_uint_eq(first(live_ask(payment, SRV), 0, SRV)->port, CHANGES);
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(askers[i].broken, 0);
        ck_assert_uint_eq(askers[i].torn, 0);
        ck_assert_uint_gt(askers[i].answers, 10);
        ck_assert_uint_gt(askers[i].newest, 1);
    }
    live_stop();
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns threads", test_no_answer_is_torn)

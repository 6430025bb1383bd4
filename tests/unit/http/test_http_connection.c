/* SPDX-License-Identifier: Apache-2.0 */
/* What follows on one connection: further requests, ahead of their answers or not, and what is refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/http/http_fixture.h"

static char bytes[8 << 20];
static size_t n_bytes;

static void say(int sock, const char *text)
{
    ck_assert_int_eq(send(sock, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Until the text is there, for the n-th time. */
static void read_until(int sock, const char *text, int times)
{
    int64_t give_up_ns = clock_now_ns() + 10 * NS_PER_S;
    for (;;) {
        const char *at = bytes;
        bytes[n_bytes] = '\0';
        for (int found = 0; (at = strstr(at, text)); at++)
            if (++found == times)
                return;
        turn();
        ssize_t n = recv(sock, bytes + n_bytes, sizeof bytes - 1 - n_bytes, MSG_DONTWAIT);
        n_bytes += n > 0 ? (size_t)n : 0;
        ck_assert_msg(n != 0 && clock_now_ns() < give_up_ns, "no %s in %s", text, bytes);
    }
}

static int begin(struct http_options options)
{
    n_bytes = 0;
    restart(options);
    set_sync(TABLE_LIVE);
    return dial();
}

static void end(int sock)
{
    close(sock);
    for (int i = 0; i < 3; i++)
        turn();
    ck_assert_uint_eq(counter("discoverd_http_connections"), 0);
}

START_TEST(many_requests_on_one_connection)
{
    int sock = begin((struct http_options){0});
    for (int i = 1; i <= 5; i++) {
        say(sock, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        read_until(sock, "\r\n\r\nok\n", i);
    }
    say(sock, "HEAD /v1/services HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    read_until(sock, "\r\n\r\nok\n", 6); /* nothing stands between, and nothing of a body */
    ck_assert_uint_eq(counter("discoverd_http_requests_total"), 7);
    ck_assert_uint_eq(counter("discoverd_http_connections"), 1);
    end(sock);
}
END_TEST

/* Long ones and short ones, the answers in the order of the questions. */
START_TEST(requests_ahead_of_their_answers)
{
    int sock = begin((struct http_options){0});
    add_many("service", 3000);
    for (int i = 0; i < 20; i++)
        say(sock, i % 2 ? "GET /v1/services HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        : "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    say(sock, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n");
    read_until(sock, "0\r\n\r\n", 10);
    say(sock, "\r\n");
    read_until(sock, "live\n", 1);
    const char *at = bytes;
    for (int i = 0; i < 20; i++) {
        at = strstr(at, i % 2 ? "shop/service-2999" : "\r\n\r\nok\n");
        ck_assert_ptr_nonnull(at);
        at++;
    }
    ck_assert_uint_eq(counter("discoverd_http_requests_total"), 21);
    end(sock);
}
END_TEST

START_TEST(old_clients_may_keep_a_connection)
{
    int sock = begin((struct http_options){0});
    say(sock, "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    read_until(sock, "Connection: keep-alive", 1);
    read_until(sock, "\r\n\r\nok\n", 1);
    add_many("service", 3000);
    say(sock, "GET /v1/services HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"); /* its length is not known before */
    (void)read_all(sock, answer, ANSWER_MAX);
    ck_assert_ptr_nonnull(strstr(answer, "Connection: close"));
    ck_assert_ptr_null(strstr(answer, "chunked"));
    end(sock);
}
END_TEST

/* Nothing that stands behind it may be taken for a request. */
START_TEST(a_refused_body_ends_the_connection)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        {"PUT /v1/services HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n"
         "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
         405},
        {"POST /v1/services HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2c\r\n"
         "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
         411},
        {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\nExpect: 100-continue\r\n\r\n"
         "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
         413},
        {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: 200-ok\r\n\r\nGET /healthz HTTP/1.1\r\nHost: "
         "localhost\r\n\r\n",
         417},
        {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
         "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
         400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(ask(rows[i].text), rows[i].status);
        ck_assert_ptr_null(strstr(answer, "HTTP/1.1"));
        ck_assert_ptr_nonnull(strstr(head, "Connection: close"));
    }
    ck_assert_uint_eq(counter("discoverd_http_requests_total"), 0);
    ck_assert_uint_eq(counter("discoverd_http_refused_total"), sizeof rows / sizeof *rows);
}
END_TEST

/* Half of it closed is not the whole: the answer is still wanted. */
START_TEST(who_says_no_more_gets_his_answer)
{
    int sock = begin((struct http_options){0});
    add_many("service", 2000);
    say(sock,
        "GET /v1/services HTTP/1.1\r\nHost: localhost\r\n\r\nGET /v1/services HTTP/1.1\r\nHost: localhost\r\n\r\n");
    shutdown(sock, SHUT_WR);
    (void)read_all(sock, answer, ANSWER_MAX);
    ck_assert_ptr_nonnull(strstr(answer, "0\r\n\r\n"));
    end(sock);
}
END_TEST

START_TEST(idle_ones_are_closed_without_a_word)
{
    int sock = begin((struct http_options){.idle_ns = 20 * NS_PER_MS});
    say(sock, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    read_until(sock, "\r\n\r\nok\n", 1);
    ck_assert_uint_eq(read_all(sock, answer, ANSWER_MAX), 0);
    ck_assert_uint_eq(counter("discoverd_http_connections_closed_total{reason=\"timeout\"}"), 0);
    end(sock);
}
END_TEST

/* One that has begun has the time of a request, not that of an idle one. */
START_TEST(a_slow_second_request_is_ended)
{
    int sock = begin((struct http_options){.timeout_ns = 20 * NS_PER_MS});
    say(sock, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /");
    read_until(sock, "\r\n\r\nok\n", 1);
    read_until(sock, "HTTP/1.1 408 ", 1);
    ck_assert_uint_eq(counter("discoverd_http_connections_closed_total{reason=\"timeout\"}"), 1);
    end(sock);
}
END_TEST

/* Whoever is idle makes room for whoever asks. */
START_TEST(an_idle_one_makes_room)
{
    int first = begin((struct http_options){.connections_max = 2});
    int second = dial();
    say(first, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    read_until(first, "\r\n\r\nok\n", 1);
    say(second, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    read_until(second, "\r\n\r\nok\n", 2);
    ck_assert_int_eq(get("/healthz"), 200);
    ck_assert_uint_eq(read_all(first, answer, ANSWER_MAX), 0);
    ck_assert_uint_eq(counter("discoverd_http_connections_closed_total{reason=\"displaced\"}"), 1);
    ck_assert_uint_eq(counter("discoverd_http_connections_closed_total{reason=\"limit\"}"), 0);
    close(first);
    end(second);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "http/connection", many_requests_on_one_connection, requests_ahead_of_their_answers,
              old_clients_may_keep_a_connection, a_refused_body_ends_the_connection, who_says_no_more_gets_his_answer,
              idle_ones_are_closed_without_a_word, a_slow_second_request_is_ended, an_idle_one_makes_room)

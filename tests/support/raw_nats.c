/* SPDX-License-Identifier: Apache-2.0 */
/* The NATS protocol by hand. */
#include "tests/support/raw_nats.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/wait.h"

#define TIMEOUT_MS 10000

/* The bytes of one message; false when it is not whole yet. */
static bool take_message(struct raw_nats *raw, const char *line, size_t line_len, size_t *ret_used)
{
    char subject[256] = "", reply[256] = "";
    unsigned sid = 0;
    size_t n_headers = 0, n = 0;
    bool headers = line[0] == 'H';
    if (headers && sscanf(line, "HMSG %255s %u %255s %zu %zu", subject, &sid, reply, &n_headers, &n) != 5)
        ck_assert_int_eq(sscanf(line, "HMSG %255s %u %zu %zu", subject, &sid, &n_headers, &n), 4);
    if (!headers && sscanf(line, "MSG %255s %u %255s %zu", subject, &sid, reply, &n) != 4)
        ck_assert_int_eq(sscanf(line, "MSG %255s %u %zu", subject, &sid, &n), 3);
    if (raw->n_in < line_len + 2 + n + 2)
        return false;
    *ret_used = line_len + 2 + n + 2;
    if (raw->n_messages == RAW_MESSAGES_MAX)
        return true;
    struct raw_message *m = &raw->messages[raw->n_messages++];
    const char *payload = line + line_len + 2;
    m->sid = sid;
    m->n = n - n_headers;
    snprintf(m->subject, sizeof m->subject, "%s", subject);
    snprintf(m->headers, sizeof m->headers, "%.*s", (int)n_headers, payload);
    size_t kept = m->n < sizeof m->value - 1 ? m->n : sizeof m->value - 1;
    memcpy(m->value, payload + n_headers, kept);
    m->value[kept] = '\0';
    return true;
}

/* One line of the protocol; true when it was a PONG. */
static bool take_line(struct raw_nats *raw, size_t line_len, size_t *ret_used)
{
    const char *line = raw->in;
    *ret_used = line_len + 2;
    if (strncmp(line, "MSG ", 4) == 0 || strncmp(line, "HMSG ", 5) == 0)
        *ret_used = take_message(raw, line, line_len, ret_used) ? *ret_used : 0;
    else if (strncmp(line, "-ERR", 4) == 0)
        snprintf(raw->error, sizeof raw->error, "%.*s", (int)line_len, line);
    else if (strncmp(line, "PING", 4) == 0)
        (void)send(raw->fd, "PONG\r\n", 6, MSG_NOSIGNAL);
    return strncmp(line, "PONG", 4) == 0;
}

static bool parse(struct raw_nats *raw)
{
    bool pong = false;
    char *end;
    while (!pong && (end = memmem(raw->in, raw->n_in, "\r\n", 2))) {
        size_t used, line_len = (size_t)(end - raw->in);
        *end = '\0';
        pong = take_line(raw, line_len, &used);
        *end = '\r';
        if (used == 0)
            break;
        memmove(raw->in, raw->in + used, raw->n_in - used);
        raw->n_in -= used;
    }
    return pong;
}

static void fill(struct raw_nats *raw, int flags)
{
    ssize_t n = recv(raw->fd, raw->in + raw->n_in, sizeof raw->in - raw->n_in, flags);
    if (n > 0)
        raw->n_in += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        raw->closed = true;
}

static void send_all(struct raw_nats *raw, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n > 0) {
        ssize_t sent = send(raw->fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return; /* closed by the server: why may still be there to be read */
        p += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
}

bool raw_pump(struct raw_nats *raw)
{
    if (!raw->closed)
        fill(raw, MSG_DONTWAIT);
    (void)parse(raw);
    return true;
}

bool raw_flush(struct raw_nats *raw)
{
    struct pollfd fd = {.fd = raw->fd, .events = POLLIN};
    send_all(raw, "PING\r\n", 6);
    for (bool pong = false; !pong && !raw->closed;) {
        ck_assert_msg(poll(&fd, 1, TIMEOUT_MS) > 0, "no PONG; %s", raw->error);
        fill(raw, 0);
        pong = parse(raw);
    }
    return !raw->closed;
}

void raw_open(struct raw_nats *raw, int port, const char *user, const char *password)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char text[512];
    memset(raw, 0, sizeof *raw);
    raw->messages = calloc(RAW_MESSAGES_MAX, sizeof *raw->messages);
    raw->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert(raw->messages && raw->fd >= 0);
    ck_assert_int_eq(connect(raw->fd, (const struct sockaddr *)&sa, sizeof sa), 0);
    int n = snprintf(text, sizeof text,
                     "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,"
                     "\"lang\":\"c\",\"version\":\"1\",\"protocol\":1,\"user\":\"%s\",\"pass\":\"%s\"}\r\n",
                     user, password);
    send_all(raw, text, (size_t)n);
    ck_assert_msg(raw_flush(raw), "%s is not let in: %s", user, raw->error);
}

void raw_close(struct raw_nats *raw)
{
    close(raw->fd);
    free(raw->messages);
    raw->messages = NULL;
}

unsigned raw_subscribe(struct raw_nats *raw, const char *subject)
{
    char text[512];
    int n = snprintf(text, sizeof text, "SUB %s %u\r\n", subject, ++raw->last_sid);
    send_all(raw, text, (size_t)n);
    return raw->last_sid;
}

void raw_publish(struct raw_nats *raw, const char *subject, const char *reply, const char *headers, const void *value,
                 size_t n)
{
    char line[1024];
    size_t n_headers = headers ? strlen(headers) : 0;
    int len = snprintf(line, sizeof line, "%s %s %s", headers ? "HPUB" : "PUB", subject, reply ? reply : "");
    if (headers)
        len += snprintf(line + len, sizeof line - (size_t)len, " %zu", n_headers);
    len += snprintf(line + len, sizeof line - (size_t)len, " %zu\r\n", n_headers + n);
    send_all(raw, line, (size_t)len);
    send_all(raw, headers, n_headers);
    send_all(raw, value, n);
    send_all(raw, "\r\n", 2);
}

const struct raw_message *raw_find(const struct raw_nats *raw, const char *subject)
{
    for (size_t i = 0; i < raw->n_messages; i++)
        if (strstr(raw->messages[i].subject, subject))
            return &raw->messages[i];
    return NULL;
}

const struct raw_message *raw_find_value(const struct raw_nats *raw, const char *text)
{
    for (size_t i = 0; i < raw->n_messages; i++)
        if (strstr(raw->messages[i].value, text))
            return &raw->messages[i];
    return NULL;
}

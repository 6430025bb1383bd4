/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP interface in front of a real catalog, and clients of it in the same thread. */
#include "tests/unit/http/http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "libdiscover/core/clock.h"
#include "tests/support/options.h"
#include "tests/support/port.h"
#include "tests/support/unit.h"

struct event_base *base;
struct metrics *metrics;
struct catalog *catalog;
struct http *http;
int port;
char *answer;
char head[HEAD_CAP];

static void on_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

void status_op(void *arg, Discover__V1__Status *s)
{
    (void)arg;
    s->version = (char *)"0.1.0";
    s->host = (char *)"web-1";
    s->sync = (char *)"live";
    s->services = 2;
}

static void begin(struct http_options options)
{
    const struct catalog_options catalog_options = {.host = "web-1",
                                                    .region = "eu",
                                                    .zone = "z1",
                                                    .table_words = 1 << 16,
                                                    .first_index = 1000,
                                                    .hosts_max = 100,
                                                    .services_max = 100000,
                                                    .instances_per_host_max = 100000};
    signal(SIGPIPE, SIG_IGN);
    answer = malloc(ANSWER_MAX);
    ck_assert_ptr_nonnull(answer);
    base = loop_new();
    ck_assert_ptr_nonnull(base);
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(catalog_new(&catalog_options, on_moved, NULL, &catalog), 0);
    static char listen[32];
    port = port ? port : port_take(); /* once a process: a fuzzer begins again for each input */
    snprintf(listen, sizeof listen, "127.0.0.1:%d", port);
    options.listen = listen;
    options = http_complete(options);
    const struct http_ops ops = {.catalog = catalog, .status = status_op};
    ck_assert_int_eq(http_new(base, &options, &ops, metrics, &http), 0);
}

void teardown(void)
{
    http_free(http);
    catalog_free(catalog);
    metrics_free(metrics);
    loop_free(base);
    free(answer);
}

void setup(void)
{
    begin((struct http_options){0});
}

void restart(struct http_options options)
{
    teardown();
    begin(options);
}

void set_sync(enum table_sync sync)
{
    int64_t since_ns = sync == TABLE_STALE ? clock_now_ns() - 7 * NS_PER_S : 0;
    table_writer_alive(catalog_table(catalog), clock_now_ns());
    table_writer_set_sync(catalog_table(catalog), sync, since_ns);
}

static uint64_t version;

void add(const char *service, const char *instance, enum discover_state state)
{
    struct instance_key key = {.domain = "shop", .host = "web-1"};
    struct record r;
    snprintf(key.service, sizeof key.service, "%s", service);
    snprintf(key.instance, sizeof key.instance, "%s", instance);
    record_init(&r);
    r.epoch = 1;
    r.counter = ++version;
    r.port = 8080;
    r.state = (uint8_t)state;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    ck_assert_int_eq(record_add_address(&r, "2001:db8::1"), 0);
    ck_assert_int_eq(record_add_tag(&r, "canary"), 0);
    ck_assert_int_eq(record_set_meta(&r, "app-version", "1.4 \"x\""), 0);
    ck_assert_int_eq(catalog_put(catalog, &key, &r), 0);
}

void add_many(const char *prefix, int n)
{
    for (int i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s-%d", prefix, i);
        add(name, "a", DISCOVER_PASSING);
    }
    (void)catalog_flush(catalog);
}

struct wanted {
    const char *name;
    uint64_t value;
};

static void find(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    (void)h;
    struct wanted *wanted = arg;
    if (strcmp(metric->name, wanted->name) == 0)
        wanted->value = value;
}

uint64_t counter(const char *name)
{
    struct wanted wanted = {name, UINT64_MAX};
    metrics_each(metrics, find, &wanted);
    return wanted.value;
}

/* --- a client --- */

int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Set before connecting it bounds what the kernel takes for a client that does not read. */
    int window = 65536;
    ck_assert_int_eq(setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &window, sizeof window), 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(sock, (struct sockaddr *)&address, sizeof address), 0);
    return sock;
}

void turn(void)
{
    ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

/* Everything until the server closes. */
size_t read_all(int sock, char *bytes, size_t cap)
{
    size_t used = 0;
    int64_t give_up_ns = clock_now_ns() + 10 * NS_PER_S;
    while (clock_now_ns() < give_up_ns) {
        turn();
        ssize_t n = recv(sock, bytes + used, cap - 1 - used, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0) {
            bytes[used] = '\0';
            return used;
        }
        used += (size_t)n;
    }
    ck_abort_msg("the server does not close");
    return 0;
}

/* Puts the chunks together; false if the end is missing. */
bool unchunk(char *body)
{
    char *to = body;
    for (char *at = body;;) {
        char *end;
        size_t n = strtoul(at, &end, 16);
        if (end == at || strncmp(end, "\r\n", 2) != 0)
            return false;
        at = end + 2;
        if (n == 0) {
            *to = '\0';
            return strcmp(at, "\r\n") == 0;
        }
        if (strlen(at) < n + 2)
            return false;
        memmove(to, at, n);
        to += n;
        at += n + 2;
    }
}

int take_answer(int sock)
{
    int status;
    (void)read_all(sock, answer, ANSWER_MAX);
    close(sock);
    turn();
    char *body = strstr(answer, "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    snprintf(head, sizeof head, "%.*s", (int)(body - answer), answer);
    ck_assert_int_eq(sscanf(head, "HTTP/1.1 %d ", &status), 1);
    memmove(answer, body + 4, strlen(body + 4) + 1);
    if (strstr(head, "chunked") && answer[0])
        ck_assert(unchunk(answer));
    return status;
}

int ask(const char *request)
{
    int sock = dial();
    ck_assert_int_eq(send(sock, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    return take_answer(sock);
}

int get(const char *path)
{
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    return ask(request);
}

json_t *get_json(const char *path)
{
    json_error_t error;
    ck_assert_int_eq(get(path), 200);
    ck_assert_ptr_nonnull(strstr(head, "Content-Type: application/json"));
    json_t *json = json_loads(answer, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", error.text, answer);
    return json;
}

const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    ck_assert_msg(text != NULL, "%s", name);
    return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Checks against real sockets that accept, refuse, are silent, or talk nonsense. */
#include "daemon/check/checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static struct event_base *base;
static struct metrics *metrics;
static struct checks *checks;
static struct instance_key key = {.domain = "shop", .service = "payment", .host = "web-1", .instance = "a"};
static enum discover_state state; /* as told; 0: nothing yet */
static int told;

static void on_state(void *arg, const struct instance_key *of, enum discover_state now)
{
    (void)arg;
    ck_assert_str_eq(of->instance, "a");
    state = now;
    told++;
}

static void setup(void)
{
    state = 0;
    told = 0;
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(checks_new(base, metrics, on_state, NULL, &checks), 0);
}

static void teardown(void)
{
    checks_free(checks);
    metrics_free(metrics);
    event_base_free(base);
}

struct wanted {
    const char *name;
    uint64_t value;
};

static void find(void *arg, const struct metric *metric, uint64_t value)
{
    struct wanted *wanted = arg;
    if (strcmp(metric->name, wanted->name) == 0)
        wanted->value = value;
}

static uint64_t counter(const char *name)
{
    struct wanted wanted = {name, UINT64_MAX};
    metrics_each(metrics, find, &wanted);
    return wanted.value;
}

/* --- servers --- */

/* Bound, so that nobody else gets the port, and not listening yet. */
static int bind_on(uint16_t port, uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(sock, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(sock, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return sock;
}

static int refuse_on(uint16_t *ret_port)
{
    return bind_on(0, ret_port);
}

static int listen_on(uint16_t *ret_port)
{
    int sock = bind_on(0, ret_port);
    ck_assert_int_eq(listen(sock, 64), 0);
    return sock;
}

/* Answers whatever is asked with a fixed text. */
struct answering {
    int sock;
    struct event *event;
    const char *text;
    char asked[1024];
};

static void on_question(evutil_socket_t fd, short what, void *arg)
{
    struct answering *a = arg;
    (void)what;
    ssize_t n = recv(fd, a->asked, sizeof a->asked - 1, 0);
    if (n > 0)
        a->asked[n] = '\0';
    (void)!send(fd, a->text, strlen(a->text), MSG_NOSIGNAL);
    close(fd);
}

static void on_client(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0)
        ck_assert_int_eq(event_base_once(base, client, EV_READ, on_question, arg, NULL), 0);
}

static uint16_t answer_with(struct answering *a, const char *text)
{
    uint16_t port;
    a->text = text;
    a->sock = listen_on(&port);
    a->event = event_new(base, a->sock, EV_READ | EV_PERSIST, on_client, a);
    ck_assert_int_eq(event_add(a->event, NULL), 0);
    return port;
}

static void stop_answering(struct answering *a)
{
    event_free(a->event);
    close(a->sock);
}

/* --- checks --- */

static struct check_config config_of(enum check_kind kind, const char *form, uint16_t port)
{
    struct check_config c = {
        .kind = kind, .interval_ns = 2 * NS_PER_MS, .timeout_ns = 50 * NS_PER_MS, .fall = 3, .rise = 2};
    char text[64];
    ck_assert_ptr_nonnull(strstr(form, "%u"));
    snprintf(text, sizeof text, "%u", port);
    snprintf(c.target, sizeof c.target, "%.*s%s%s", (int)(strstr(form, "%u") - form), form, text,
             strstr(form, "%u") + 2);
    return c;
}

static void set(const struct check_config *configs, size_t n)
{
    ck_assert_int_eq(checks_set(checks, &key, configs, n), 0);
}

static void turn(void)
{
    ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void wait_for(enum discover_state wanted)
{
    int64_t give_up_ns = clock_now_ns() + 10 * NS_PER_S;
    while (state != wanted && clock_now_ns() < give_up_ns)
        turn();
    ck_assert_int_eq(state, wanted);
}

static void wait_for_runs(uint64_t n)
{
    while (counter("discoverd_check_runs_total") < n)
        turn();
}

START_TEST(falls_and_rises)
{
    setup();
    uint16_t port;
    /* Only a port that was asked for by number is kept when a socket stops listening. */
    close(bind_on(0, &port));
    int sock = bind_on(port, &port);
    ck_assert_int_eq(listen(sock, 64), 0);
    struct check_config c = config_of(CHECK_TCP, "127.0.0.1:%u", port);
    set(&c, 1);
    ck_assert_uint_eq(counter("discoverd_checks"), 1);
    wait_for_runs(3);
    ck_assert_int_eq(told, 0); /* passing is what everybody takes it for */
    ck_assert_int_eq(shutdown(sock, SHUT_RDWR), 0);
    wait_for(DISCOVER_CRITICAL);
    ck_assert_uint_ge(counter("discoverd_check_failures_total"), 3);
    ck_assert_int_eq(listen(sock, 64), 0);
    wait_for(DISCOVER_PASSING);
    ck_assert_int_eq(told, 2);
    close(sock);
    teardown();
}
END_TEST

START_TEST(broken_from_the_start)
{
    setup();
    uint16_t port;
    int sock = refuse_on(&port);
    struct check_config c = config_of(CHECK_TCP, "127.0.0.1:%u", port);
    c.fall = 100;
    c.interval_ns = 3600 * NS_PER_S;
    set(&c, 1);
    wait_for(DISCOVER_CRITICAL);
    ck_assert_uint_eq(counter("discoverd_check_runs_total"), 1);
    close(sock);
    teardown();
}
END_TEST

/* A network with one port that a connection can come from; false, said, where that is not for us to make. */
static bool own_network_of_one_port(unsigned port)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
        printf("-- skipped: a check that reaches itself: needs root, and network namespaces\n");
        return false;
    }
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(ioctl(sock, SIOCSIFFLAGS, &lo), 0);
    close(sock);
    FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
    ck_assert_ptr_nonnull(range);
    fprintf(range, "%u %u", port, port);
    ck_assert_int_eq(fclose(range), 0);
    return true;
}

START_TEST(who_reaches_himself_has_reached_nobody)
{
    if (!own_network_of_one_port(40000))
        return;
    setup();
    struct check_config c = config_of(CHECK_TCP, "127.0.0.1:%u", 40000);
    c.interval_ns = 3600 * NS_PER_S; /* the second time the port is still in use */
    set(&c, 1);
    wait_for(DISCOVER_CRITICAL);
    teardown();
}
END_TEST

START_TEST(names_are_looked_up)
{
    setup();
    struct answering a;
    uint16_t port = answer_with(&a, "HTTP/1.1 500 No\r\n\r\n");
    /* Only over IPv4: the look-up may well put ::1 first. */
    struct check_config c = config_of(CHECK_HTTP, "http://localhost:%u/healthz?x=1", port);
    set(&c, 1);
    wait_for(DISCOVER_CRITICAL);
    ck_assert_ptr_nonnull(strstr(a.asked, "GET /healthz?x=1 HTTP/1.0\r\nHost: localhost:"));
    a.text = "HTTP/1.1 204 No Content\r\n\r\n";
    wait_for(DISCOVER_PASSING);
    stop_answering(&a);
    teardown();
}
END_TEST

START_TEST(answers_that_do_not_pass)
{
    static const char *const texts[] = {"HTTP/1.1 301 Moved\r\n\r\n", "HTTP/1.1 503 Busy\r\n\r\n",
                                        "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 2", ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        setup();
        struct answering a;
        struct check_config c = config_of(CHECK_HTTP, "http://127.0.0.1:%u/", answer_with(&a, texts[i]));
        set(&c, 1);
        wait_for(DISCOVER_CRITICAL);
        stop_answering(&a);
        teardown();
    }
}
END_TEST

START_TEST(silence_is_a_failure)
{
    setup();
    uint16_t port;
    int sock = listen_on(&port); /* takes the connection, never answers */
    struct check_config c = config_of(CHECK_HTTP, "http://127.0.0.1:%u/", port);
    set(&c, 1);
    wait_for(DISCOVER_CRITICAL);
    close(sock);
    teardown();
}
END_TEST

START_TEST(all_must_pass)
{
    setup();
    uint16_t good, bad;
    int sock = listen_on(&good), other = refuse_on(&bad);
    struct check_config both[] = {config_of(CHECK_TCP, "127.0.0.1:%u", good),
                                  config_of(CHECK_TCP, "127.0.0.1:%u", bad)};
    set(both, 2);
    wait_for(DISCOVER_CRITICAL);
    /* The one that fails is taken out of the configuration. */
    set(both, 1);
    wait_for(DISCOVER_PASSING);
    ck_assert_int_eq(told, 2);
    close(sock);
    close(other);
    teardown();
}
END_TEST

START_TEST(without_checks_it_passes_again)
{
    setup();
    uint16_t bad;
    int sock = refuse_on(&bad);
    struct check_config c = config_of(CHECK_TCP, "127.0.0.1:%u", bad);
    set(&c, 1);
    wait_for(DISCOVER_CRITICAL);
    set(NULL, 0);
    ck_assert_uint_eq(counter("discoverd_checks"), 0);
    wait_for(DISCOVER_PASSING);
    close(sock);
    teardown();
}
END_TEST

/* A reload that changes something else must not forget that the check has failed. */
START_TEST(same_checks_go_on)
{
    setup();
    uint16_t bad;
    int sock = refuse_on(&bad);
    struct check_config c[] = {config_of(CHECK_TCP, "127.0.0.1:%u", bad), config_of(CHECK_TCP, "127.0.0.1:%u", bad)};
    c[1].fall = 9;
    set(c, 1);
    wait_for(DISCOVER_CRITICAL);
    struct check_config swapped[] = {c[1], c[0]};
    set(swapped, 2);
    wait_for_runs(5);
    ck_assert_int_eq(told, 1);
    close(sock);
    teardown();
}
END_TEST

START_TEST(bad_targets_change_nothing)
{
    setup();
    uint16_t bad;
    int sock = refuse_on(&bad);
    struct check_config c[] = {config_of(CHECK_TCP, "127.0.0.1:%u", bad), config_of(CHECK_TCP, "nonsense%u", 1)};
    ck_assert_int_eq(checks_set(checks, &key, c, 2), -EINVAL);
    ck_assert_uint_eq(counter("discoverd_checks"), 0);
    set(c, 1);
    ck_assert_int_eq(checks_set(checks, &key, c, 2), -EINVAL);
    ck_assert_uint_eq(counter("discoverd_checks"), 1);
    wait_for(DISCOVER_CRITICAL);
    close(sock);
    teardown();
}
END_TEST

static void remove_it(void *arg, const struct instance_key *of, enum discover_state now)
{
    (void)arg, (void)now;
    checks_remove(checks, of);
    told++;
}

START_TEST(removed_ones_say_nothing_more)
{
    uint16_t bad;
    setup();
    checks_free(checks);
    metrics_free(metrics);
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(checks_new(base, metrics, remove_it, NULL, &checks), 0);
    int sock = refuse_on(&bad);
    struct check_config c = config_of(CHECK_TCP, "127.0.0.1:%u", bad);
    set(&c, 1);
    while (!told)
        turn();
    ck_assert_uint_eq(counter("discoverd_checks"), 0);
    checks_remove(checks, &key);
    /* Also in the middle of a look-up that nobody answers. */
    c = config_of(CHECK_TCP, "no-such-host.invalid:%u", 80);
    set(&c, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
    checks_remove(checks, &key);
    ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
    ck_assert_int_eq(told, 1);
    close(sock);
    teardown();
}
END_TEST

UNIT_TESTS("check/checks", falls_and_rises, broken_from_the_start, who_reaches_himself_has_reached_nobody,
           names_are_looked_up, answers_that_do_not_pass, silence_is_a_failure, all_must_pass,
           without_checks_it_passes_again, same_checks_go_on, bad_targets_change_nothing, removed_ones_say_nothing_more)

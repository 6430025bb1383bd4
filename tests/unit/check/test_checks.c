/* SPDX-License-Identifier: Apache-2.0 */
/* Checks against real sockets that accept, refuse, are silent, or talk nonsense. */
#include "daemon/check/checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
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
static int reported;
static char deregistered[256];

static void on_deregister(void *arg, const struct instance_key *of, const char *why)
{
    (void)arg;
    ck_assert_str_eq(of->instance, "a");
    snprintf(deregistered, sizeof deregistered, "%s", why);
}

static void on_state(void *arg, const struct instance_key *of, enum discover_state now)
{
    (void)arg;
    ck_assert_str_eq(of->instance, "a");
    state = now;
    reported++;
}

static void make_checks(void (*fn)(void *arg, const struct instance_key *of, enum discover_state now))
{
    const struct checks_options options = {
        .all_max = 20, .per_instance_max = 4, .running_max = 10, .recoveries = 2, .seed = 1};
    const struct checks_ops ops = {.state = fn, .deregister = on_deregister};
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(checks_new(base, metrics, &options, &ops, &checks), 0);
}

static void setup(void)
{
    *deregistered = '\0';
    state = 0;
    reported = 0;
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    make_checks(on_state);
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

static void find(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    (void)h;
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

#define FAST " interval=150ms timeout=150ms" /* long enough on a busy machine */

/* form: "tcp=127.0.0.1:%u", and what else there is to say. */
static char *text_of(const char *form, uint16_t port)
{
    const char *at = strstr(form, "%u");
    char *text;
    ck_assert_ptr_nonnull(at);
    ck_assert_int_gt(asprintf(&text, "%.*s%u%s", (int)(at - form), form, port, at + 2), 0);
    return text;
}

static int try_set(char *const *texts, size_t n, char why[static CONFIG_WHY_CAP])
{
    const struct check_subject subject = {key, 8080};
    enum discover_state now;
    return checks_set(checks, &subject, texts, n, 0, &now, why);
}

static void set(char *const *texts, size_t n)
{
    char why[CONFIG_WHY_CAP] = "";
    ck_assert_msg(try_set(texts, n, why) == 0, "%s", why);
}

static void set_one(const char *form, uint16_t port)
{
    char *text = text_of(form, port);
    set(&text, 1);
    free(text);
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
    uint16_t port;
    /* Only a port that was asked for by number is kept when a socket stops listening. */
    close(bind_on(0, &port));
    int sock = bind_on(port, &port);
    ck_assert_int_eq(listen(sock, 64), 0);
    set_one("tcp=127.0.0.1:%u" FAST, port);
    ck_assert_uint_eq(counter("discoverd_checks"), 1);
    wait_for_runs(3);
    ck_assert_int_eq(reported, 0); /* passing is what everybody takes it for */
    ck_assert_int_eq(shutdown(sock, SHUT_RDWR), 0);
    wait_for(DISCOVER_CRITICAL);
    ck_assert_uint_ge(counter("discoverd_check_failures_total"), 3);
    ck_assert_int_eq(listen(sock, 64), 0);
    wait_for(DISCOVER_PASSING);
    ck_assert_int_eq(reported, 2);
    close(sock);
}
END_TEST

START_TEST(broken_from_the_start)
{
    uint16_t port;
    int sock = refuse_on(&port);
    set_one("tcp=127.0.0.1:%u fall=100 interval=1h", port);
    wait_for(DISCOVER_CRITICAL);
    ck_assert_uint_eq(counter("discoverd_check_runs_total"), 1);
    close(sock);
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
    set_one("tcp=127.0.0.1:%u interval=1h", 40000); /* the second time the port is still in use */
    wait_for(DISCOVER_CRITICAL);
}
END_TEST

/* What the only check has said last. */
static bool keep_output(void *arg, const struct instance_key *of, const struct check_view *view)
{
    (void)of;
    snprintf(arg, 256, "%s", view->output);
    return true;
}

static const char *output(void)
{
    static char text[256];
    (void)checks_each(checks, &key, keep_output, text);
    return text;
}

START_TEST(names_are_looked_up)
{
    struct answering a;
    uint16_t port = answer_with(&a, "HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nbad!");
    /* Only over IPv4: the look-up may well put ::1 first. */
    set_one("http=http://localhost:%u/healthz?x=1" FAST, port);
    wait_for(DISCOVER_CRITICAL);
    ck_assert_str_eq(output(), "status 500\nbad!");
    ck_assert_ptr_nonnull(strstr(a.asked, "GET /healthz?x=1 HTTP/1.1\r\nHost: localhost:"));
    a.text = "HTTP/1.1 204 No Content\r\n\r\n";
    wait_for(DISCOVER_PASSING);
    stop_answering(&a);
}
END_TEST

START_TEST(answers)
{
    static const struct {
        const char *more, *text;
        enum discover_state state;
        const char *output;
    } rows[] = {
        {"", "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n\r\n", DISCOVER_CRITICAL, "status 301"},
        {"", "HTTP/1.1 503 Busy\r\n\r\n", DISCOVER_CRITICAL, "status 503"},
        {"", "HTTP/1.1 429 Slow down\r\n\r\n", DISCOVER_WARNING, "status 429"},
        {"", "SSH-2.0-OpenSSH_9.2\r\n", DISCOVER_CRITICAL, "Received HTTP/0.9 when not allowed"},
        {"", "HTTP/1.1 2", DISCOVER_CRITICAL, "Empty reply from server"},
        {"", "", DISCOVER_CRITICAL, "Empty reply from server"},
        {" codes=300-399", "HTTP/1.1 301 Moved\r\n\r\n", DISCOVER_PASSING, "status 301"},
        {" codes=204 codes=503", "HTTP/1.1 503 Busy\r\n\r\n", DISCOVER_PASSING, "status 503"},
        {" codes=429", "HTTP/1.1 429 Busy\r\n\r\n", DISCOVER_PASSING, "status 429"},
        {" match=\"all is well\"", "HTTP/1.0 200 OK\r\n\r\nyes, all is well", DISCOVER_PASSING,
         "status 200\nyes, all is well"},
        {" match=well", "HTTP/1.0 200 OK\r\n\r\nill", DISCOVER_CRITICAL,
         "status 200, but the text that must be in the answer is not\nill"},
        {" redirects=true", "HTTP/1.1 302 Moved\r\nLocation: ftp://127.0.0.1:1/\r\n\r\n", DISCOVER_CRITICAL,
         "Protocol \"ftp\" "}, /* what follows is another sentence in each libcurl */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char form[256];
        struct answering a;
        /* One run is enough, at once, which no busy machine makes end by its time. */
        snprintf(form, sizeof form, "http=http://127.0.0.1:%%u/%s interval=2s timeout=2s", rows[i].more);
        set_one(form, answer_with(&a, rows[i].text));
        wait_for_runs(1);
        for (int k = 0; k < 3; k++)
            ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
        ck_assert_msg(strncmp(output(), rows[i].output, strlen(rows[i].output)) == 0, "%s: %s", rows[i].text, output());
        ck_assert_int_eq(state ? state : DISCOVER_PASSING, rows[i].state);
        stop_answering(&a);
        teardown();
        setup();
    }
}
END_TEST

START_TEST(what_is_asked)
{
    struct answering a;
    uint16_t port = answer_with(&a, "HTTP/1.1 200 OK\r\n\r\n");
    set_one("http=http://127.0.0.1:%u/h method=PUT body=\"{\\\"deep\\\":true}\" headers=\"X-Token: a b\" "
            "headers=\"Host: shop.example\"" FAST,
            port);
    wait_for_runs(1);
    ck_assert_ptr_nonnull(strstr(a.asked, "PUT /h HTTP/1.1\r\nHost: shop.example\r\n"));
    ck_assert_ptr_nonnull(strstr(a.asked, "\r\nX-Token: a b\r\n"));
    ck_assert_ptr_nonnull(strstr(a.asked, "\r\n\r\n{\"deep\":true}"));
    set_one("http=http://127.0.0.1:%u/h method=HEAD" FAST, port);
    wait_for_runs(2);
    ck_assert_ptr_nonnull(strstr(a.asked, "HEAD /h HTTP/1.1\r\n"));
    stop_answering(&a);
}
END_TEST

START_TEST(silence_is_a_failure)
{
    uint16_t port;
    int sock = listen_on(&port); /* takes the connection, never answers */
    set_one("http=http://127.0.0.1:%u/" FAST, port);
    wait_for(DISCOVER_CRITICAL);
    ck_assert_str_eq(output(), "not done within 0.15 s: waiting for an answer");
    close(sock);
}
END_TEST

START_TEST(the_worst_counts)
{
    uint16_t good, bad;
    int sock = listen_on(&good), other = refuse_on(&bad);
    char *both[] = {text_of("tcp=127.0.0.1:%u" FAST, good), text_of("tcp=127.0.0.1:%u" FAST, bad)};
    set(both, 2);
    wait_for(DISCOVER_CRITICAL);
    /* The one that fails is taken out of the configuration. */
    char why[CONFIG_WHY_CAP];
    enum discover_state now;
    ck_assert_int_eq(checks_set(checks, &(struct check_subject){key, 8080}, both, 1, 0, &now, why), 0);
    ck_assert_int_eq(now, DISCOVER_PASSING);
    free(both[0]);
    free(both[1]);
    close(sock);
    close(other);
}
END_TEST

START_TEST(without_checks_it_passes_again)
{
    uint16_t bad;
    char why[CONFIG_WHY_CAP];
    enum discover_state now;
    int sock = refuse_on(&bad);
    set_one("tcp=127.0.0.1:%u" FAST, bad);
    wait_for(DISCOVER_CRITICAL);
    ck_assert_int_eq(checks_set(checks, &(struct check_subject){key, 8080}, NULL, 0, 0, &now, why), 0);
    ck_assert_int_eq(now, DISCOVER_PASSING);
    ck_assert_uint_eq(counter("discoverd_checks"), 0);
    close(sock);
}
END_TEST

/* A reload that changes something else must not forget that the check has failed. */
START_TEST(same_checks_go_on)
{
    uint16_t bad;
    int sock = refuse_on(&bad);
    char *texts[] = {text_of("tcp=127.0.0.1:%u" FAST, bad), text_of("tcp=127.0.0.1:%u fall=9" FAST, bad)};
    set(texts, 1);
    wait_for(DISCOVER_CRITICAL);
    char *swapped[] = {texts[1], texts[0]};
    set(swapped, 2);
    wait_for_runs(3);
    ck_assert_int_eq(reported, 1);
    free(texts[0]);
    free(texts[1]);
    close(sock);
}
END_TEST

START_TEST(bad_ones_change_nothing)
{
    uint16_t bad;
    char why[CONFIG_WHY_CAP];
    int sock = refuse_on(&bad);
    char *text = text_of("tcp=127.0.0.1:%u" FAST, bad);
    char *wrong[] = {text, (char *)"tcp=nonsense"}, *many[] = {text, text, text, text, text};
    ck_assert_int_eq(try_set(wrong, 2, why), -EINVAL);
    ck_assert_str_eq(why, "check 2: tcp: \"nonsense\" must be a host and a port such as \"127.0.0.1:8080\"");
    ck_assert_uint_eq(counter("discoverd_checks"), 0);
    set(wrong, 1);
    ck_assert_int_eq(try_set(wrong, 2, why), -EINVAL);
    ck_assert_int_eq(try_set(many, 5, why), -EINVAL);
    ck_assert_str_eq(why, "more checks than limits.checks_per_instance allows (4)");
    ck_assert_uint_eq(counter("discoverd_checks"), 1);
    wait_for(DISCOVER_CRITICAL);
    free(text);
    close(sock);
}
END_TEST

START_TEST(states_that_are_known_beforehand)
{
    const struct check_subject subject = {key, 8080};
    char why[CONFIG_WHY_CAP], *critical = (char *)"tcp=127.0.0.1:1 initial=critical",
                              *plain = (char *)"tcp=127.0.0.1:1";
    enum discover_state now;
    ck_assert_int_eq(checks_plan(checks, &key, &plain, 1, 0, CHECKS_OF_PROGRAM, &now, why), 0);
    ck_assert_int_eq(now, DISCOVER_PASSING);
    ck_assert_int_eq(checks_plan(checks, &key, &plain, 1, DISCOVER_CRITICAL, CHECKS_OF_PROGRAM, &now, why), 0);
    ck_assert_int_eq(now, DISCOVER_CRITICAL);
    ck_assert_int_eq(checks_plan(checks, &key, &critical, 1, 0, CHECKS_OF_PROGRAM, &now, why), 0);
    ck_assert_int_eq(now, DISCOVER_CRITICAL);
    ck_assert_int_eq(checks_set(checks, &subject, &critical, 1, 0, &now, why), 0);
    ck_assert_int_eq(now, DISCOVER_CRITICAL);
    ck_assert_int_eq(checks_plan(checks, &key, &plain, 1, DISCOVER_CRITICAL, CHECKS_OF_PROGRAM, &now, why), 0);
    ck_assert_int_eq(now, DISCOVER_PASSING); /* it is no new instance */
}
END_TEST

START_TEST(what_is_not_granted)
{
    static const struct {
        const char *text;
        enum checks_grant most;
        const char *why;
    } rows[] = {
        {"exec=/bin/true", CHECKS_OF_CONFIGURATION,
         "check 1: exec: commands are run for the configuration alone (api.exec_checks is false)"},
        {"http=http://a/ socket=/run/docker.sock", CHECKS_OF_OPERATOR,
         "check 1: socket: only for root, the daemon's own user and the configuration"},
        {"http=https://a/ tls.ca=/etc/shadow", CHECKS_OF_OPERATOR,
         "check 1: tls.ca: only for root, the daemon's own user and the configuration"},
        {"http=https://a/ tls.cert=/c tls.key=/k", CHECKS_OF_OPERATOR,
         "check 1: tls.key: only for root, the daemon's own user and the configuration"},
        {"tcp=a:1", CHECKS_OF_PROGRAM, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int grant = CHECKS_OF_CONFIGURATION; grant <= CHECKS_OF_PROGRAM; grant++) {
            char why[CONFIG_WHY_CAP] = "", *text = (char *)rows[i].text;
            enum discover_state now;
            int err = checks_plan(checks, &key, &text, 1, 0, (enum checks_grant)grant, &now, why);
            ck_assert_int_eq(err, grant <= (int)rows[i].most ? 0 : -EINVAL);
            if (err)
                ck_assert_str_eq(why, rows[i].why);
        }
    }
}
END_TEST

/* Each time it comes back is published, until it has done so too often: then it stays out, as bad as it was. */
START_TEST(one_that_flaps)
{
    struct answering a;
    set_one("http=http://127.0.0.1:%u/ fall=1 rise=1" FAST, answer_with(&a, "HTTP/1.1 500 No\r\n\r\n"));
    for (int i = 0; i < 2; i++) {
        wait_for(DISCOVER_CRITICAL);
        a.text = "HTTP/1.1 200 OK\r\n\r\n";
        wait_for(DISCOVER_PASSING);
        a.text = "HTTP/1.1 500 No\r\n\r\n";
    }
    wait_for(DISCOVER_CRITICAL);
    a.text = "HTTP/1.1 200 OK\r\n\r\n";
    while (counter("discoverd_check_recoveries_held_total") == 0)
        turn();
    wait_for_runs(counter("discoverd_check_runs_total") + 3);
    ck_assert_int_eq(state, DISCOVER_CRITICAL);
    ck_assert_int_eq(reported, 5);
    stop_answering(&a);
}
END_TEST

START_TEST(critical_for_too_long)
{
    uint16_t bad;
    double critical_s = 0;
    int64_t begun_ns = clock_now_ns();
    int sock = refuse_on(&bad);
    set_one("tcp=127.0.0.1:%u deregister_after=300ms" FAST, bad);
    while (!*deregistered)
        turn();
    ck_assert_int_eq(state, DISCOVER_CRITICAL);
    const char *since = strstr(deregistered, "its check tcp has been critical for ");
    ck_assert_ptr_nonnull(since);
    ck_assert_int_eq(sscanf(since, "its check tcp has been critical for %lf s", &critical_s), 1);
    ck_assert_double_ge(critical_s, 0.3);
    ck_assert_double_le(critical_s, 0.05 + (double)(clock_now_ns() - begun_ns) / NS_PER_S); /* it is rounded */
    ck_assert_ptr_nonnull(strstr(since, " s: Connection refused"));
    close(sock);
}
END_TEST

static void remove_it(void *arg, const struct instance_key *of, enum discover_state now)
{
    (void)arg, (void)now;
    (void)checks_remove(checks, of);
    reported++;
}

START_TEST(removed_ones_say_nothing_more)
{
    uint16_t bad;
    checks_free(checks);
    metrics_free(metrics);
    make_checks(remove_it);
    int sock = refuse_on(&bad);
    set_one("tcp=127.0.0.1:%u" FAST, bad);
    while (!reported)
        turn();
    ck_assert_uint_eq(counter("discoverd_checks"), 0);
    (void)checks_remove(checks, &key);
    /* Also in the middle of a look-up that nobody answers, and of a transfer. */
    int silent = listen_on(&bad);
    char *texts[] = {text_of("tcp=no-such-host.invalid:%u" FAST, 80), text_of("http=http://127.0.0.1:%u/" FAST, bad)};
    set(texts, 2);
    for (int i = 0; i < 50; i++)
        turn();
    (void)checks_remove(checks, &key);
    ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
    ck_assert_int_le(reported, 2);
    free(texts[0]);
    free(texts[1]);
    close(silent);
    close(sock);
}
END_TEST

static bool take_some(void *arg, const struct instance_key *of, const struct check_view *view)
{
    unsigned *left = arg;
    (void)of, (void)view;
    return *left > 0 && (*left)--;
}

/* Whoever asks takes as many as he has room for, and is told how many more there are; the others are not gone through. */
START_TEST(as_many_are_shown_as_are_taken)
{
    struct {
        struct instance_key of;
        unsigned room, left_out;
    } cases[] = {{{"", "", "", ""}, 9, 0},       {{"", "", "", ""}, 3, 3},      {{"", "", "", ""}, 0, 6},
                 {{"a", "s", "h", ""}, 9, 0},    {{"a", "s", "h", ""}, 1, 3},   {{"a", "s", "h", "two"}, 1, 1},
                 {{"a", "none", "h", ""}, 9, 0}, {{"a", "s", "h", "no"}, 9, 0}, {{"b", "s", "h", ""}, 1, 1}};
    static const struct instance_key keys[] = {{"a", "s", "h", "one"}, {"b", "s", "h", "one"}, {"a", "s", "h", "two"}};
    char *both[] = {(char *)"ttl=1h", (char *)"ttl=2h name=other"}, why[CONFIG_WHY_CAP];
    enum discover_state now;
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(checks_set(checks, &(struct check_subject){keys[i], 80}, both, 2, 0, &now, why), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_uint_eq(checks_each(checks, &cases[i].of, take_some, &cases[i].room), cases[i].left_out);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "check/checks", falls_and_rises, broken_from_the_start,
              who_reaches_himself_has_reached_nobody, names_are_looked_up, answers, what_is_asked, silence_is_a_failure,
              the_worst_counts, without_checks_it_passes_again, same_checks_go_on, bad_ones_change_nothing,
              states_that_are_known_beforehand, what_is_not_granted, one_that_flaps, critical_for_too_long,
              removed_ones_say_nothing_more, as_many_are_shown_as_are_taken)

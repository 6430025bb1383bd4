/* SPDX-License-Identifier: Apache-2.0 */
/* What one program ejects, the other programs of the host that share it leave out, for its time; look-ups
 * list it on. */
#include <discover/discover.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libdiscover/core/frame.h"
#include "proto/api.pb-c.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"
#define N       4

static struct host a;
static struct discover_picker *picker;

static void one_host_with_four_instances(void)
{
    host_start(&a, &(struct host_options){.services = "{ name = \"shop/payment\"; instance = \"p1\"; port = 8001; },"
                                                      "{ name = \"shop/payment\"; instance = \"p2\"; port = 8002; },"
                                                      "{ name = \"shop/payment\"; instance = \"p3\"; port = 8003; },"
                                                      "{ name = \"shop/payment\"; instance = \"p4\"; port = 8004; }"});
    (void)wait_until(3000, seen_by_lib(&a, SERVICE) == N, a.seen);
}

static struct discover_picker *new_picker(struct discover *d)
{
    struct discover_picker *p;
    ck_assert_int_eq(discover_picker_new(d, SERVICE, &p), 0);
    ck_assert_int_eq(discover_picker_share(p), 0);
    return p;
}

static uint64_t pick(struct discover_picker *p)
{
    struct discover_endpoint e;
    ck_assert_int_ge(discover_pick(p, &e), 0);
    return e.id;
}

/* The other program: calls of one instance fail. It tells which, and lives until it is told to go. */
static _Noreturn void other_program(int result, int hold)
{
    struct discover *d;
    struct discover_picker *p;
    uint64_t bad;
    if (discover_new(&d) < 0 || discover_set_socket(d, a.socket) < 0 || discover_start(d) < 0 ||
        discover_picker_new(d, SERVICE, &p) < 0 || discover_picker_share(p) < 0)
        _exit(1);
    struct discover_endpoint e;
    if (discover_pick(p, &e) < 0)
        _exit(2);
    for (int i = 0; i < 3; i++)
        discover_report(p, e.id, 10, DISCOVER_UNREACHABLE);
    bad = e.id;
    if (discover_pick(p, &e) < 0)
        _exit(2);
    struct pollfd work = {.fd = discover_fd(d), .events = POLLIN};
    if (poll(&work, 1, 5000) != 1 || discover_dispatch(d) < 0 || write(result, &bad, sizeof bad) != sizeof bad)
        _exit(3);
    char byte;
    (void)!read(hold, &byte, 1);
    discover_picker_free(p);
    discover_free(d);
    _exit(0);
}

static bool leaves_out(uint64_t id)
{
    (void)host_lib(&a); /* dispatches */
    for (int i = 0; i < 64; i++)
        if (pick(picker) == id)
            return false;
    return true;
}

START_TEST(of_another_process)
{
    int result[2], hold[2];
    one_host_with_four_instances();
    picker = new_picker(host_lib(&a));
    (void)pick(picker);
    ck_assert_int_eq(pipe(result) | pipe(hold), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(hold[1]);
        other_program(result[1], hold[0]);
    }
    uint64_t bad;
    ck_assert_int_eq(read(result[0], &bad, sizeof bad), sizeof bad);
    (void)wait_until(3000, leaves_out(bad), "picked");
    ck_assert_int_eq(seen_by_lib(&a, SERVICE), N);
    struct discover_picker *late = new_picker(host_lib(&a)); /* also who shares later hears of it */
    struct discover_picker *first = picker;
    picker = late;
    (void)wait_until(3000, leaves_out(bad), "picked");
    close(hold[1]);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    discover_picker_free(late);
    discover_picker_free(first);
}
END_TEST

static void send_frame(int sock, Discover__V1__ClientMessage *m)
{
    uint8_t bytes[512];
    size_t n = discover__v1__client_message__pack(m, bytes + FRAME_HEADER);
    frame_header(bytes, n);
    ck_assert_int_eq(write(sock, bytes, FRAME_HEADER + n), (ssize_t)(FRAME_HEADER + n));
}

/* A program that is in the greatest hurry: no picker ejects for a second only. */
static int eject_for_a_second(uint64_t id)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, a.socket, strlen(a.socket));
    ck_assert_int_eq(connect(sock, (struct sockaddr *)&address, sizeof address), 0);
    Discover__V1__Hello hello = DISCOVER__V1__HELLO__INIT;
    hello.version_min = hello.version_max = API_VERSION;
    Discover__V1__Eject eject = DISCOVER__V1__EJECT__INIT;
    eject.service = (char *)SERVICE;
    eject.id = id;
    eject.for_ms = 1000;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO;
    m.hello = &hello;
    send_frame(sock, &m);
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_EJECT;
    m.eject = &eject;
    send_frame(sock, &m);
    return sock;
}

START_TEST(end_by_their_time)
{
    one_host_with_four_instances();
    picker = new_picker(host_lib(&a));
    uint64_t id = pick(picker);
    int sock = eject_for_a_second(id);
    (void)wait_until(3000, leaves_out(id), "picked");
    ck_assert_int_eq(host_counter(&a, "discoverd_api_ejections_total"), 1);
    (void)wait_until(5000, !leaves_out(id), "left out"); /* one call is the probe */
    close(sock);
    discover_picker_free(picker);
}
END_TEST

E2E_TESTS("shared ejections", 60, {"of_another_process", of_another_process}, {"end_by_their_time", end_by_their_time})

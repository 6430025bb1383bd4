/* SPDX-License-Identifier: Apache-2.0 */
/* A connection ends with the process that opened it, though somebody keeps a copy of the socket: here, the
 * test does. */
#include "tests/unit/api/client.h"

#include <sys/wait.h>

/* A child that connects this process's socket, and lives until the pipe is closed. */
static struct test_client dial_by_child(pid_t *ret_pid, int *ret_pipe)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct test_client c = {.sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    int life[2], ready[2];
    char byte;
    strcpy(address.sun_path, s.path);
    ck_assert_int_eq(pipe(life) | pipe(ready), 0);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        close(life[1]);
        if (connect(c.sock, (struct sockaddr *)&address, sizeof address) < 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        _exit((int)read(life[0], &byte, 1));
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(life[0]);
    close(ready[0]);
    close(ready[1]);
    *ret_pipe = life[1];
    ck_assert_int_eq(fcntl(c.sock, F_SETFL, O_NONBLOCK), 0);
    frame_reader_init(&c.reader);
    send_hello(&c, 1, 1);
    release(receive(&c));
    return c;
}

static void end_child(pid_t pid, int life)
{
    close(life);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(what_is_bound_to_it_goes_and_what_is_not_stays)
{
    pid_t pid;
    int life;
    server_start((struct api_options){0});
    struct test_client c = dial_by_child(&pid, &life);
    send_register(&c, "shop/payment", "bound", 80, 0, 0);
    expect_registered(&c, "bound");
    send_register(&c, "shop/payment", "timed", 80, 5000, 0);
    expect_registered(&c, "timed");
    end_child(pid, life);
    expect_closed(&c);
    ck_assert_uint_eq(s.n_local, 1);
    ck_assert_uint_eq(s.clients_gone, 1);
    ck_assert_uint_eq(counter("discoverd_api_connections_closed_total{reason=\"bad_frame\"}"), 0);
    hang_up(&c);
    server_stop();
}
END_TEST

/* More than is carried out in one turn. */
START_TEST(what_it_said_before_it_died_is_carried_out)
{
    pid_t pid;
    int life;
    server_start((struct api_options){.frames_per_wakeup = 2});
    struct test_client c = dial_by_child(&pid, &life);
    send_register(&c, "shop/payment", "bound", 80, 0, 0);
    expect_registered(&c, "bound");
    char name[16];
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "timed-%d", i % 3);
        send_register(&c, "shop/payment", name, (uint32_t)(80 + i), 5000, 0);
    }
    end_child(pid, life);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "timed-%d", i % 3);
        expect_registered(&c, name);
    }
    expect_closed(&c);
    ck_assert_uint_eq(s.clients_gone, 1);
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(the_dead_register_nothing)
{
    pid_t pid;
    int life;
    server_start((struct api_options){0});
    struct test_client c = dial_by_child(&pid, &life);
    end_child(pid, life);
    send_register(&c, "shop/payment", "bound", 80, 0, 0);
    Discover__V1__ServerMessage *m = receive(&c); /* of some kernels it hears that it is dead, others merely hang up */
    if (m)
        release(m);
    if (m)
        while (s.n_local > 0)
            turn();
    ck_assert_uint_eq(s.n_local, 0);
    hang_up(&c);
    server_stop();
}
END_TEST

UNIT_TESTS("api orphan", what_is_bound_to_it_goes_and_what_is_not_stays, what_it_said_before_it_died_is_carried_out,
           the_dead_register_nothing)

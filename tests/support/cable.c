/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP link that can be cut. */
#include "tests/support/cable.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/port.h"

#define POLL_MS  10
#define ENDS_MAX 64 /* two for each connection: 2k and 2k + 1 */

struct ends {
    int fd[ENDS_MAX];
};

static struct sockaddr_in address_of(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int tcp_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

static void hang_up(struct ends *e, size_t i)
{
    for (size_t k = i & ~1UL; k <= (i | 1); k++) {
        if (e->fd[k] >= 0)
            close(e->fd[k]);
        e->fd[k] = -1;
    }
}

static void hang_up_all(struct ends *e)
{
    for (size_t i = 0; i < ENDS_MAX; i += 2)
        hang_up(e, i);
}

static size_t free_pair(const struct ends *e)
{
    size_t i = 0;
    while (i < ENDS_MAX && e->fd[i] >= 0)
        i += 2;
    return i;
}

static void pick_up(struct cable *c, struct ends *e)
{
    int client = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
    size_t i = free_pair(e);
    if (client < 0)
        return;
    if (i == ENDS_MAX || atomic_load(&c->state) == CABLE_RESET) {
        close(client);
        return;
    }
    struct sockaddr_in address = address_of(c->server_port);
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    e->fd[i] = client;
    e->fd[i + 1] = tcp_socket();
    if (e->fd[i + 1] < 0 || connect(e->fd[i + 1], (struct sockaddr *)&address, sizeof address) != 0)
        hang_up(e, i);
}

static bool pass(struct cable *c, struct ends *e, size_t i)
{
    char bytes[65536], *at = bytes;
    ssize_t n = recv(e->fd[i], bytes, sizeof bytes, 0);
    if (n <= 0)
        return false;
    atomic_fetch_add(&c->bytes, (unsigned long long)n);
    for (ssize_t sent; n > 0; n -= sent, at += sent)
        if ((sent = send(e->fd[i ^ 1], at, (size_t)n, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

static void turn(struct cable *c, struct ends *e)
{
    struct pollfd fds[ENDS_MAX + 1] = {{.fd = c->listener, .events = POLLIN}};
    bool silent = atomic_load(&c->state) == CABLE_HOLE || atomic_load(&c->state) == CABLE_KEEP;
    for (size_t i = 0; i < ENDS_MAX; i++)
        fds[i + 1] = (struct pollfd){.fd = silent ? -1 : e->fd[i], .events = POLLIN};
    if (poll(fds, ENDS_MAX + 1, POLL_MS) <= 0)
        return;
    if (fds[0].revents)
        pick_up(c, e);
    for (size_t i = 0; i < ENDS_MAX; i++)
        if (fds[i + 1].revents && e->fd[i] == fds[i + 1].fd && !pass(c, e, i))
            hang_up(e, i);
}

static void *cable_thread(void *arg)
{
    struct cable *c = arg;
    struct ends e;
    memset(e.fd, 0xff, sizeof e.fd);
    for (int before = CABLE_WHOLE; !atomic_load(&c->stop);) {
        int state = atomic_load(&c->state);
        if (state == CABLE_RESET || (before == CABLE_HOLE && state != CABLE_HOLE))
            hang_up_all(&e);
        before = state;
        turn(c, &e);
    }
    hang_up_all(&e);
    return NULL;
}

void cable_start(struct cable *c, int server_port)
{
    memset(c, 0, sizeof *c);
    c->port = port_take();
    c->server_port = server_port;
    c->listener = tcp_socket();
    struct sockaddr_in address = address_of(c->port);
    (void)setsockopt(c->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    ck_assert_msg(bind(c->listener, (struct sockaddr *)&address, sizeof address) == 0, "bind: %s", strerror(errno));
    ck_assert_int_eq(listen(c->listener, 16), 0);
    ck_assert_int_eq(pthread_create(&c->thread, NULL, cable_thread, c), 0);
}

void cable_stop(struct cable *c)
{
    atomic_store(&c->stop, true);
    pthread_join(c->thread, NULL);
    close(c->listener);
}

void cable_set(struct cable *c, enum cable_state state)
{
    atomic_store(&c->state, (int)state);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Free ports, locked by name until this process ends. */
#include "tests/support/port.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PORT_FIRST 20000
#define PORT_COUNT 10000

/* The lock is a bound abstract socket that stays open: it vanishes with this process, however it dies. */
static bool lock(int port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int n = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "discover-test-port-%d", port);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    if (bind(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0)
        return true;
    close(fd);
    return false;
}

static bool is_free(int port, int type)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    bool ok = bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0;
    close(fd);
    return ok;
}

int port_take(void)
{
    unsigned first = 0;

    ck_assert_int_eq(getrandom(&first, sizeof first, 0), sizeof first);
    for (unsigned i = 0; i < PORT_COUNT; i++) {
        int port = PORT_FIRST + (int)((first + i) % PORT_COUNT);
        if (is_free(port, SOCK_STREAM) && is_free(port, SOCK_DGRAM) && lock(port))
            return port;
    }
    ck_abort_msg("no free port from %d to %d", PORT_FIRST, PORT_FIRST + PORT_COUNT - 1);
    return -1;
}

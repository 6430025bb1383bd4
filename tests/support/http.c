/* SPDX-License-Identifier: Apache-2.0 */
/* A GET on loopback. */
#include "tests/support/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int open_connection(int port)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

/* What does not fit is read and dropped. */
static int read_answer(int fd, char *ret_answer, size_t cap)
{
    char rest[4096];
    size_t used = 0;
    ssize_t n;

    do {
        size_t room = cap - 1 - used;
        n = recv(fd, room ? ret_answer + used : rest, room ? room : sizeof rest, 0);
        if (n > 0 && room)
            used += (size_t)n;
    } while (n > 0);
    ret_answer[used] = 0;
    return n == 0 ? 0 : -ETIMEDOUT;
}

int http_get(int port, const char *path, char *ret_answer, size_t cap)
{
    char request[512];
    int code, fd = open_connection(port);

    if (fd < 0)
        return fd;
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    int error = send(fd, request, (size_t)n, MSG_NOSIGNAL) == n ? read_answer(fd, ret_answer, cap) : -EPROTO;
    close(fd);
    if (error < 0)
        return error;
    return sscanf(ret_answer, "HTTP/1.1 %d", &code) == 1 ? code : -EPROTO;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A client that picks an instance for each call, and reports how the call went. Usage: client [CALLS] */
#include <discover/discover.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 2000 /* for somebody to be there; over DNS, also for the first answer */

/* The call of this example is a connection, over IPv4 or IPv6. */
static enum discover_outcome call(const struct discover_endpoint *e)
{
    struct sockaddr_storage address;
    socklen_t n;
    if (discover_endpoint_sockaddr(e, AF_UNSPEC, &address, &n) < 0)
        return DISCOVER_CANCELLED; /* its host name is not resolved yet */
    int sock = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int err = connect(sock, (struct sockaddr *)&address, n);
    return close(sock) || err ? DISCOVER_UNREACHABLE : DISCOVER_OK;
}

static uint32_t since_us(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((now.tv_sec - start->tv_sec) * 1000000 + (now.tv_nsec - start->tv_nsec) / 1000);
}

int main(int argc, char **argv)
{
    struct discover *d = NULL;
    struct discover_picker *p = NULL;
    int err = discover_new(&d);
    err = err ? err : discover_start(d);
    if (!err)
        err = discover_picker_new(d, "demo/web", &p);
    if (!err)
        err = discover_wait_usable(d, "demo/web", WAIT_MS); /* > 0: stale or degraded, which is better than nobody */
    for (int left = argc > 1 ? atoi(argv[1]) : 10; left > 0 && err >= 0; left--) {
        struct discover_endpoint e;
        char text[DISCOVER_ADDRESS_MAX];
        struct timespec start;
        clock_gettime(CLOCK_MONOTONIC, &start);
        if ((err = discover_pick(p, &e)) < 0)
            break;
        enum discover_outcome outcome = call(&e);
        discover_report(p, e.id, since_us(&start), outcome);
        if (discover_endpoint_text(&e, text, sizeof text) == 0)
            printf("%s %s\n", text, outcome == DISCOVER_OK ? "answers" : "is not reached");
        err = discover_dispatch(d); /* a new table; over DNS, the next answer */
    }
    if (err < 0)
        fprintf(stderr, "client: %s\n", discover_strerror(err));
    discover_picker_free(p);
    discover_free(d);
    return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

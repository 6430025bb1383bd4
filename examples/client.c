/* SPDX-License-Identifier: Apache-2.0 */
/* A client that picks an instance for each call, and reports how the call went. Usage: client [CALLS] */
#include <arpa/inet.h>
#include <discover/discover.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The call of this example is a connection. */
static enum discover_outcome call(const struct discover_endpoint *e)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(e->port)};
    memcpy(&address.sin_addr, e->ipv4, sizeof e->ipv4);
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int err = connect(sock, (struct sockaddr *)&address, sizeof address);
    close(sock);
    return err ? DISCOVER_UNREACHABLE : DISCOVER_OK;
}

static uint32_t since_us(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((now.tv_sec - start->tv_sec) * 1000000 + (now.tv_nsec - start->tv_nsec) / 1000);
}

int main(int argc, char **argv)
{
    struct discover *d;
    struct discover_picker *p;
    int err = discover_new(&d);
    if (!err)
        err = discover_start(d);
    if (!err)
        err = discover_picker_new(d, "demo/web", &p);
    for (int left = argc > 1 ? atoi(argv[1]) : 10; left > 0 && err >= 0; left--) {
        struct discover_endpoint e;
        char text[DISCOVER_ADDRESS_MAX];
        struct timespec start;
        clock_gettime(CLOCK_MONOTONIC, &start);
        err = discover_pick(p, &e); /* > 0: stale or degraded, which is better than nobody */
        if (err < 0 || (err = discover_endpoint_text(&e, text, sizeof text)) < 0)
            break;
        enum discover_outcome outcome = call(&e);
        discover_report(p, e.id, since_us(&start), outcome);
        printf("%s %s\n", text, outcome == DISCOVER_OK ? "answers" : "is not reached");
    }
    if (err < 0) {
        fprintf(stderr, "client: %s\n", discover_strerror(err));
        return EXIT_FAILURE;
    }
    discover_picker_free(p);
    discover_free(d);
    return EXIT_SUCCESS;
}

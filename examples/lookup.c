/* SPDX-License-Identifier: Apache-2.0 */
/* Looks a service up: lookup DOMAIN/SERVICE [N]. With N, waits until there are that many instances. */
#include <discover/discover.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define ENDPOINTS_MAX 64
#define WAIT_MS       2000 /* to get to know the service: without a daemon it is asked for in DNS */

static void print(const struct discover_endpoint *endpoints, size_t n)
{
    char text[DISCOVER_ADDRESS_MAX];

    for (size_t i = 0; i < n; i++)
        if (discover_endpoint_text(&endpoints[i], text, sizeof text) == 0)
            printf("%s\n", text);
}

/* The descriptor is ready when the daemon has something for us; changes of a service show in shared memory by themselves. */
static int step(struct discover *d)
{
    struct pollfd daemon = {.fd = discover_fd(d), .events = POLLIN};

    (void)poll(&daemon, 1, 1);
    return discover_dispatch(d);
}

int main(int argc, char **argv)
{
    struct discover_endpoint endpoints[ENDPOINTS_MAX];
    struct discover *d;
    size_t n = 0;
    int result;

    if (argc < 2 || discover_new(&d) < 0 || discover_start(d) < 0)
        return EXIT_FAILURE;
    for (;;) {
        n = 0;
        result = discover_wait(d, argv[1], WAIT_MS);
        if (result >= 0)
            result = discover_resolve(d, argv[1], endpoints, ENDPOINTS_MAX, &n);
        if (argc < 3 || (result != DISCOVER_E_UNSYNCED && n == strtoul(argv[2], NULL, 10)))
            break;
        if (step(d) < 0)
            break;
    }
    if (result < 0)
        printf("%s: %s\n", argv[1], discover_strerror(result));
    else
        print(endpoints, n < ENDPOINTS_MAX ? n : ENDPOINTS_MAX);
    discover_free(d);
    return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Looks a service up every millisecond until it is told to end (SIGTERM), as a program that must not notice an upgrade does:
   steady_lookups DOMAIN/SERVICE. Prints how often it asked; exit 1 when one answer named nobody. */
#include <discover/discover.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define START_MS 5000

static volatile sig_atomic_t ended;

static void end(int signal)
{
    (void)signal;
    ended = 1;
}

static int look_up(struct discover *d, const char *service)
{
    struct discover_endpoint endpoint;
    size_t n = 0;
    int result = discover_resolve(d, service, &endpoint, 1, &n);

    if (result >= 0 && n > 0)
        return 0;
    printf("%s: %s\n", service, result < 0 ? discover_strerror(result) : "nobody");
    return -1;
}

int main(int argc, char **argv)
{
    unsigned long asked = 0, failed = 0;
    struct discover *d;

    signal(SIGTERM, end);
    if (argc != 2 || discover_new(&d) < 0 || discover_start(d) < 0 || discover_wait(d, argv[1], START_MS) < 0)
        return EXIT_FAILURE;
    for (; !ended; asked++) {
        struct pollfd daemon = {.fd = discover_fd(d), .events = POLLIN};

        (void)poll(&daemon, 1, 1);
        failed += discover_dispatch(d) < 0 || look_up(d, argv[1]) < 0;
    }
    printf("asked %lu times, %lu without an answer\n", asked, failed);
    discover_free(d);
    return failed || !asked ? EXIT_FAILURE : EXIT_SUCCESS;
}

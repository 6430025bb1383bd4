/* SPDX-License-Identifier: Apache-2.0 */
/* A server that registers itself, and on SIGTERM drains: new calls go elsewhere, those under way are finished. */
#include <discover/discover.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#define DRAIN_MS 1000 /* as long as clients may hold on to an old answer, and calls take */

/* Without a daemon it is no error: dispatch goes on trying. */
static void check(const char *what, int code)
{
    if (code >= 0 || code == DISCOVER_E_UNSYNCED || code == -ETIMEDOUT)
        return;
    fprintf(stderr, "server: %s: %s\n", what, discover_strerror(code));
    exit(EXIT_FAILURE);
}

/* Until SIGTERM, or for limit_ms (-1: no limit). The place of the server's own loop. */
static void serve(struct discover *d, int signals, int limit_ms)
{
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = discover_fd(d), .events = POLLIN}};
    while (poll(fds, 2, limit_ms) > 0 && !fds[0].revents) {
        int err = discover_dispatch(d); /* registers again after a restart of the daemon */
        if (err < 0)
            fprintf(stderr, "server: %s\n", discover_strerror(err));
    }
}

int main(int argc, char **argv)
{
    sigset_t set;
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);

    struct discover *d;
    struct discover_registration *r = NULL;
    int err = discover_new(&d);
    err = err ? err : discover_start(d);
    if (!err)
        err = discover_registration_new("demo/web", argc > 1 ? (uint16_t)atoi(argv[1]) : 8080, &r);
    if (!err)
        err = discover_register(d, r);
    check("cannot register", err);
    puts("serving");
    serve(d, signals, -1);
    check("cannot drain", discover_drain(d, r));
    puts("draining");
    poll(NULL, 0, DRAIN_MS);
    discover_registration_free(r);
    discover_free(d); /* takes the registration back */
    return EXIT_SUCCESS;
}

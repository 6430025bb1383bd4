/* SPDX-License-Identifier: Apache-2.0 */
/* A server on epoll that never waits for the daemon: it registers, and on SIGTERM drains and takes itself back. */
#include <discover/discover.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#define SERVICE  "demo/async"
#define DRAIN_MS 1000 /* as long as clients may hold on to an old answer, and calls take */

static char registered[] = "registered", draining[] = "draining", gone[] = "gone";
static int limit_ms = -1, done; /* the first for epoll_wait: the place of the server's own timer */

/* Without a daemon it is no error: dispatch goes on trying. Whatever comes of the rest, the server ends. */
static void on_answer(void *what, const struct discover_answer *answer)
{
    int later = answer->result == DISCOVER_E_UNSYNCED || answer->result == -ETIMEDOUT;
    printf("%s: %s %s\n", (char *)what, discover_strerror(answer->result), answer->error);
    fflush(stdout);
    limit_ms = what == draining ? DRAIN_MS : -1;
    done = what == gone || (what == registered && answer->result < 0 && !later);
}

static void add(int loop, int fd)
{
    epoll_ctl(loop, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

int main(void)
{
    struct discover *d;
    struct discover_registration *r;
    struct epoll_event event;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int loop = epoll_create1(EPOLL_CLOEXEC), signals = signalfd(-1, &set, SFD_CLOEXEC), n;
    if (discover_new(&d) < 0 || discover_start(d) < 0 || discover_registration_new(SERVICE, 8080, &r) < 0 ||
        discover_registration_set_instance(r, "a1") < 0 ||
        discover_register_async(d, r, on_answer, registered, NULL) < 0)
        return EXIT_FAILURE;
    discover_registration_free(r); /* the handle has its own */
    add(loop, discover_fd(d));
    add(loop, signals);
    while (!done && (n = epoll_wait(loop, &event, 1, limit_ms)) >= 0) {
        if (n == 0 && discover_deregister_async(d, SERVICE, "a1", on_answer, gone, NULL) == 0)
            limit_ms = -1;
        else if (n == 1 && event.data.fd == signals && discover_drain_async(d, NULL, on_answer, draining, NULL) == 0)
            epoll_ctl(loop, EPOLL_CTL_DEL, signals, NULL);
        else if (n == 1 && discover_dispatch(d) < 0)
            fprintf(stderr, "async_server: %s\n", discover_last_error(d)); /* it goes on by itself */
    }
    discover_free(d);
    return EXIT_SUCCESS;
}

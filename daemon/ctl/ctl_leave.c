/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl leave: the host leaves the registry, and its daemon stops. */
#include <poll.h>

#include "daemon/ctl/commands.h"
#include "libdiscover/core/clock.h"

#define ANSWER_MS 5000 /* the daemon takes 3 s at most */
#define END_NS    (10 * NS_PER_S)

/* Whoever goes on to start another daemon must not find this one still holding its socket. */
static int wait_for_the_end(struct discover *d)
{
    int64_t deadline_ns = clock_now_ns() + END_NS;
    while (discover_connected(d)) {
        int64_t left_ns = deadline_ns - clock_now_ns();
        struct pollfd fd = {.fd = discover_fd(d), .events = POLLIN};
        if (left_ns <= 0) {
            ctl_note("leave: this host has left, but its daemon has not ended yet");
            return CTL_FAILED;
        }
        (void)poll(&fd, 1, (int)(left_ns / NS_PER_MS) + 1);
        (void)!discover_dispatch(d); /* that the connection has ended is what this waits for */
    }
    return CTL_DONE;
}

static int run(const struct call *call)
{
    int err = discover_set_timeout(call->d, ANSWER_MS);
    if (!err)
        err = discover_leave(call->d);
    return err < 0 ? ctl_failed(call->d, "leave", err) : wait_for_the_end(call->d);
}

const struct command leave_command = {
    .name = "leave",
    .summary = "take this host out of the registry, and stop its daemon",
    .usage = "leave",
    .help = "Takes this host out of the registry, all its instances at once and everywhere, and stops the daemon.\n"
            "Only root and the daemon's user may.\n",
    .run = run,
};

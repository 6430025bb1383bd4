/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every resolver that hands discoverd's zone on must show, whichever it is: the tests of a program. Each starts the
 * registry and the forwarder. Main thread only; everything fails the test when it fails.
 */
#ifndef CLIENTS_FORWARDER_H
#define CLIENTS_FORWARDER_H

#include "tests/clients/stage.h"
#include "tests/support/e2e.h"

struct forwarder {
    const char *name;

    /* Called before each test; NULL: there is nothing to prepare. */
    void (*prepare)(void);

    /* (Re)starts it for host b of the stage, set up with its example and one more change, on a port of loopback. */
    void (*start)(const struct stage *s, int port, struct change change);

    /* The command that tests its example as it is; it succeeds. NULL: there is none. */
    const char *check;

    /* Each takes something away from the example that is needed; ends with a NULL from. NULL: that is not tested. */
    const struct change *needed;

    /* Tests of this forwarder alone, which call prepare by themselves. */
    const struct e2e_test *own;
    size_t n_own;
};

/*
 * Runs these tests, and its own; returns the exit status:
 *
 *  configuration_as_shipped   the example passes the forwarder's own check
 *  follows                    instances come, on either host, go, and come again; SRV, its targets, A
 *  asked_too_early            is not told "no such name" for longer than the negative TTL (RFC 2308)
 *  sixty                      more instances than one datagram holds
 *  reverse                    PTR
 *  daemon_down                the daemon is gone for a while, during which it is asked for; then it is back
 *  without_nats               NATS away: the same answers. Daemon that cannot know: SERVFAIL. Both over: at once as before
 *  every_line_is_needed       each change that takes something away from the example breaks an answer
 */
int forwarder_main(const struct forwarder *forwarder);

#endif

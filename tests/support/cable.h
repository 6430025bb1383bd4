/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP link to a port of loopback that can be cut in the ways real ones are, and counts what goes over it. A thread of its
 * own, between cable_start and cable_stop. Fails the test when it fails.
 */
#ifndef SUPPORT_CABLE_H
#define SUPPORT_CABLE_H

#include <pthread.h>
#include <stdatomic.h>

enum cable_state {
    CABLE_WHOLE,
    CABLE_RESET, /* connections are closed, and new ones refused */
    CABLE_HOLE,  /* silent; what was under way is lost, and old connections do not outlive it */
    CABLE_KEEP,  /* silent; what was under way arrives when it is over */
};

struct cable {
    int port, server_port; /* listens there, connects here */
    atomic_int state;
    atomic_bool stop;
    _Atomic unsigned long long bytes; /* passed, both ways */
    int listener;
    pthread_t thread;
};

void cable_start(struct cable *c, int server_port);
void cable_stop(struct cable *c);
void cable_set(struct cable *c, enum cable_state state);

#endif

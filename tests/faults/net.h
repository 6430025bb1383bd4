/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second network beside the test's, joined by a cable that can be cut. Both are namespaces without a name
 * that this process makes, so nothing of the machine's own network changes and nothing is left behind. Needs
 * root and ip (iproute2). Main thread, before any other thread starts. Fails the test when it fails.
 */
#ifndef FAULTS_NET_H
#define FAULTS_NET_H

#include <stdbool.h>

#define NET_NEAR    "10.99.0.1" /* the test's side */
#define NET_NOWHERE "10.99.0.9" /* seen from the far side: packets to it leave, and never arrive */

struct net {
    int near, far; /* namespaces */
};

/* Whether it can be had here. */
bool net_possible(void);

/* Moves the test into a network of its own, and lays the cable to the other one. */
void net_start(struct net *net);

/* What is started between these two runs in the far network. */
void net_enter_far(const struct net *net);
void net_leave_far(const struct net *net);

void net_cut(void);
void net_heal(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way to a nats-server that loses messages without a word: passes on everything both ways, and drops a
 * share of the messages whose subject begins with a prefix. One connection at a time; a newer one takes the
 * place of the one before. A thread of its own, between lossy_start and lossy_stop. Fails the test when it
 * fails.
 */
#ifndef FAULTS_LOSSY_H
#define FAULTS_LOSSY_H

#include <pthread.h>
#include <stdatomic.h>

struct lossy {
    int port, server_port; /* listens there, connects here */
    const char *prefix;
    char url[48];
    atomic_uint percent; /* of the messages to drop */
    atomic_uint dropped;
    atomic_bool stop;
    pthread_t thread;
    int listener;
};

void lossy_start(struct lossy *l, int server_port, const char *prefix);
void lossy_stop(struct lossy *l);

#endif

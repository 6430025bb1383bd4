/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of other people's clients have in common: a registry of two hosts, instances that come and
 * go there, and configurations made from the very files under examples/. The client asks host b. Main thread
 * only; everything fails the test when it fails.
 */
#ifndef CLIENTS_STAGE_H
#define CLIENTS_STAGE_H

#include "tests/support/host.h"
#include "tests/support/nats_server.h"

struct stage {
    struct nats nats;
    struct host a, b;
};

/* services: of host a, as in its configuration; b: further options of host b, or NULL. */
void stage_start(struct stage *s, const char *services, const struct host_options *b);

/* Registers shop/payment at 127.0.0.1:port on a host, tag "metrics", for as long as the process runs. */
void stage_register(const struct host *h, struct proc *ret_holder, const char *instance, int port, int weight);

/* n instances of shop/payment for stage_start: i1 at 127.0.0.1:first_port, i2 at 127.0.0.2 and so on. Static.
 */
const char *stage_services(int n, int first_port);

/* Host b asks NATS in vain, and knows nothing from before: it cannot know. Then NATS is back. */
void stage_forget(struct stage *s);
void stage_remember(struct stage *s);

struct change {
    const char *from, *to;
};

/*
 * Copies a file of examples/ or systemd/ into the test's folder, each text replaced wherever it stands; one
 * that stands nowhere is a failure. changes ends with a NULL from.
 */
void stage_example(const char *file, const struct change *changes, char *ret_path, size_t cap);

/* "127.0.0.1:PORT". Static; at most 8 at once. */
const char *stage_endpoint(int port);

/* What a shell command prints; it must succeed. Static. */
const char *stage_output(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Between two looks at a client that has to work for each: else it is busy with being looked at. */
void stage_pause(void);

#endif

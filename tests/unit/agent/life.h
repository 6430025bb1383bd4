/* SPDX-License-Identifier: Apache-2.0 */
/* Lives of an agent in front of a bucket (bucket.h): starts, restarts, time that passes. */
#ifndef TESTS_AGENT_LIFE_H
#define TESTS_AGENT_LIFE_H

#include "daemon/agent/agent.h"
#include "daemon/agent/registrar.h"
#include "daemon/agent/stored.h"
#include "tests/support/options.h"
#include "tests/unit/agent/bucket.h"

#define A    "shop.payment.web-1.a"
#define B    "shop.payment.web-1.b"
#define RTT  NS_PER_MS
#define S(n) ((n)*NS_PER_S)
#define WALL 1000000

extern struct agent *a;
extern int64_t now_ns;
extern int64_t restart_grace_ns; /* of the lives to come; setup makes it 15 s */
extern uint64_t boot;            /* of their machine; 5 at first */
extern size_t record_max;        /* limits.record_bytes; 0: as large as any */

struct registrar *registrar(void);

/* A daemon starts with what the store has. */
void begin_life(int64_t wall_ms, struct agent_identity identity);
void setup(void);
void teardown(void);
struct agent_identity kept_identity(void);
struct lease *last_lease(void);
void answer_lease(int err);
void settle(void);

/* Time passes, with all that comes due in it; the bus answers everything. */
void pass(int64_t ns);

/* Somebody else has put that; NULL: deleted it. */
void observe(const char *text, const struct record *record);

/* The same, with what no host would write. */
void observe_alien(const char *text);
void observe_all(void);

/* The bus comes up, both snapshots come. */
void bus_up(void);
struct registration_request request_of(const char *instance, uint64_t client);
int try_register(struct registration_request *r);
void add(const char *instance, uint64_t client);
void restart(int64_t wall_ms);

#endif

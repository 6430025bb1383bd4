/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The puts that wait for their answer. A put is one object all its way: made by main, written by the bus thread or
 * (a lone one) by main, kept here, posted back to main as its own result. So a result cannot be lost, and comes exactly once.
 *
 * Expiring is the bus thread's, the rest any thread's (answers arrive on nats.c's threads).
 */
#ifndef BUS_PUTS_H
#define BUS_PUTS_H

#include <sys/queue.h>

#include "daemon/bus/bus_mail.h"
#include "daemon/bus/bus_wire.h"
#include "libdiscover/core/trace_context.h"

/* The headers of a put that has a trace context. */
struct bus_put_trace {
    char traceparent[TRACE_PARENT_CAP], tracestate[TRACE_STATE_CAP];
};

struct bus_put {
    struct bus_mail head;
    TAILQ_ENTRY(bus_put) by_age;
    uint32_t slot;
    bool delete;
    int64_t start_ns, deadline_ns;
    struct bus_put_result result; /* token and bucket; the rest when it has come, with reason */
    char reason[BUS_REASON_CAP];
    const struct bus_put_trace *trace; /* NULL: none */
    size_t n;
    const char *value;
    char subject[]; /* and behind it the value and the trace */
};

struct bus_counters;
struct bus_puts;

/* limit: of puts that are kept here at once; main sees to it. */
int bus_puts_new(size_t limit, struct mailbox *box, struct bus_counters *counters, struct bus_puts **ret_puts);
void bus_puts_free(struct bus_puts *puts);

/* Keeps a put. Returns the id that names it in bus_puts_done. */
uint64_t bus_puts_add(struct bus_puts *puts, struct bus_put *put);

/* Posts the result. An id whose put is not here any more is ignored. */
void bus_puts_done(struct bus_puts *puts, uint64_t id, int err, const char *reason, uint64_t seq);

/* Posts the result of a put that is not here. */
void bus_puts_post(struct bus_puts *puts, struct bus_put *put, int err, const char *reason, uint64_t seq);

/* Ends those with this subject, or (cut) with subjects that begin with it, or all with NULL. */
void bus_puts_fail(struct bus_puts *puts, const char *subject, bool cut, int err, const char *reason);

/*
 * Whether few and only small puts wait, and none has been overdue since bus_puts_fail of all. Then what was written
 * before has left the socket's buffer, since the server has answered to it, and writing one more small put cannot
 * block.
 */
bool bus_puts_quiet(struct bus_puts *puts);

/* Ends what is overdue; returns the next deadline, INT64_MAX if there is none. */
int64_t bus_puts_expire(struct bus_puts *puts, int64_t now_ns);

#endif

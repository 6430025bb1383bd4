/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of tracing share: tracing.c has contexts and spans, tracing_puts.c changes of this host, tracing_changes.c changes that are to be seen. */
#ifndef REGISTRY_TRACING_IMPL_H
#define REGISTRY_TRACING_IMPL_H

#include "daemon/base/hash.h"
#include "daemon/registry/tracing/tracing.h"
#include "daemon/trace/exporter.h"

/* The request of a program or an operator that is being carried out. */
struct trace_operation {
    bool on;     /* it leaves a trace */
    bool caused; /* by a context that came with it; else it is a root */
    uint64_t number;
    struct trace_context cause;
    int64_t began_ns;
};

/* A change of this host that NATS has not stored yet. */
struct open_put {
    UT_hash_handle hh;       /* by key */
    UT_hash_handle by_token; /* while that is not 0 */
    struct trace_context context, cause;
    bool caused;
    int64_t began_ns;
    uint64_t operation; /* number of the operation that made it */
    uint64_t token;     /* of the put; 0: it is not put yet */
    char key[KEY_CAP];
};

/* A change that waits to be written into the table. */
struct unseen_change {
    struct unseen_change *next;
    struct instance_key key;
    struct trace_context context;
    int64_t stored_ns; /* since 1970; 0: not known */
    int64_t taken_ns;
};

/* All such changes of a service, newest first. */
struct unseen_service {
    UT_hash_handle hh;
    struct unseen_change *changes;
    char service[SERVICE_REF_CAP];
};

struct tracing {
    const struct config *config;
    struct exporter *exporter; /* NULL: no spans are sent */
    uint64_t threshold;        /* of 53 random bits: below it a root is recorded */
    struct tracing_counters {
        metric_value refused[TRACING_SOURCES], limited;
    } counters;
    int64_t malformed_log_ns; /* the next malformed context is logged from then on */
    struct trace_operation operation;
    struct open_put *puts, *puts_by_token;
    struct unseen_service *unseen;
    size_t n_unseen;           /* number of changes */
    struct trace_context seen; /* what tracing_seen returned last */
};

void tracing_puts_free(struct tracing *t);

#endif

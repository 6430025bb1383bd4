/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of tracing share: tracing.c has contexts and spans, tracing_puts.c changes of this host, tracing_changes.c changes that are to be seen. */
#ifndef REGISTRY_TRACING_IMPL_H
#define REGISTRY_TRACING_IMPL_H

#include "daemon/base/hash.h"
#include "daemon/registry/tracing/tracing.h"
#include "daemon/trace/exporter.h"

struct tracing_counters {
    metric_value refused[TRACING_SOURCES], limited;
};

/* What programs and operators ask for, while it is carried out. */
struct trace_operation {
    bool on;     /* it leaves a trace */
    bool caused; /* that of somebody else; else it is a root */
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
    uint64_t operation; /* of which it is */
    uint64_t token;     /* of the put; 0: none yet */
    char key[KEY_CAP];
};

/* One that is to be seen. */
struct unseen_change {
    struct unseen_change *next;
    struct instance_key key;
    struct trace_context context;
    int64_t stored_ns; /* since 1970; 0: not known */
    int64_t taken_ns;
};

/* All of a service, newest first. */
struct unseen_service {
    UT_hash_handle hh;
    struct unseen_change *changes;
    char service[SERVICE_REF_CAP];
};

struct tracing {
    const struct config *config;
    struct exporter *exporter; /* NULL: no spans are sent */
    uint64_t threshold;        /* of 53 random bits: below it a root is recorded */
    struct tracing_counters counters;
    int64_t say_ns; /* the next bad context is named from then on */
    struct trace_operation operation;
    struct open_put *puts, *puts_by_token;
    struct unseen_service *unseen;
    size_t n_unseen;           /* changes */
    struct trace_context seen; /* the last one that was asked for */
};

void tracing_puts_free(struct tracing *t);

#endif

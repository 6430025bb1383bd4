/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of tracing share: tracing.c has contexts and spans, tracing_changes.c changes that are to be seen. */
#ifndef REGISTRY_TRACING_IMPL_H
#define REGISTRY_TRACING_IMPL_H

#include "daemon/base/hash.h"
#include "daemon/registry/tracing.h"
#include "daemon/trace/exporter.h"

struct tracing_counters {
    metric_value refused[TRACING_SOURCES], limited;
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
    struct unseen_service *unseen;
    size_t n_unseen;           /* changes */
    struct trace_context seen; /* the last one that was asked for */
};

#endif

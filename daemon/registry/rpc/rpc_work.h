/* SPDX-License-Identifier: Apache-2.0 */
/* One request over NATS, and its answer in the making. Main thread only. */
#ifndef REGISTRY_RPC_WORK_H
#define REGISTRY_RPC_WORK_H

#include <jansson.h>

#include "daemon/bus/bus.h"
#include "daemon/http/pages.h"

#define BUS_SUBJECT_TEXT (4 * LABEL_CAP)

enum rpc_kind { RPC_DOCUMENT, RPC_PAGE, RPC_RESOLVE };

struct rpc_work {
    struct rpc_work *next;
    int which;         /* the caller's */
    int64_t busy_ns;   /* the caller's */
    const char *reply; /* these behind it */
    const char *body;
    size_t body_n;
    bool begun;
    struct page_walk walk;
    struct evbuffer *out; /* NULL: it is no page */
    int error;            /* a code, as those of HTTP; 0 */
    char why[200];        /* then */
    char *text;           /* else */
    size_t n;
    char strings[];
};

struct rpc_sources {
    struct catalog *catalog;
    void *arg;
    int (*document)(void *arg, const char *name, char **ret_text, size_t *ret_n);
    size_t answer_bytes; /* at most */
};

/* A copy of it. NULL: no memory. */
struct rpc_work *rpc_work_new(const struct bus_request *request, int which);
void rpc_work_free(struct rpc_work *w);

/* Goes on until the slice is over. Whether there is an answer. document: which, but for RPC_RESOLVE. */
bool rpc_work_step(struct rpc_work *w, enum rpc_kind kind, const char *document, const struct rpc_sources *sources,
                   const struct loop_slice *slice);

/* The answer is that document, which it gives back; or that error. */
void rpc_work_json(struct rpc_work *w, json_t *document, const struct rpc_sources *sources);
void rpc_work_fail(struct rpc_work *w, int error, const char *why);

#endif

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
    int which;         /* which endpoint or verb it asks for, by rpc.c's number */
    int64_t busy_ns;   /* time spent on it so far; counted by rpc.c */
    const char *reply; /* subject of the answer; it and the body are stored in strings */
    const char *body;
    size_t body_n;
    bool begun;
    struct page_walk walk;
    struct evbuffer *out; /* the answer in the making; NULL: it is not a page */
    int error;            /* as a status code of HTTP; 0: none */
    char why[200];        /* the reason of an error */
    char *text;           /* the answer, n bytes, if there is no error */
    size_t n;
    char strings[];
};

struct rpc_sources {
    struct catalog *catalog;
    void *arg;
    int (*document)(void *arg, const char *name, char **ret_text, size_t *ret_n);
    size_t answer_bytes; /* at most */
};

/* Makes a copy of the request. NULL: no memory. */
struct rpc_work *rpc_work_new(const struct bus_request *request, int which);
void rpc_work_free(struct rpc_work *w);

/*
 * Works on the answer until the slice is over. Returns true when there is one. document: its name; NULL for
 * RPC_RESOLVE.
 */
bool rpc_work_step(struct rpc_work *w, enum rpc_kind kind, const char *document, const struct rpc_sources *sources,
                   const struct loop_slice *slice);

/* Sets the answer: a document, of which the reference is taken over; or an error. */
void rpc_work_json(struct rpc_work *w, json_t *document, const struct rpc_sources *sources);
void rpc_work_fail(struct rpc_work *w, int error, const char *why);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check that asks a URL: what http and grpc have in common. A run looks the host up, makes a request of a connection of its
 * own, and keeps the beginning of the answer; what fails on the way is reported here, and what the answer says by the kind.
 * Main thread; nothing blocks but for the reading of certificates' files.
 */
#ifndef CHECK_URL_CHECK_H
#define CHECK_URL_CHECK_H

#include "daemon/base/curl_loop.h"
#include "daemon/check/addresses_of.h"
#include "daemon/check/kind.h"

struct url_check;

struct url_check_ops {
    void (*set_request)(struct url_check *u, CURL *easy); /* begins a run: sets the method, the body and so on */
    void (*answered)(struct url_check *u, long code);     /* reports what the answer means */
};

/* The first member of a kind's own structure; the structure is on the heap. */
struct url_check {
    const struct url_check_ops *ops;
    const struct check_setup *setup;
    struct curl_slist *headers;
    char *url;         /* with the name that the certificate must prove, if that is not the host's */
    char *host_header; /* "Host: ..." when the host is not the URL's; or NULL */
    char name[256];    /* the URL's host */
    struct addresses_of addresses_of;

    /* the rest is of the present run */
    struct curl_slist *way; /* where to connect, for curl */
    struct curl_transfer transfer;
    CURL *easy;
    char *body;
    size_t body_n, body_cap;
    bool enough; /* so much has been read that the rest is left */
    char at[64]; /* what was under way when the run was cancelled */
};

/* Takes the headers of spec, too. -EINVAL: not a URL; -ENOMEM. To be closed in any case. */
int url_check_init(struct url_check *u, const struct url_check_ops *ops, const struct check_setup *setup,
                   const char *url);

/* Adds a header, "Name: value", which is copied. -ENOMEM. */
int url_check_add_header(struct url_check *u, const char *header);

/* Whether the answer has the text that must be in it; true if there need be none. */
bool url_check_matches(const struct url_check *u);

/* These three are those of struct check_kind. */
void url_check_start(void *check);
const char *url_check_cancel(void *check);
void url_check_close(void *check);

#endif

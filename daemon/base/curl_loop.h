/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's multi interface on the loop: transfers go on whenever their sockets or their time let them. Names are not
 * looked up by it (that would take a thread each, and waiting for it), and no proxy is asked. Main thread.
 */
#ifndef BASE_CURL_LOOP_H
#define BASE_CURL_LOOP_H

#include <curl/curl.h>
#include <event2/event.h>

struct curl_loop;

/* The transfer has ended: its easy handle is the caller's again. */
typedef void curl_done_fn(void *arg, CURLcode result);

struct curl_transfer {
    struct curl_loop *loop;
    CURL *easy; /* NULL: none is under way */
    char error[CURL_ERROR_SIZE];
    curl_done_fn *done;
    void *arg;
};

/* -ENOMEM. */
int curl_loop_new(struct event_base *base, struct curl_loop **ret_l);
void curl_loop_free(struct curl_loop *l); /* all transfers have ended */

/*
 * Starts one with an easy handle that has all but what is the loop's; done follows, never within. t stays where it is until
 * then. -ENOMEM: the handle stays the caller's.
 */
int curl_transfer_start(struct curl_transfer *t, struct curl_loop *l, CURL *easy, curl_done_fn *done, void *arg);

/* Ends a transfer without calling done. Does nothing if none is under way. */
void curl_transfer_cancel(struct curl_transfer *t);

#endif

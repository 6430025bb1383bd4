/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi interface on the loop. */
#include "daemon/base/curl_loop.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/loop.h"
#include "daemon/base/loop_meter.h"

struct curl_loop {
    struct event_base *base;
    CURLM *multi;
    struct loop_timer timer;
    struct loop_timer ended; /* there are results to be taken */
};

static void go_on(struct curl_loop *l, curl_socket_t sock, int what)
{
    int running;
    (void)curl_multi_socket_action(l->multi, sock, what, &running);
    loop_timer_arm(&l->ended, 0, 0);
}

static void on_socket(evutil_socket_t sock, short what, void *arg)
{
    loop_meter_enter();
    go_on(arg, sock, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
    loop_meter_leave();
}

static void on_time(void *arg)
{
    go_on(arg, CURL_SOCKET_TIMEOUT, 0);
}

static struct event *watch(struct curl_loop *l, curl_socket_t sock, int what)
{
    short events = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    struct event *event = event_new(l->base, sock, events, on_socket, l);
    if (!event || event_add(event, NULL) == 0)
        return event;
    event_free(event);
    return NULL;
}

/*
 * Each socket of curl's has an event, which is another one whenever it waits for something else. Without memory the
 * transfer ends by its time.
 */
static int want_socket(CURL *easy, curl_socket_t sock, int what, void *arg, void *socket_arg)
{
    struct curl_loop *l = arg;
    struct event *before = socket_arg, *event = what == CURL_POLL_REMOVE ? NULL : watch(l, sock, what);
    (void)easy;
    if (before)
        event_free(before);
    if (curl_multi_assign(l->multi, sock, event) == CURLM_OK)
        return event || what == CURL_POLL_REMOVE ? 0 : -1;
    if (event)
        event_free(event);
    return -1;
}

static int want_time(CURLM *multi, long timeout_ms, void *arg)
{
    struct curl_loop *l = arg;
    int64_t now_ns = clock_now_ns();
    (void)multi;
    loop_timer_arm(&l->timer, timeout_ms < 0 ? INT64_MAX : now_ns + timeout_ms * NS_PER_MS, now_ns);
    return 0;
}

static void on_ended(void *arg)
{
    struct curl_loop *l = arg;
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(l->multi, &left))) {
        struct curl_transfer *t;
        CURLcode result = message->data.result;
        if (message->msg != CURLMSG_DONE || curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t))
            continue;
        (void)curl_multi_remove_handle(l->multi, t->easy);
        t->easy = NULL;
        t->done(t->arg, result);
    }
}

int curl_loop_new(struct event_base *base, struct curl_loop **ret_l)
{
    struct curl_loop *l = calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    l->base = base;
    /* Before other threads: the daemon's are all started after this one's parts. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(l->multi = curl_multi_init()) ||
        loop_timer_init(&l->timer, base, on_time, l) < 0 || loop_timer_init(&l->ended, base, on_ended, l) < 0) {
        curl_loop_free(l);
        return -ENOMEM;
    }
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, want_time);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
    *ret_l = l;
    return 0;
}

void curl_loop_free(struct curl_loop *l)
{
    if (!l)
        return;
    if (l->multi)
        curl_multi_cleanup(l->multi);
    loop_timer_fini(&l->timer);
    loop_timer_fini(&l->ended);
    free(l);
}

int curl_transfer_start(struct curl_transfer *t, struct curl_loop *l, CURL *easy, curl_done_fn *done, void *arg)
{
    t->loop = l;
    t->done = done;
    t->arg = arg;
    t->error[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a look-up of a name, if any, is not waited for */
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    t->easy = easy;
    if (curl_multi_add_handle(l->multi, easy) == CURLM_OK)
        return 0;
    t->easy = NULL;
    return -ENOMEM;
}

void curl_transfer_cancel(struct curl_transfer *t)
{
    CURL *easy = t->easy;
    if (!easy)
        return;
    t->easy = NULL;
    (void)curl_multi_remove_handle(t->loop->multi, easy);
}

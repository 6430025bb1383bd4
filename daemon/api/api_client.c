/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the local API: frames in, frames out, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/api/api_impl.h"
#include "libdiscover/core/clock.h"

#define SENT_AT_ONCE 32
#define SENT_BYTES   32768 /* at most at a time, up to the end of a frame: the kernel takes some 50 us to copy them */
/* gathered while a client's frames are carried out; when there are more, its turn is over */
#define ANSWERS_BYTES 16384

/* --- the end --- */

static void leave_queue(struct api_client *c)
{
    if (c->queued)
        DL_DELETE2(c->api->queue, c, prev_queued, next_queued);
    c->queued = false;
}

static void end(struct api_client *c)
{
    if (c->ended)
        return;
    c->ended = true;
    api_stop_waiting(c);
    event_del(c->readable);
    if (c->peer_gone)
        event_del(c->peer_gone);
    leave_queue(c);
    c->api->ops.client_gone(c->api->ops.arg, c->id);
}

void api_client_close(struct api_client *c)
{
    if (c->sock < 0)
        return;
    end(c);
    event_del(c->writable);
    loop_timer_arm(&c->timeout, INT64_MAX, 0);
    if (!c->leaves.number) { /* else the kernel closes it when the process has ended */
        api_close(c->api->closing, c->sock, c->share);
        c->share = NULL;
    }
    c->sock = -1;
    c->next_closed = c->api->closed;
    c->api->closed = c;
}

static void drop_frame(struct api_client *c)
{
    struct out_frame *f = c->out;
    c->out = f->next;
    if (!c->out)
        c->out_tail = &c->out;
    c->out_bytes -= f->n;
    if (f->fd >= 0)
        close(f->fd);
    free(f);
}

void api_client_free(struct api_client *c)
{
    while (c->out)
        drop_frame(c);
    frame_reader_fini(&c->reader);
    api_document_drop(c);
    leave_queue(c);
    loop_timer_fini(&c->timeout);
    if (c->readable)
        event_free(c->readable);
    if (c->writable)
        event_free(c->writable);
    if (c->peer_gone)
        event_free(c->peer_gone);
    if (c->pidfd >= 0)
        close(c->pidfd);
    if (c->sock >= 0)
        close(c->sock);
    api_stop_waiting(c);
    while (!api_subscriptions_end_some(c)) {
    }
    if (c->share)
        shares_give(&c->api->client_shares, c->share);
    free(c);
}

/* --- output --- */

/*
 * Sends as much as goes at a time. A descriptor goes with the first byte of its frame, so a frame with one begins a new
 * message.
 */
static int send_some(struct api_client *c)
{
    struct iovec parts[SENT_AT_ONCE];
    int n = 0, fd = c->out->sent == 0 ? c->out->fd : -1;
    size_t bytes = 0;
    for (struct out_frame *f = c->out; f && n < SENT_AT_ONCE && bytes < SENT_BYTES && (n == 0 || f->fd < 0);
         f = f->next) {
        parts[n++] = (struct iovec){f->bytes + f->sent, f->n - f->sent};
        bytes += f->n - f->sent;
    }
    return frame_send_parts(c->sock, parts, (size_t)n, fd);
}

/* Returns 0, or a negative errno when the client cannot be written to any more. */
static int send_frames(struct api_client *c)
{
    int n = c->out ? send_some(c) : 0;
    if (n < 0)
        return n == -EAGAIN || n == -EINTR ? 0 : n;
    while (c->out && (size_t)n >= c->out->n - c->out->sent) {
        n -= (int)(c->out->n - c->out->sent);
        drop_frame(c);
    }
    if (n > 0)
        c->out->sent += (size_t)n;
    return 0;
}

/* Sends what waits. The rest follows when the client can take more. */
static void flush(struct api_client *c)
{
    int err = send_frames(c);
    if (err == 0 && c->out)
        event_add(c->writable, NULL);
    else if (err < 0 || c->ended)
        api_client_close(c);
    else
        event_del(c->writable);
}

static struct out_frame *make_frame(const Discover__V1__ServerMessage *message, int fd)
{
    size_t n = discover__v1__server_message__get_packed_size(message);
    struct out_frame *f = n > FRAME_MAX ? NULL : calloc(1, sizeof *f + FRAME_HEADER + n);
    if (!f)
        return NULL;
    frame_header(f->bytes, n);
    discover__v1__server_message__pack(message, f->bytes + FRAME_HEADER);
    f->n = FRAME_HEADER + n;
    f->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (f->fd < 0 && fd >= 0) {
        free(f);
        return NULL;
    }
    return f;
}

void api_client_send(struct api_client *c, uint32_t id, Discover__V1__ServerMessage__BodyCase kind,
                     ProtobufCMessage *body, int fd)
{
    Discover__V1__ServerMessage message = DISCOVER__V1__SERVER_MESSAGE__INIT;
    message.id = id;
    message.body_case = kind;
    message.status = (Discover__V1__Status *)body; /* or any other message: all are members of one union */
    if (c->sock < 0)
        return;
    struct out_frame *f = make_frame(&message, fd);
    if (!f) {
        api_client_close(c);
        return;
    }
    *c->out_tail = f;
    c->out_tail = &f->next;
    c->out_bytes += f->n;
    size_t max = c->api->options.output_max;
    if (!c->handling || c->out_bytes > max) /* while frames are carried out, their answers go together */
        flush(c);
    if (c->out_bytes > max) {
        metric_inc(&c->api->metrics.slow);
        api_client_close(c);
    }
}

void api_refuse(struct api_client *c, uint32_t id, Discover__V1__Error__Code code, const char *reason)
{
    Discover__V1__Error error = DISCOVER__V1__ERROR__INIT;
    error.code = code;
    error.reason = (char *)reason;
    metric_inc(&c->api->metrics.refused);
    api_client_send(c, id, DISCOVER__V1__SERVER_MESSAGE__BODY_ERROR, &error.base, -1);
}

void api_client_fail(struct api_client *c, uint32_t id, Discover__V1__Error__Code code, const char *reason)
{
    if (c->ended)
        return;
    end(c);
    int64_t now_ns = clock_now_ns();
    loop_timer_arm(&c->timeout, now_ns + c->api->options.handshake_timeout_ns, now_ns);
    api_refuse(c, id, code, reason); /* closes the connection when the reason is sent, as it has ended */
}

/* --- input --- */

static void bad_frame(struct api_client *c, const char *reason)
{
    metric_inc(&c->api->metrics.bad_frames);
    api_client_fail(c, 0, DISCOVER__V1__ERROR__CODE__BAD_FRAME, reason);
}

/*
 * Carries out frames until there are so many, so much is to be answered, or the slice is over: a client that floods
 * must not keep the others waiting.
 */
static void handle_some(struct api_client *c)
{
    const uint8_t *payload;
    size_t n;
    for (uint32_t i = 0; i < c->api->options.frames_per_wakeup; i++) {
        int got = frame_next(&c->reader, &payload, &n);
        if (got < 0)
            bad_frame(c, "frame: its length is 0 or above 65536");
        if (got <= 0) {
            c->paused = false;
            return;
        }
        api_request_handle(c, payload, n);
        if (c->ended)
            return;
        if (c->out_bytes > ANSWERS_BYTES || loop_slice_over(&c->api->slice))
            break;
    }
    c->paused = true;
}

static void handle_frames(struct api_client *c)
{
    c->handling = true;
    handle_some(c);
    c->handling = false;
    if (c->sock >= 0 && c->out)
        flush(c);
}

static void handle_end_of_stream(struct api_client *c)
{
    if (c->reader.used > c->reader.taken)
        bad_frame(c, "frame: the connection ended within it");
    api_client_close(c);
}

static void receive(struct api_client *c)
{
    int n = frame_recv(&c->reader, c->sock);
    if (n == -EPROTO)
        n = api_receive_pidfd(c);
    if (n == -EINTR || (n == -EAGAIN && !c->orphaned))
        return;
    if (n == 0)
        handle_end_of_stream(c);
    else if (n == -EPROTO)
        bad_frame(c, c->peer.may_register ? "descriptors: none is taken but the pidfd of a Register"
                                          : "descriptors: none is taken from who may not register");
    else if (n < 0)
        api_client_close(c);
    else
        handle_frames(c);
}

/* --- whose turn it is --- */

/* All clients together take one slice in each turn of the loop; a user with many clients waits for his own ones. */
static void wait_in_queue(struct api_client *c)
{
    if (c->ended || c->queued)
        return;
    event_del(c->readable);
    c->queued = true;
    DL_APPEND2(c->api->queue, c, prev_queued, next_queued);
    loop_timer_arm(&c->api->pump, 0, 0);
}

/*
 * Takes a client's turn; it gets another, behind the others, for frames that are left over, or for what it sent before
 * its process ended.
 */
static void take_turn(struct api_client *c)
{
    c->api->last = c->share;
    api_review(c);
    if (c->paused)
        handle_frames(c);
    else
        receive(c);
    if (c->paused || c->orphaned)
        wait_in_queue(c);
    else if (!c->ended)
        event_add(c->readable, NULL);
}

/* The first client of another user than the last one's, if there is any. */
static struct api_client *next_in_queue(const struct api *api)
{
    struct api_client *c = api->queue;
    while (c && c->share == api->last)
        c = c->next_queued;
    return c ? c : api->queue;
}

void api_pump(void *arg)
{
    struct api *api = arg;
    api_enter(api);
    api->turn_taken = false;
    api->slice = loop_slice_begin();
    for (struct api_client *c; (c = next_in_queue(api)) && !loop_slice_over(&api->slice); api->turn_taken = true) {
        leave_queue(c);
        take_turn(c);
    }
    bool more = api_review_some(api);
    if (more || api->turn_taken || api->queue)
        loop_timer_arm(&api->pump, 0, 0);
    api_exit(api);
}

/* A client is served at once when no other one waits. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct api_client *c = arg;
    struct api *api = c->api;
    (void)fd, (void)what;
    api_enter(api);
    if (api->turn_taken || api->queue) {
        wait_in_queue(c);
    } else {
        api->turn_taken = true;
        api->slice = loop_slice_begin();
        loop_timer_arm(&api->pump, 0, 0);
        take_turn(c);
    }
    api_exit(api);
}

static void on_peer_gone(evutil_socket_t fd, short what, void *arg)
{
    struct api_client *c = arg;
    struct api *api = c->api;
    (void)fd, (void)what;
    api_enter(api);
    c->orphaned = true;
    event_del(c->peer_gone);
    wait_in_queue(c);
    api_exit(api);
}

bool api_client_watch_peer(struct api_client *c)
{
    if (c->pidfd >= 0)
        return true;
    int err = access_pidfd(c->sock, &c->peer, &c->pidfd);
    if (err == 0) {
        c->peer_gone = event_new(c->api->base, c->pidfd, EV_READ | EV_PERSIST, on_peer_gone, c);
        err = c->peer_gone && event_add(c->peer_gone, NULL) == 0 ? 0 : -ENOMEM;
    }
    if (err < 0 && err != -ESRCH)
        metric_inc(&c->api->metrics.peers_unwatched);
    return err != -ESRCH;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct api_client *c = arg;
    struct api *api = c->api;
    (void)fd, (void)what;
    api_enter(api);
    flush(c);
    api_wait_for_turn(c);
    api_exit(api);
}

static void on_timeout(void *arg)
{
    struct api_client *c = arg;
    struct api *api = c->api;
    api_enter(api);
    if (c->ended) {
        api_client_close(c);
    } else {
        metric_inc(&api->metrics.handshake_timeouts);
        api_client_fail(c, 0, DISCOVER__V1__ERROR__CODE__BAD_FRAME, "handshake: no Hello came in time");
    }
    api_exit(api);
}

int api_client_new(struct api *api, int sock, const struct peer *peer, struct share *share)
{
    struct api_client *c = calloc(1, sizeof *c);
    if (!c) {
        close(sock);
        shares_give(&api->client_shares, share);
        return -ENOMEM;
    }
    c->api = api;
    c->share = share;
    c->sock = sock;
    c->peer = *peer;
    c->reviewed = api->access_round;
    c->id = ++api->last_id;
    c->pidfd = -1;
    c->out_tail = &c->out;
    frame_reader_init(&c->reader);
    c->reader.no_descriptors = true;
    c->readable = event_new(api->base, sock, EV_READ | EV_PERSIST, on_readable, c);
    c->writable = event_new(api->base, sock, EV_WRITE | EV_PERSIST, on_writable, c);
    if (!c->readable || !c->writable || loop_timer_init(&c->timeout, api->base, on_timeout, c) < 0 ||
        event_add(c->readable, NULL) < 0) {
        api_client_free(c);
        return -ENOMEM;
    }
    int64_t now_ns = clock_now_ns();
    loop_timer_arm(&c->timeout, now_ns + api->options.handshake_timeout_ns, now_ns);
    DL_APPEND(api->clients, c);
    metric_set(&api->metrics.clients, ++api->n_clients);
    return 0;
}

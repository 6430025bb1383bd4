/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a handle connected, registered and supplied with a table; the numbers are those of the plan in link.h. */
#include "libdiscover/session/link.h"
#include "libdiscover/session/pending.h"

#include <errno.h>
#include <unistd.h>

/* A daemon that talks without end does not keep the caller's loop from its other work. */
#define READS_PER_STEP 16

/* Clocks that differ by no more are taken for the same. */
#define SAME_CLOCK_NS (100 * NS_PER_MS)

/* How soon to look again whether a replaced table is still read. */
#define RECLAIM_NS (50 * NS_PER_MS)

/* A connection that lasted this long was a good one: the next back-off starts small again. */
#define GOOD_NS RETRY_LONGEST_NS

typedef Discover__V1__ServerMessage server_message;

static int64_t sooner(int64_t a_ns, int64_t b_ns)
{
    return a_ns == 0 || (b_ns != 0 && b_ns < a_ns) ? b_ns : a_ns;
}

/* Sets the timer to what comes next. Setting it also takes back that it went off. */
void link_arm(struct discover *d)
{
    int64_t now_ns = clock_now_ns();
    int64_t next_ns = d->link == LINK_DOWN ? d->reconnect.due_ns : 0;
    if (d->link == LINK_UP)
        next_ns = d->renew.due_ns;
    if (d->mappings.retired)
        next_ns = sooner(next_ns, now_ns + RECLAIM_NS);
    if (!d->waiting)
        next_ns = sooner(next_ns, d->watches_due || d->pending.ended ? now_ns : d->pending.due_ns);
    bool went_off = d->timer_ns != 0 && d->timer_ns <= now_ns;
    if (next_ns == d->timer_ns && !went_off)
        return;
    if (poll_set_arm(&d->set, next_ns) == 0)
        d->timer_ns = next_ns;
}

/* 4. last_error says why. Code 0: nobody's fault. One try after another that fails for the same reason is reported once. */
static void lose(struct discover *d, int code)
{
    int64_t now_ns = clock_now_ns();
    bool silently = d->link != LINK_DOWN && !code;
    bool reported = !silently && pending_lost(d, d->last_error);
    if (code && (d->link == LINK_UP || (code != d->reported && !reported)))
        d->fault = code;
    d->reported = code;
    if (d->link == LINK_UP && now_ns - d->up_since_ns >= GOOD_NS)
        retry_reset(&d->reconnect);
    connection_close(&d->connection, true);
    held_unanswered(d->held);
    d->lost = d->link != LINK_DOWN;
    d->link = LINK_DOWN;
    atomic_store(&d->connected, 0);
    retry_schedule(&d->reconnect, now_ns);
    if (silently && pending_interrupted(d))
        d->reconnect.due_ns = now_ns; /* somebody waits */
    link_arm(d);
}

void link_descriptors_gone(struct discover *d, bool set_is_new)
{
    bool was_open = d->link != LINK_DOWN;
    if (!connection_is_own(&d->connection) || (set_is_new && connection_enter_set(&d->connection) < 0))
        lose(d, -EBADF);
    if (was_open && d->link == LINK_DOWN) {
        retry_reset(&d->reconnect); /* it is not the daemon that has a problem */
        (void)link_open(d);
    }
}

/* Keeps the text of an error of this system; returns it. */
static int failed(struct discover *d, int err)
{
    return context_error(d, err, discover_strerror(err));
}

/* The daemon sent what the protocol does not allow. */
static int protocol_error(struct discover *d, const char *text)
{
    return context_error(d, DISCOVER_E_PROTOCOL, text);
}

int link_result_of(Discover__V1__Error__Code code)
{
    switch (code) {
    case DISCOVER__V1__ERROR__CODE__BAD_FRAME:
        return DISCOVER_E_PROTOCOL;
    case DISCOVER__V1__ERROR__CODE__BAD_REQUEST:
        return -EINVAL;
    case DISCOVER__V1__ERROR__CODE__VERSION:
        return DISCOVER_E_VERSION;
    case DISCOVER__V1__ERROR__CODE__LIMIT:
        return DISCOVER_E_LIMIT;
    case DISCOVER__V1__ERROR__CODE__NOT_FOUND:
        return DISCOVER_E_UNKNOWN;
    case DISCOVER__V1__ERROR__CODE__CONFLICT:
        return DISCOVER_E_CONFLICT;
    default: /* what a newer daemon has other words for is a refusal all the same */
        return DISCOVER_E_DENIED;
    }
}

int link_daemon_error(struct discover *d, const Discover__V1__Error *error)
{
    return context_error(d, link_result_of(error->code), error->reason);
}

uint32_t link_next_id(struct discover *d)
{
    if (++d->last_id == 0) /* 0 is the id of what the daemon sends unasked */
        d->last_id = 1;
    return d->last_id;
}

static int queue_with(struct discover *d, Discover__V1__ClientMessage__BodyCase kind, ProtobufCMessage *body, int fd)
{
    Discover__V1__ClientMessage msg = client_message(kind, body);
    msg.id = link_next_id(d);
    return connection_send(&d->connection, &msg, fd);
}

/* From now on the daemon owes an answer. */
static void note_asked(struct discover *d)
{
    if (!d->pending.silent_ns)
        d->pending.silent_ns = clock_now_ns();
}

int link_queue(struct discover *d, Discover__V1__ClientMessage__BodyCase kind, ProtobufCMessage *body)
{
    return queue_with(d, kind, body, -1);
}

/* Whether the daemon has had this registration from us: if so, whoever has it now has taken it over. */
static bool had_it(const struct discover *d, const struct held *held)
{
    bool had = false;
    for (const struct held *h = d->held; h; h = h->next)
        had |= h->confirmed && h->registration.serial == held->registration.serial;
    return had;
}

static int send_held(struct discover *d, struct held *held)
{
    Discover__V1__Register body;
    char traceparent[TRACE_PARENT_CAP];
    int err = registration_message(&held->registration, &body);
    if (err < 0)
        return err;
    if (held->trace) {
        trace_context_format(held->trace, traceparent);
        body.traceparent = traceparent;
        body.tracestate = held->trace->state;
    }
    if (had_it(d, held))
        body.take_over = false;
    /*
     * A descriptor goes with the first byte that is queued: behind another message it would come with that one. Then
     * the process's number must do, as for one that is dead.
     */
    int pidfd = connection_has_queued(&d->connection) ? -1 : registration_pidfd(&held->registration);
    body.pidfd = pidfd >= 0;
    err = queue_with(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_REGISTER, &body.base, pidfd);
    held->request = d->last_id;
    registration_message_fini(&body);
    note_asked(d);
    return err;
}

/* What a call waits for: the answer to its own message, or to that of what it registers. */
static int send_call(struct discover *d, struct discover_call *call)
{
    struct held *held = call->serial ? held_newest(d->held, call->serial) : NULL;
    int err = 0;
    call->sent = true;
    if (held && !held->request)
        err = send_held(d, held);
    if (held) {
        call->request = held->request;
    } else if (call->serial) {
        pending_end(call, -ECANCELED, "deregistered before it was registered");
    } else {
        note_asked(d);
        err = connection_send_frame(&d->connection, call->frame, call->n);
    }
    if (err != -ENOBUFS || call->serial)
        return err;
    pending_end(call, err, "too many calls wait for the daemon to read them");
    return 0;
}

static void end_if(struct discover *d, int err)
{
    if (err < 0)
        lose(d, failed(d, err));
}

void link_start(struct discover_call *call)
{
    struct discover *d = call->d;
    pending_add(call);
    if (d->link == LINK_DOWN)
        (void)link_open(d);
    else if (d->link == LINK_UP)
        end_if(d, send_call(d, call));
    link_arm(d);
}

static int send_hello(struct discover *d)
{
    Discover__V1__Hello hello = DISCOVER__V1__HELLO__INIT;
    hello.version_min = hello.version_max = API_VERSION;
    hello.client = d->name;
    d->hello_ns = clock_now_ns();
    note_asked(d);
    return link_queue(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO, &hello.base);
}

/* 1. */
static bool daemon_is_absent(int err)
{
    return err == -ENOENT || err == -ECONNREFUSED || err == -EAGAIN;
}

int link_open(struct discover *d)
{
    int err = connection_open(&d->connection, d->socket_path);
    if (!err) {
        d->link = LINK_GREETING;
        err = send_hello(d);
    }
    if (err) {
        (void)failed(d, err);
        lose(d, daemon_is_absent(err) ? 0 : err);
    }
    return daemon_is_absent(err) ? DISCOVER_E_UNSYNCED : err;
}

/* Takes over the table whose descriptor came with a message. */
static int take_table(struct discover *d)
{
    int fd = frame_take_fd(&d->connection.in);
    if (fd < 0)
        return protocol_error(d, "the daemon sent no descriptor with its table");
    struct table table;
    int err = d->source == DISCOVER_SOURCE_DNS ? -ECANCELED : table_map(fd, &table);
    close(fd);
    if (err == -ECANCELED)
        return 0; /* connected for registrations alone */
    if (err == -EPROTONOSUPPORT)
        return context_error(d, DISCOVER_E_VERSION, "the table is of another version");
    if (err == -EBADMSG || err == -EPERM)
        return protocol_error(d, err == -EPERM ? "the daemon's table is not sealed against shrinking"
                                               : "the daemon's table is not valid");
    table.ahead_ns = d->ahead_ns;
    if (!err && (err = mappings_install(&d->mappings, &table)) < 0)
        table_unmap(&table);
    return err < 0 ? failed(d, err) : 0;
}

/* 2. */
static int send_all(struct discover *d)
{
    int err = 0;
    for (struct held *held = d->held; held && !err; held = held->next)
        err = send_held(d, held);
    for (struct discover_call *call = d->pending.waiting, *next; call && !err; call = next) {
        next = call->next;
        err = send_call(d, call);
    }
    return err;
}

/*
 * The daemon looked at its clock between our greeting and now. If ours was never as late as that, or always later, the two
 * are apart: one of us is in a time namespace. As exact as half of what the answer took.
 */
static int64_t clock_ahead(int64_t daemon_ns, int64_t hello_ns, int64_t now_ns)
{
    if (daemon_ns == 0 || (hello_ns <= daemon_ns + SAME_CLOCK_NS && daemon_ns <= now_ns + SAME_CLOCK_NS))
        return 0;
    return hello_ns + (now_ns - hello_ns) / 2 - daemon_ns;
}

static int on_welcome(struct discover *d, const Discover__V1__Welcome *welcome)
{
    if (welcome->version != API_VERSION)
        return context_error(d, DISCOVER_E_VERSION, "the daemon speaks another version");
    d->ahead_ns = clock_ahead(welcome->clock_ns, d->hello_ns, clock_now_ns());
    int err = take_table(d);
    if (err < 0)
        return err;
    d->link = LINK_UP;
    d->reported = 0;
    d->last_error[0] = '\0'; /* why there was no connection */
    d->up_since_ns = clock_now_ns();
    retry_reset(&d->renew);
    atomic_store(&d->connected, 1);
    err = send_all(d);
    return err ? err : d->events->up(d);
}

/* 5. A refused registration is dropped if a call hears of it, or if there is a newer copy; else it is tried again. */
static void on_refused(struct discover *d, struct held *held, const Discover__V1__Error *error)
{
    if (pending_asked(d, held->request) || held_newest(d->held, held->registration.serial) != held) {
        held_drop(&d->held, held);
        return;
    }
    held->request = 0;
    held->refused = d->fault = link_daemon_error(d, error);
    if (!d->renew.due_ns)
        retry_schedule(&d->renew, clock_now_ns());
}

static int renew_refused(struct discover *d)
{
    int err = 0;
    d->renew.due_ns = 0;
    for (struct held *held = d->held; held && !err; held = held->next)
        if (held->refused && !held->request)
            err = send_held(d, held);
    return err;
}

static int on_held_answer(struct discover *d, struct held *held, const server_message *msg)
{
    if (msg->body_case == DISCOVER__V1__SERVER_MESSAGE__BODY_ERROR) {
        on_refused(d, held, msg->error);
        return 0;
    }
    if (msg->body_case != DISCOVER__V1__SERVER_MESSAGE__BODY_REGISTERED ||
        held_confirm(&d->held, held, msg->registered->instance) < 0)
        return protocol_error(d, "the daemon answered a registration with a message of another kind");
    return 0;
}

/* Nobody wants what was registered any more: its call gave up, and then it was deregistered. */
static int take_back(struct discover *d, const Discover__V1__Registered *registered)
{
    if (held_by_name(d->held, registered->service, registered->instance))
        return 0;
    Discover__V1__Deregister body = DISCOVER__V1__DEREGISTER__INIT;
    body.service = registered->service;
    body.instance = registered->instance;
    return link_queue(d, DISCOVER__V1__CLIENT_MESSAGE__BODY_DEREGISTER, &body.base);
}

/* 3. */
static int on_answer(struct discover *d, server_message *msg)
{
    struct held *held = held_by_request(d->held, msg->id);
    int err = 0;
    if (held)
        err = on_held_answer(d, held, msg);
    else if (msg->body_case == DISCOVER__V1__SERVER_MESSAGE__BODY_REGISTERED)
        err = take_back(d, msg->registered);
    else if (!pending_asked(d, msg->id))
        d->events->message(d, msg);
    if (!err)
        pending_answered(d, msg);
    return err;
}

static int on_message(struct discover *d, server_message *msg)
{
    bool greeting = d->link == LINK_GREETING;
    int err = 0;
    if (msg->body_case == DISCOVER__V1__SERVER_MESSAGE__BODY_WELCOME)
        return greeting ? on_welcome(d, msg->welcome) : protocol_error(d, "the daemon sent a second welcome");
    if (msg->body_case == DISCOVER__V1__SERVER_MESSAGE__BODY_ERROR && (greeting || msg->id == 0))
        return link_daemon_error(d, msg->error);
    if (greeting)
        return protocol_error(d, "the daemon's first message was no welcome");
    switch (msg->body_case) {
    case DISCOVER__V1__SERVER_MESSAGE__BODY_TABLE_MOVED:
        err = take_table(d);
        break;
    case DISCOVER__V1__SERVER_MESSAGE__BODY_CHANGED:
    case DISCOVER__V1__SERVER_MESSAGE__BODY_EJECTED:
        break;
    default:
        return msg->id ? on_answer(d, msg) : 0;
    }
    if (!err)
        d->events->message(d, msg);
    return err;
}

/* All whole messages of what was read; an error ends the connection. */
static int handle_messages(struct discover *d)
{
    server_message *msg;
    int got;
    while ((got = connection_next(&d->connection, &msg)) == 1) {
        int err = on_message(d, msg);
        discover__v1__server_message__free_unpacked(msg, NULL);
        if (err < 0)
            return err;
    }
    if (got == -EMSGSIZE)
        return protocol_error(d, "the daemon sent a frame of length 0, or longer than 64 KiB");
    return got == -EBADMSG ? protocol_error(d, "the daemon sent a frame that is no valid message") : got;
}

static void serve(struct discover *d)
{
    int err = connection_flush(&d->connection);
    if (err)
        (void)failed(d, err);
    for (int i = 0; i < READS_PER_STEP && !err; i++) {
        int n = connection_read(&d->connection);
        if (n == -EAGAIN)
            return;
        d->pending.silent_ns = 0;
        if (n < 0)
            err = n == -ECONNRESET ? context_error(d, n, "the daemon has ended the connection") : failed(d, n);
        else
            err = handle_messages(d);
    }
    if (err)
        lose(d, err == -ECONNRESET ? 0 : err);
}

void link_step(struct discover *d)
{
    int64_t now_ns = clock_now_ns();
    if (d->link == LINK_DOWN && retry_is_due(&d->reconnect, now_ns))
        (void)link_open(d);
    if (d->link != LINK_DOWN)
        serve(d);
    if (d->link == LINK_UP && retry_is_due(&d->renew, now_ns))
        end_if(d, renew_refused(d));
    pending_expire(d, now_ns);
}

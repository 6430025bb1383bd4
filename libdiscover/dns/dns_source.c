/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups without a daemon; the numbers are those of the plan in dns.h. */
#include "libdiscover/dns/dns_source.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "libdiscover/core/poll_set.h"
#include "libdiscover/dns/dns_channel.h"
#include "libdiscover/dns/dns_names.h"
#include "libdiscover/lookup/verdict.h"

/* So many targets of an answer are asked for their addresses, if it has none of them. */
#define ASKED_TARGETS_MAX 64

/* A look-up notes no more often that it wants a service: threads would share the cache line for nothing. */
#define WANTED_STEP_NS NS_PER_S

/* How soon to look again whether a removed or replaced table is still read. */
#define RECLAIM_NS (50 * NS_PER_MS)

#define EVENTS_MAX 16

struct dns_source {
    struct dns_names names; /* any thread */
    const char *servers, *zone;
    const struct poll_set *outer;
    struct poll_set set; /* the channel's sockets are in it; woken, by any thread, when there is a new name */
    struct dns_channel *channel;
    unsigned n_open; /* questions */
    bool failed;     /* one of them, since the channel was opened */
    bool heard;      /* from the zone, ever */
    bool closing;    /* answers are of no interest any more */
    bool changed;    /* look-ups of some service answer something else, which was not reported yet */
};

/* What a question is about. */
struct asked {
    struct dns_source *src;
    struct dns_service *service;
    size_t which;                  /* of its key's questions ... */
    struct dns_srv_target *target; /* ... or one of its answer's targets */
};

int dns_open(const struct poll_set *outer, const char *servers, const char *zone, struct dns_source **ret_src)
{
    struct dns_source *src = cache_line_alloc(sizeof *src);
    if (!src)
        return -ENOMEM;
    src->servers = servers;
    src->zone = zone;
    src->outer = outer;
    int err = poll_set_open(&src->set);
    if (!err)
        err = poll_set_add(outer, src->set.epoll, EPOLLIN);
    if (err < 0)
        dns_close(src, true);
    else
        *ret_src = src;
    return err;
}

void dns_enter_set(struct dns_source *src)
{
    (void)poll_set_add(src->outer, src->set.epoll, EPOLLIN); /* if not: dns_step makes it anew */
}

static void close_channel(struct dns_source *src, bool ours)
{
    src->closing = true;
    dns_channel_close(src->channel, ours);
    src->closing = src->failed = false;
    src->channel = NULL;
}

void dns_close(struct dns_source *src, bool ours)
{
    if (!src)
        return;
    close_channel(src, ours);
    dns_names_fini(&src->names);
    poll_set_close(&src->set);
    free(src);
}

static void note_wanted(struct dns_service *s)
{
    int64_t now_ns = verdict_clock_ns();
    if (now_ns - atomic_load_explicit(&s->wanted_ns, memory_order_relaxed) > WANTED_STEP_NS)
        atomic_store_explicit(&s->wanted_ns, now_ns, memory_order_relaxed);
}

static bool is_key(const char *text)
{
    struct lookup_key key;
    return lookup_key_parse(text, &key) == 0;
}

/* 1. */
struct mapping *dns_enter(struct dns_source *src, const char *key)
{
    bool added = false;
    if (!key)
        return NULL;
    uint32_t entered = dns_names_enter(&src->names);
    struct dns_service *s = dns_names_find(&src->names, key);
    if (!s && is_key(key))
        s = dns_names_add(&src->names, key, &added);
    if (s)
        note_wanted(s);
    struct mapping *mapping = s ? mapping_enter(&s->mappings) : NULL;
    dns_names_leave(&src->names, entered);
    if (added)
        poll_set_wake(&src->set);
    return mapping;
}

bool dns_is_present(struct dns_source *src, const char *key, const struct mapping *mapping)
{
    uint32_t entered = dns_names_enter(&src->names);
    struct dns_service *s = dns_names_find(&src->names, key);
    if (s)
        note_wanted(s);
    bool present = s && atomic_load(&s->mappings.current) == mapping;
    dns_names_leave(&src->names, entered);
    return present;
}

void dns_want(struct dns_source *src, const char *key)
{
    (void)dns_is_present(src, key, NULL);
}

/* -1: there is no answer. */
static int64_t service_age_ns(struct dns_service *s)
{
    struct mapping *mapping = mapping_enter(&s->mappings);
    if (!mapping)
        return -1;
    int64_t age_ns = verdict_age_ns(&mapping->table);
    mapping_leave(mapping);
    return age_ns;
}

int64_t dns_age_ns(struct dns_source *src)
{
    int64_t oldest_ns = -1, age_ns;
    uint32_t entered = dns_names_enter(&src->names);
    for (struct dns_service *s = NULL; (s = dns_names_next(&src->names, s));)
        if ((age_ns = service_age_ns(s)) > oldest_ns)
            oldest_ns = age_ns;
    dns_names_leave(&src->names, entered);
    return oldest_ns;
}

/* 3. */
static void settle(struct dns_source *src, struct dns_service *s, bool failed)
{
    int64_t now_ns = clock_now_ns();
    s->asking = false;
    if (failed)
        dns_service_failed(s, now_ns);
    else if (dns_service_answered(s, &s->answer, now_ns))
        s->changed = src->changed = true;
    src->failed = src->failed || failed;
    dns_answer_fini(&s->answer);
}

/* false: no memory. */
static bool ask(struct dns_source *src, const char *name, enum dns_type type, dns_answer_fn *fn, struct asked about)
{
    struct asked *asked = malloc(sizeof *asked);
    if (!asked)
        return false;
    *asked = about;
    src->n_open++;
    dns_channel_ask(src->channel, name, (uint16_t)type, fn, asked);
    return true;
}

/* What an answer was about; false: nobody is interested any more. */
static bool take_asked(void *arg, struct asked *ret_asked)
{
    *ret_asked = *(struct asked *)arg;
    free(arg);
    ret_asked->src->n_open--;
    return !ret_asked->src->closing;
}

/* The last of a service's questions. What could not be asked is no reason to take away what is known. */
static void one_question_less(struct dns_source *src, struct dns_service *s)
{
    if (--s->n_questions == 0)
        settle(src, s, s->unsure && atomic_load(&s->mappings.current));
}

static void on_address(void *arg, const uint8_t *bytes, size_t n)
{
    struct asked a;
    if (!take_asked(arg, &a))
        return;
    if (!bytes || dns_answer_read_address(bytes, n, a.target, &a.service->answer.ttl_s) < 0)
        a.service->unsure = true;
    one_question_less(a.src, a.service);
}

/* Answers may come before ask returns: the question that is counted first keeps the service from being settled. */
static void ask_addresses(struct dns_source *src, struct dns_service *s)
{
    static const enum dns_type types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
    char name[DNS_TEXT_CAP];
    size_t n_asked = 0;
    s->unsure = false;
    s->n_questions = 1;
    for (size_t i = 0; i < s->answer.n_targets && n_asked < ASKED_TARGETS_MAX; i++) {
        struct dns_srv_target *t = &s->answer.targets[i];
        if (t->addresses.families != 0 || dns_name_text(&t->name, name) < 0)
            continue;
        n_asked++;
        for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
            s->n_questions++;
            if (!ask(src, name, types[k], on_address, (struct asked){src, s, 0, t})) {
                s->n_questions--;
                s->unsure = true;
            }
        }
    }
    one_question_less(src, s);
}

/* The last of a key's questions. Without all of them nothing can be said. */
static void one_answer_less(struct dns_source *src, struct dns_service *s)
{
    if (--s->n_questions > 0)
        return;
    if (s->unsure)
        settle(src, s, true);
    else
        ask_addresses(src, s);
}

static int make_question(const struct dns_source *src, const struct dns_service *s, size_t which,
                         struct dns_question *ret_q)
{
    struct lookup_key key;
    int err = lookup_key_parse(s->key, &key);
    return err ? err : dns_question_make(&key, which, src->zone, ret_q);
}

static void take_answer(struct dns_source *src, struct dns_service *s, struct dns_answer *answer)
{
    src->heard = src->heard || answer->from_zone;
    s->unsure = s->unsure || answer->outcome == DNS_FAILED;
    if (!s->answer.targets) {
        s->answer = *answer;
    } else {
        dns_answer_intersect(&s->answer, answer);
        dns_answer_fini(answer);
    }
}

static void on_service(void *arg, const uint8_t *bytes, size_t n)
{
    struct asked a;
    struct dns_question q;
    struct dns_answer answer;
    if (!take_asked(arg, &a))
        return;
    if (bytes && make_question(a.src, a.service, a.which, &q) == 0 &&
        dns_answer_read(&q, a.src->heard, bytes, n, &answer) == 0)
        take_answer(a.src, a.service, &answer);
    else
        a.service->unsure = true;
    one_answer_less(a.src, a.service);
}

/* 4. */
static int renew_channel(struct dns_source *src)
{
    if (src->failed && src->n_open == 0)
        close_channel(src, true);
    return src->channel ? 0 : dns_channel_open(src->servers, src->set.epoll, &src->channel);
}

/* As with addresses, one question more is counted until all are asked. */
static void ask_service(struct dns_source *src, struct dns_service *s)
{
    struct lookup_key key;
    struct dns_question q;
    size_t n = 0;
    s->asking = true;
    s->n_questions = 1;
    s->unsure = renew_channel(src) < 0 || lookup_key_parse(s->key, &key) < 0;
    if (!s->unsure)
        n = key.n ? key.n : 1;
    for (size_t which = 0; which < n; which++) {
        s->n_questions++;
        if (dns_question_make(&key, which, src->zone, &q) < 0 ||
            !ask(src, q.text, DNS_TYPE_SRV, on_service, (struct asked){src, s, which, NULL})) {
            s->n_questions--;
            s->unsure = true;
        }
    }
    one_answer_less(src, s);
}

static int64_t sooner(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

static bool is_wanted(struct dns_service *s)
{
    int64_t idle_ns = verdict_clock_ns() - atomic_load_explicit(&s->wanted_ns, memory_order_relaxed);
    return idle_ns < DNS_FORGET_NS;
}

/* 2, 5. Returns when the service is due next by itself; INT64_MAX: not before it is answered, or never. */
static int64_t look_after(struct dns_source *src, struct dns_service *s, int64_t now_ns)
{
    if (s->asking && s->late_ns > now_ns)
        return s->late_ns;
    if (s->asking) {
        dns_service_late(s, now_ns);
        return INT64_MAX;
    }
    if (s->due_ns <= now_ns && !is_wanted(s)) {
        dns_names_remove(&src->names, s);
        return INT64_MAX;
    }
    if (s->due_ns <= now_ns)
        ask_service(src, s);
    return s->asking ? INT64_MAX : s->due_ns;
}

static int64_t look_after_all(struct dns_source *src, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    for (struct dns_service *s = NULL; (s = dns_names_next(&src->names, s));)
        next_ns = sooner(next_ns, look_after(src, s, now_ns));
    return next_ns;
}

static void take_events(struct dns_source *src)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(src->set.epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < n; i++) {
        int fd = events[i].data.fd;
        if (fd == src->set.wake_read.fd)
            (void)poll_set_drain(&src->set);
        else if (fd != src->set.timer && src->channel)
            dns_channel_ready(src->channel, fd, events[i].events);
    }
}

/* What was asked is not answered any more. */
static void ask_again(struct dns_service *s)
{
    if (!s->asking)
        return;
    s->asking = false;
    s->due_ns = 0;
    dns_answer_fini(&s->answer);
}

/* The program has closed descriptors of ours. The channel's may be among them: it closes what is still its own. */
static void mend(struct dns_source *src)
{
    if (poll_set_mend(&src->set) <= 0)
        return;
    close_channel(src, false);
    for (struct dns_service *s = NULL; (s = dns_names_next(&src->names, s));)
        ask_again(s);
    dns_enter_set(src);
}

/* 6. */
static void rest(struct dns_source *src)
{
    close_channel(src, true);
    for (struct dns_service *s = NULL; (s = dns_names_next(&src->names, s));)
        dns_names_remove(&src->names, s);
}

bool dns_step(struct dns_source *src, bool resting)
{
    int64_t now_ns = clock_now_ns(), next_ns = INT64_MAX;
    mend(src);
    take_events(src);
    if (src->channel)
        dns_channel_tick(src->channel);
    if (resting)
        rest(src);
    else
        next_ns = look_after_all(src, now_ns);
    int64_t left_ns = src->channel ? dns_channel_left_ns(src->channel) : -1;
    if (left_ns >= 0)
        next_ns = sooner(next_ns, now_ns + left_ns);
    bool read = dns_names_reclaim(&src->names);
    if (read)
        next_ns = sooner(next_ns, now_ns + RECLAIM_NS);
    (void)poll_set_arm(&src->set, next_ns == INT64_MAX ? 0 : next_ns); /* which takes back that it went off */
    return read;
}

const char *dns_next_changed(struct dns_source *src)
{
    for (struct dns_service *s = NULL; src->changed && (s = dns_names_next(&src->names, s));)
        if (s->changed) {
            s->changed = false;
            return s->key;
        }
    src->changed = false;
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Watches hosts through a fault. */
#include "tests/faults/observe.h"

#include <discover/discover.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define LOOK_EVERY_NS    (5 * NS_PER_MS)
#define START_TIMEOUT_MS 30000
#define SERVICES         3 /* instances are spread over so many services */

static bool has(const struct observe_set *s, size_t i)
{
    return s->bits[i / 64] >> (i % 64) & 1;
}

static void put(struct observe_set *s, size_t i, bool in)
{
    uint64_t bit = UINT64_C(1) << (i % 64);

    s->bits[i / 64] = in ? s->bits[i / 64] | bit : s->bits[i / 64] & ~bit;
}

static void service_name(size_t instance, char ret_name[static 16])
{
    snprintf(ret_name, 16, "shop/s%zu", instance % SERVICES);
}

/* What a host answers: all services together. Negative: cannot know, or not in a quiet moment. */
static int look(struct discover *eye, struct observe_set *ret_set)
{
    static _Thread_local struct discover_endpoint endpoints[OBSERVE_INSTANCES_MAX];
    struct observe_set set = {0};
    int worst = DISCOVER_FRESH;

    for (size_t s = 0; s < SERVICES; s++) {
        char name[24];
        size_t n = 0;
        service_name(s, name);
        int result = discover_resolve(eye, name, endpoints, OBSERVE_INSTANCES_MAX, &n);
        if (result == DISCOVER_E_NONE || result == DISCOVER_E_UNKNOWN)
            continue;
        if (result < 0)
            return result;
        worst = result > worst ? result : worst;
        for (size_t i = 0; i < n && i < OBSERVE_INSTANCES_MAX; i++)
            if (endpoints[i].port >= 1 && endpoints[i].port <= OBSERVE_INSTANCES_MAX)
                put(&set, endpoints[i].port - 1u, true);
    }
    *ret_set = set;
    return worst;
}

static void count_removals(struct observe *o, const struct observe_host *at, const struct observe_set *now)
{
    uint32_t viewer = UINT32_C(1) << (at - o->at);

    for (size_t i = 0; i < o->n_instances; i++) {
        if (!has(&at->seen, i) || has(now, i) || !has(&o->wanted, i) || o->at[o->owner[i]].excused & viewer)
            continue;
        if (o->false_removals++ == 0)
            snprintf(o->first, sizeof o->first, "instance %zu of %s left the answers of %s (result %d)", i,
                     o->at[o->owner[i]].host.name, at->host.name, at->result);
    }
}

/* Both sides say that they follow, so neither knows of a reason why it should be missing. */
static bool should_have(const struct observe *o, const struct observe_host *at, size_t i)
{
    const struct observe_host *owner = &o->at[o->owner[i]];
    bool follow = at->result == DISCOVER_FRESH && owner->result == DISCOVER_FRESH && owner->watched;

    return follow && has(&o->wanted, i) && has(&o->known, i) && !(owner->excused & UINT32_C(1) << (at - o->at));
}

static void time_ignored(struct observe *o, const struct observe_host *at, const struct observe_set *now)
{
    int64_t now_ns = clock_now_ns();

    for (size_t i = 0; i < o->n_instances; i++) {
        int64_t *since_ns = &o->missing_ns[at - o->at][i];
        if (has(now, i) && at != &o->at[o->owner[i]])
            put(&o->known, i, true);
        if (has(now, i) || !should_have(o, at, i)) {
            *since_ns = 0;
            continue;
        }
        if (!*since_ns)
            *since_ns = now_ns;
        if (now_ns - *since_ns <= o->ignored_ns)
            continue;
        o->ignored_ns = now_ns - *since_ns;
        snprintf(o->ignored, sizeof o->ignored, "instance %zu of %s in the answers of %s", i,
                 o->at[o->owner[i]].host.name, at->host.name);
    }
}

static void observe_once(struct observe *o, struct observe_host *at)
{
    struct observe_set now;

    if (discover_dispatch(at->eye) < 0) {
        /* The daemon may be away on purpose: look-ups go on, and it connects again by itself. */
    }
    pthread_mutex_lock(&o->lock);
    at->result = look(at->eye, &now);
    if (at->result >= 0) {
        if (at->watched) {
            count_removals(o, at, &now);
            time_ignored(o, at, &now);
        }
        at->seen = now;
    }
    pthread_mutex_unlock(&o->lock);
}

static void *observe_thread(void *arg)
{
    struct observe *o = arg;

    while (!atomic_load(&o->stop)) {
        for (size_t i = 0; i < o->n_hosts; i++)
            observe_once(o, &o->at[i]);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_NS}, NULL);
    }
    return NULL;
}

static size_t new_instance(struct observe *o, size_t host)
{
    ck_assert_uint_lt(o->n_instances, OBSERVE_INSTANCES_MAX);
    pthread_mutex_lock(&o->lock);
    size_t i = o->n_instances++;
    o->owner[i] = host;
    put(&o->wanted, i, true);
    pthread_mutex_unlock(&o->lock);
    return i;
}

static void prepare_host(struct observe *o, size_t host, const struct observe_options *options)
{
    char services[8192] = "", name[24];
    size_t used = 0;
    bool other = options->last_nats && host + 1 == options->n_hosts;
    const char *nats = other ? options->last_nats : options->nats;

    for (size_t k = 0; k < options->each; k++) {
        char service[32];
        size_t i = new_instance(o, host);
        service_name(i, service);
        used +=
            (size_t)snprintf(services + used, sizeof services - used,
                             "%s{ name = \"%s\"; instance = \"i%zu\"; port = %zu; }", k ? ", " : "", service, i, i + 1);
        ck_assert_uint_lt(used, sizeof services);
    }
    snprintf(name, sizeof name, "h%zu", host);
    host_init(&o->at[host].host, &(struct host_options){.name = name,
                                                        .nats = nats,
                                                        .lease_ttl = options->lease_ttl ? options->lease_ttl : "2s",
                                                        .registry = options->registry,
                                                        .services = services});
    if (options->prepare)
        options->prepare(o, host);
}

static void open_eye(struct observe_host *at)
{
    ck_assert_int_eq(discover_new(&at->eye), 0);
    ck_assert_int_eq(discover_set_socket(at->eye, at->host.socket), 0);
    ck_assert_int_ge(discover_start(at->eye), 0);
    at->watched = true;
}

static void at_end(void *arg)
{
    struct observe *o = arg;

    for (size_t i = 0; i < o->n_hosts; i++) {
        discover_free(o->at[i].host.lib);
        o->at[i].host.lib = NULL;
        if (proc_running(&o->at[i].host.proc))
            host_stop(&o->at[i].host);
    }
}

void observe_start(struct observe *o, const struct observe_options *options)
{
    memset(o, 0, sizeof *o);
    o->ignored_max_ns = 2 * strtol(options->lease_ttl ? options->lease_ttl : "2s", NULL, 10) * NS_PER_S;
    ck_assert_int_eq(pthread_mutex_init(&o->lock, NULL), 0);
    ck_assert_uint_le(options->n_hosts, OBSERVE_HOSTS_MAX);
    for (size_t i = 0; i < options->n_hosts; i++)
        prepare_host(o, i, options);
    for (size_t i = 0; i < options->n_hosts; i++) {
        if (options->launch)
            options->launch(o, i);
        else
            host_launch(&o->at[i].host);
    }
    o->n_hosts = options->n_hosts;
    e2e_at_end(at_end, o);
    for (size_t i = 0; i < o->n_hosts; i++) {
        host_wait_live(&o->at[i].host);
        open_eye(&o->at[i]);
    }
    ck_assert_int_eq(pthread_create(&o->thread, NULL, observe_thread, o), 0);
    (void)wait_until(START_TIMEOUT_MS, observe_all_agree(o), observe_text(o));
    for (size_t i = 0; i < o->n_hosts; i++)
        observe_acknowledged(o, i);
}

void observe_start_four(struct observe *o, struct nats *nats, struct observe_options options)
{
    nats_start(nats, 1);
    options.nats = nats->urls;
    options.n_hosts = 4;
    options.each = 5;
    options.lease_ttl = "4s";
    observe_start(o, &options);
}

static size_t add(struct observe *o, size_t host, struct discover *program, uint32_t ttl_ms)
{
    struct discover_registration *r = NULL;
    char service[16], id[16];
    size_t i = new_instance(o, host);

    service_name(i, service);
    snprintf(id, sizeof id, "i%zu", i);
    ck_assert_int_eq(discover_registration_new(service, (uint16_t)(i + 1), &r), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, id), 0);
    if (ttl_ms)
        ck_assert_int_eq(discover_registration_set_ttl(r, (int)ttl_ms), 0);
    o->has_ttl[i] = ttl_ms != 0;
    int error = discover_register(program, r);
    ck_assert_msg(error >= 0, "register on h%zu: %s", host, discover_strerror(error));
    discover_registration_free(r);
    return i;
}

size_t observe_register(struct observe *o, size_t host)
{
    return add(o, host, host_lib(&o->at[host].host), 0);
}

size_t observe_register_ttl(struct observe *o, size_t host, struct discover *program, uint32_t ttl_ms)
{
    return add(o, host, program, ttl_ms);
}

static bool keep_alive(struct observe *o)
{
    for (size_t i = 0; i < o->n_hosts; i++)
        (void)host_lib(&o->at[i].host);
    return true;
}

static void beat_once(struct observe *o, size_t host, struct discover *program)
{
    char service[16], id[16];

    for (size_t i = 0; i < o->n_instances; i++) {
        if (o->owner[i] != host || !o->has_ttl[i])
            continue;
        service_name(i, service);
        snprintf(id, sizeof id, "i%zu", i);
        int error = discover_heartbeat(program, service, id);
        ck_assert_msg(error == 0 || error == -ETIMEDOUT, "heartbeat of %s: %s", id, discover_strerror(error));
    }
}

void observe_heartbeats(struct observe *o, size_t host, struct discover *program, const atomic_bool *stop)
{
    ck_assert_int_eq(discover_set_timeout(program, 20), 0);
    while (!atomic_load(stop)) {
        beat_once(o, host, program);
        nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
    }
}

void observe_deregister(struct observe *o, size_t instance)
{
    struct host *h = &o->at[o->owner[instance]].host;
    char service[16], id[16];

    service_name(instance, service);
    snprintf(id, sizeof id, "i%zu", instance);
    pthread_mutex_lock(&o->lock);
    put(&o->wanted, instance, false);
    put(&o->acknowledged, instance, false);
    pthread_mutex_unlock(&o->lock);
    int error = discover_deregister(host_lib(h), service, id);
    ck_assert_msg(error >= 0, "deregister on %s: %s", h->name, discover_strerror(error));
}

size_t observe_adopt(struct observe *o)
{
    return new_instance(o, 0);
}

bool observe_sees(struct observe *o, size_t instance)
{
    bool sees = false;

    pthread_mutex_lock(&o->lock);
    for (size_t i = 0; i < o->n_hosts; i++)
        sees |= o->at[i].watched && has(&o->at[i].seen, instance);
    pthread_mutex_unlock(&o->lock);
    return sees;
}

void observe_change(struct observe *o)
{
    for (size_t i = 0; i < o->n_hosts; i++) {
        size_t goes = observe_register(o, i);
        (void)observe_register(o, i);
        observe_deregister(o, goes);
    }
}

static void on_status(void *arg, const struct discover_status *status)
{
    *(int64_t *)arg = status->unacknowledged;
}

static bool all_acknowledged(struct host *h)
{
    int64_t unacknowledged = -1;

    return discover_status(host_lib(h), on_status, &unacknowledged) >= 0 && unacknowledged == 0;
}

void observe_acknowledged(struct observe *o, size_t host)
{
    (void)wait_until(START_TIMEOUT_MS, all_acknowledged(&o->at[host].host), "something is not acknowledged");
    pthread_mutex_lock(&o->lock);
    for (size_t i = 0; i < o->n_instances; i++)
        if (o->owner[i] == host && has(&o->wanted, i))
            put(&o->acknowledged, i, true);
    pthread_mutex_unlock(&o->lock);
}

void observe_set_watched(struct observe *o, size_t host, bool watched)
{
    pthread_mutex_lock(&o->lock);
    o->at[host].watched = watched;
    memset(o->missing_ns[host], 0, sizeof o->missing_ns[host]);
    o->at[host].seen = (struct observe_set){0};
    pthread_mutex_unlock(&o->lock);
}

void observe_restart(struct observe *o, size_t host)
{
    struct host *h = &o->at[host].host;
    observe_set_watched(o, host, false);
    host_kill(h);
    host_launch(h);
    host_wait_live(h);
    observe_set_watched(o, host, true);
}

void observe_excuse(struct observe *o, size_t owner, uint32_t viewers)
{
    pthread_mutex_lock(&o->lock);
    o->at[owner].excused = viewers;
    pthread_mutex_unlock(&o->lock);
}

int observe_count(struct observe *o, size_t viewer, size_t owner)
{
    int n = 0;

    (void)keep_alive(o);
    pthread_mutex_lock(&o->lock);
    for (size_t i = 0; i < o->n_instances; i++)
        n += o->owner[i] == owner && has(&o->at[viewer].seen, i);
    pthread_mutex_unlock(&o->lock);
    return n;
}

void observe_for(struct observe *o, int64_t time_ms)
{
    int64_t start_ns = clock_now_ns();

    while (clock_now_ns() - start_ns < time_ms * NS_PER_MS && keep_alive(o))
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
}

bool observe_agrees(struct observe *o, size_t host)
{
    const struct observe_host *at = &o->at[host];

    pthread_mutex_lock(&o->lock);
    bool agrees = !at->watched || (at->result == DISCOVER_FRESH && memcmp(&at->seen, &o->wanted, sizeof at->seen) == 0);
    pthread_mutex_unlock(&o->lock);
    return agrees;
}

bool observe_all_agree(struct observe *o)
{
    (void)keep_alive(o);
    for (size_t i = 0; i < o->n_hosts; i++)
        if (!observe_agrees(o, i))
            return false;
    return true;
}

static int differences(const struct observe *o, const struct observe_set *of, const struct observe_set *in)
{
    int n = 0;

    for (size_t i = 0; i < o->n_instances; i++)
        n += has(of, i) && !has(in, i);
    return n;
}

const char *observe_text(struct observe *o)
{
    size_t used = 0;

    pthread_mutex_lock(&o->lock);
    for (size_t i = 0; i < o->n_hosts; i++)
        used += (size_t)snprintf(o->text + used, sizeof o->text - used, "%s: result %d, %d missing, %d too many; ",
                                 o->at[i].host.name, o->at[i].result, differences(o, &o->wanted, &o->at[i].seen),
                                 differences(o, &o->at[i].seen, &o->wanted));
    snprintf(o->text + used, sizeof o->text - used, "%u false removals %s", o->false_removals, o->first);
    pthread_mutex_unlock(&o->lock);
    return o->text;
}

static int lost(const struct observe *o)
{
    int n = 0;

    for (size_t i = 0; i < o->n_hosts; i++)
        if (o->at[i].watched)
            n += differences(o, &o->acknowledged, &o->at[i].seen);
    return n;
}

static void stop_observing(struct observe *o)
{
    atomic_store(&o->stop, true);
    pthread_join(o->thread, NULL);
    for (size_t i = 0; i < o->n_hosts; i++)
        discover_free(o->at[i].eye);
}

void observe_over(struct observe *o)
{
    o->over_ns = clock_now_ns();
}

int64_t observe_agreement(struct observe *o, int64_t timeout_ms, int64_t hold_ms)
{
    int64_t until_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
    while (clock_now_ns() < until_ns) {
        if (observe_all_agree(o)) {
            int64_t since_ns = clock_now_ns();
            observe_for(o, hold_ms);
            if (observe_all_agree(o))
                return since_ns;
        }
        until_ns += wait_step();
    }
    return -1;
}

void observe_end(struct observe *o, const char *fault, int64_t timeout_ms, int64_t hold_ms)
{
    if (!o->over_ns)
        observe_over(o);
    int64_t over_ms = (clock_now_ns() - o->over_ns) / NS_PER_MS;
    int64_t since_ns = observe_agreement(o, timeout_ms - over_ms, hold_ms);
    const char *text = observe_text(o);
    stop_observing(o);
    int n_lost = lost(o);
    printf("| %s | %u | %d | %.2f s | ", fault, o->false_removals, n_lost, (double)o->ignored_ns / 1e9);
    if (since_ns >= 0)
        printf("%.2f s |\n", (double)(since_ns - o->over_ns) / 1e9);
    else
        printf("not within %.0f s |\n", (double)timeout_ms / 1e3);
    fflush(stdout);
    ck_assert_msg(since_ns >= 0 && o->false_removals == 0 && n_lost == 0, "%s", text);
    ck_assert_msg(o->ignored_ns <= o->ignored_max_ns, "%s was missing for %.2f s", o->ignored,
                  (double)o->ignored_ns / 1e9);
}

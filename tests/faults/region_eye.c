/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at what is known of another region, all the time. */
#include "tests/faults/region_eye.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define SERVICE   "shop/all@b"
#define PORT_BASE 100 /* of host i: that plus i */

static struct {
    pthread_t thread;
    struct discover *eye;
    atomic_bool stop;
    atomic_uint alive;       /* hosts of b, a bit each */
    atomic_uint seen;        /* in the last answer */
    atomic_int verdict;      /* of it */
    atomic_uint removals;    /* hosts that were alive and left an answer */
    atomic_llong dead_by_ns; /* from then on nobody dead may be fresh; 0: not yet */
    atomic_uint wrong;       /* answers that were fresh and had one */
    unsigned missing;        /* while it is: so that it counts once */
} look;

void region_eye_host(struct host *h, size_t i, const char *nats, const char *registry)
{
    char name[8], services[128];
    snprintf(name, sizeof name, "b%zu", i);
    snprintf(services, sizeof services, "{ name = \"shop/all\"; port = %zu; address = [\"10.2.0.%zu\"]; }",
             PORT_BASE + i, i + 1);
    host_start(h,
               &(struct host_options){
                   .name = name, .nats = nats, .registry = registry, .extra = "region = \"b\";", .services = services});
}

static unsigned ask(int *ret_verdict)
{
    struct discover_endpoint e[EYE_HOSTS];
    size_t n = 0;
    unsigned seen = 0;
    *ret_verdict = discover_resolve(look.eye, SERVICE, e, EYE_HOSTS, &n);
    for (size_t i = 0; *ret_verdict >= 0 && i < n && i < EYE_HOSTS; i++)
        seen |= 1u << (e[i].port - PORT_BASE);
    return seen;
}

static void look_once(void)
{
    int verdict;
    unsigned seen = ask(&verdict), alive = atomic_load(&look.alive), missing = alive & ~seen;
    int64_t dead_by_ns = atomic_load(&look.dead_by_ns);
    if (verdict == DISCOVER_E_UNSYNCED || verdict == DISCOVER_E_BUSY)
        return; /* a daemon that is being started */
    atomic_fetch_add(&look.removals, (unsigned)__builtin_popcount(missing & ~look.missing));
    look.missing = missing;
    if (dead_by_ns && clock_now_ns() > dead_by_ns && verdict == DISCOVER_FRESH && (seen & ~alive))
        atomic_fetch_add(&look.wrong, 1);
    atomic_store(&look.seen, seen);
    atomic_store(&look.verdict, verdict);
}

static void *look_on(void *arg)
{
    (void)arg;
    while (!atomic_load(&look.stop)) {
        (void)!discover_dispatch(look.eye);
        look_once();
        wait_step();
    }
    return NULL;
}

const char *region_eye_text(void)
{
    static char line[128];
    snprintf(line, sizeof line, "hosts 0x%x of 0x%x, verdict %d", atomic_load(&look.seen), atomic_load(&look.alive),
             atomic_load(&look.verdict));
    return line;
}

bool region_eye_reported(int verdict)
{
    return atomic_load(&look.verdict) == verdict && (atomic_load(&look.alive) & ~atomic_load(&look.seen)) == 0;
}

bool region_eye_agrees(void)
{
    unsigned alive = atomic_load(&look.alive), seen = atomic_load(&look.seen);
    int none = alive ? DISCOVER_FRESH : DISCOVER_E_NONE;
    return seen == alive && atomic_load(&look.verdict) == none;
}

bool region_eye_clean(void)
{
    return atomic_load(&look.removals) == 0;
}

void region_eye_start(struct host *a, size_t n)
{
    ck_assert_int_eq(discover_new(&look.eye), 0);
    ck_assert_int_eq(discover_set_socket(look.eye, a->socket), 0);
    ck_assert_int_eq(discover_start(look.eye), 0);
    int verdict;
    unsigned all = (1u << n) - 1;
    wait_until(20000, discover_dispatch(look.eye) >= 0 && ask(&verdict) == all && verdict == DISCOVER_FRESH,
               "all of b");
    atomic_store(&look.alive, all);
    ck_assert_int_eq(pthread_create(&look.thread, NULL, look_on, NULL), 0);
    wait_until(5000, region_eye_agrees(), region_eye_text());
}

void region_eye_dies(size_t host)
{
    atomic_fetch_and(&look.alive, ~(1u << host));
}

void region_eye_lives(size_t host)
{
    atomic_fetch_or(&look.alive, 1u << host);
}

void region_eye_end(const char *fault, int64_t stale_ns)
{
    int64_t over_ns = clock_now_ns();
    int64_t fresh_ns = wait_until(20000, region_eye_agrees() || region_eye_reported(DISCOVER_FRESH), region_eye_text());
    atomic_store(&look.dead_by_ns, over_ns + fresh_ns + (EYE_TTL_MS + 2000) * NS_PER_MS);
    wait_until(EYE_TTL_MS + 2000, region_eye_agrees(), region_eye_text());
    holds_for(EYE_TTL_MS + 2500, region_eye_agrees(), region_eye_text());
    atomic_store(&look.stop, true);
    pthread_join(look.thread, NULL);
    char stale[32] = "not stale";
    if (stale_ns)
        snprintf(stale, sizeof stale, "stale after %.2f s", (double)stale_ns / 1e9);
    printf("| %s | %u | %u | %s | %.2f s |\n", fault, atomic_load(&look.removals), atomic_load(&look.wrong), stale,
           (double)fresh_ns / 1e9);
    ck_assert_uint_eq(atomic_load(&look.removals), 0);
    ck_assert_uint_eq(atomic_load(&look.wrong), 0);
    discover_free(look.eye);
}

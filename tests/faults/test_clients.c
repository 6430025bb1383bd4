/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thousand programs on one socket that register, look up, watch, send heartbeats and die, all at random: afterwards the daemon
 * has the descriptors that it had, and the memory that it had after the first few seconds of it (the heap keeps what so many
 * connections once needed), and two hosts agree on what is left. DISCOVER_CLIENTS_S: for how many seconds.
 */
#include <discover/discover.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/proc.h"
#include "tests/support/wait.h"

#define PROGRAMS     40
#define HANDLES      25 /* of each */
#define SERVICES     20
#define LASTING      3 /* services of the configuration */
#define TTL_MS       2000
#define KILL_NS      (50 * NS_PER_MS)
#define WARM_UP_S    3
#define WARM_UPS_MAX 6
#define GROWTH_KIB   1024

enum { REGISTERED, RESOLVED, WATCHED, BEATEN, ENDED, REFUSED, DOINGS };
static const char *const doings[DOINGS] = {"registered", "resolved", "watched", "heartbeats", "ended", "refused"};

/* One of a program's handles. */
struct client {
    struct discover *d;
    struct discover_watch *watch;
    char service[24], instance[24]; /* what it has registered; "": nothing */
};

static struct nats nats;
static struct host a, b;
static uint64_t *done; /* shared by all processes: how often, by doing */

static void count(int doing)
{
    __atomic_add_fetch(&done[doing], 1, __ATOMIC_RELAXED);
}

static void service_name(char ret_name[static 24])
{
    snprintf(ret_name, 24, "shop/s%ld", random() % SERVICES);
}

static void on_change(void *arg, const struct discover_change *change)
{
    (void)arg, (void)change;
}

static void open_client(struct client *c)
{
    *c = (struct client){.d = NULL};
    if (discover_new(&c->d) < 0 || discover_set_socket(c->d, a.socket) < 0 || discover_set_timeout(c->d, 1000) < 0 ||
        discover_set_source(c->d, DISCOVER_SOURCE_DAEMON) < 0 || discover_start(c->d) < 0)
        abort();
}

static void close_client(struct client *c)
{
    discover_unwatch(c->watch);
    discover_free(c->d);
    count(ENDED);
}

static void register_one(struct client *c, const char *instance, bool ttl)
{
    struct discover_registration *r;
    char service[24];
    service_name(service);
    if (discover_registration_new(service, 8080, &r) < 0 || discover_registration_set_instance(r, instance) < 0 ||
        discover_registration_add_address(r, "10.0.0.1") < 0 || (ttl && discover_registration_set_ttl(r, TTL_MS) < 0))
        abort();
    if (discover_register(c->d, r) == 0) {
        snprintf(c->service, sizeof c->service, "%s", service);
        snprintf(c->instance, sizeof c->instance, "%s", instance);
        count(REGISTERED);
    } else {
        count(REFUSED); /* of a program that was here before, whose TTL goes on */
    }
    discover_registration_free(r);
}

static void resolve_one(struct client *c)
{
    struct discover_endpoint endpoints[16];
    char service[24];
    size_t n;
    service_name(service);
    if (discover_resolve(c->d, service, endpoints, 16, &n) >= 0)
        count(RESOLVED);
}

static void watch_one(struct client *c)
{
    char service[24];
    service_name(service);
    discover_unwatch(c->watch);
    c->watch = NULL;
    if (discover_watch(c->d, service, on_change, NULL, &c->watch) == 0)
        count(WATCHED);
}

static void do_something(struct client *c, unsigned program, unsigned handle)
{
    char instance[24];
    snprintf(instance, sizeof instance, "p%u-%u", program, handle);
    switch (random() % 8) {
    case 0:
    case 1:
        register_one(c, instance, random() % 2);
        break;
    case 2:
        if (*c->service && discover_heartbeat(c->d, c->service, c->instance) == 0)
            count(BEATEN);
        break;
    case 3:
        if (*c->service)
            (void)!discover_deregister(c->d, c->service, c->instance);
        break;
    case 4:
        watch_one(c);
        break;
    case 5:
        close_client(c);
        open_client(c);
        break;
    default:
        resolve_one(c);
    }
    (void)!discover_dispatch(c->d);
}

/* The life of a program, until it is killed. */
static _Noreturn void live(unsigned program, unsigned seed)
{
    struct client clients[HANDLES];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    srandom(seed);
    for (unsigned i = 0; i < HANDLES; i++)
        open_client(&clients[i]);
    for (;;) {
        unsigned i = (unsigned)random() % HANDLES;
        do_something(&clients[i], program, i);
        usleep((useconds_t)(random() % 20000));
    }
}

/* One that registers one instance by each handle, and stays. */
static _Noreturn void stay(unsigned program)
{
    static struct client clients[HANDLES];
    char instance[24];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; i < HANDLES; i++) {
        open_client(&clients[i]);
        snprintf(instance, sizeof instance, "last%u-%u", program, i);
        register_one(&clients[i], instance, false);
    }
    for (;;)
        pause();
}

static pid_t begin(unsigned program, bool stays)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0 && stays)
        stay(program);
    if (pid == 0)
        live(program, (unsigned)clock_now_ns() ^ program);
    return pid;
}

static void end(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void begin_all(pid_t *pids, unsigned n, bool stays)
{
    for (unsigned i = 0; i < n; i++)
        pids[i] = begin(i, stays);
}

static void end_all(const pid_t *pids, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        end(pids[i]);
}

/* --- what is left --- */

static int count_usable(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    size_t *n = arg;
    (void)n_total;
    *n += strncmp(service, "shop/", 5) == 0 ? n_usable : 0;
    return 0;
}

/* How many instances a host knows; nothing of shop/ is known of that is not usable either. */
static size_t known(struct host *h)
{
    size_t n = 0;
    (void)!discover_dispatch(host_lib(h));
    ck_assert_int_ge(discover_each_service(host_lib(h), count_usable, &n), 0);
    snprintf(h->seen, sizeof h->seen, "%zu instances at %s", n, h->name);
    return n;
}

static void both_know(size_t n)
{
    (void)wait_until(30000, known(&a) == n, a.seen);
    (void)wait_until(30000, known(&b) == n, b.seen);
}

static void same_answers(void)
{
    static struct output of_a, of_b;
    for (unsigned i = 0; i < SERVICES; i++) {
        char service[24];
        snprintf(service, sizeof service, "shop/s%u", i);
        (void)ctl(&a, &of_a, "resolve", service, NULL);
        (void)ctl(&b, &of_b, "resolve", service, NULL);
        ck_assert_msg(strcmp(of_a.out, of_b.out) == 0, "%s: a: %s\nb: %s", service, of_a.out, of_b.out);
    }
}

static long status_kib(const char *begin_of_line)
{
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)a.proc.pid);
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    while (fgets(line, sizeof line, in))
        if (strncmp(line, begin_of_line, strlen(begin_of_line)) == 0)
            kib = strtol(line + strlen(begin_of_line), NULL, 10);
    fclose(in);
    return kib;
}

static int descriptors(void)
{
    struct output o;
    ck_assert_int_eq(shell(&o, "ls /proc/%d/fd | wc -l", (int)a.proc.pid), 0);
    return atoi(o.out);
}

/* --- the storm --- */

static void storm(pid_t *pids, int64_t seconds)
{
    int64_t end_ns = clock_now_ns() + seconds * NS_PER_S;
    while (clock_now_ns() < end_ns) {
        unsigned i = (unsigned)random() % PROGRAMS;
        nanosleep(&(struct timespec){.tv_nsec = KILL_NS}, NULL);
        end(pids[i]);
        pids[i] = begin(i, false);
    }
}

/* Begins with all programs and ends with none, and with nothing of them known anywhere. */
static void round_of(int64_t seconds)
{
    pid_t pids[PROGRAMS];
    begin_all(pids, PROGRAMS, false);
    storm(pids, seconds);
    end_all(pids, PROGRAMS);
    both_know(LASTING);
}

/* On a busy machine it takes several rounds until as many programs as ever were there at once. */
static long warmed_up_kib(long kib)
{
    long before_kib;
    int rounds = 0;
    do {
        before_kib = kib;
        round_of(WARM_UP_S);
        kib = status_kib("VmRSS:");
    } while (kib > before_kib + GROWTH_KIB / 4 && ++rounds < WARM_UPS_MAX);
    return kib;
}

static void two_hosts(void)
{
    nats_start(&nats, 1);
    host_start(&a,
               &(struct host_options){.name = "a",
                                      .nats = nats.urls,
                                      .extra = "limits = { api_clients = 1200; api_reserve = 64; };",
                                      .services = "{ name = \"shop/x\"; port = 1; }, { name = \"shop/y\"; port = 2; }, "
                                                  "{ name = \"shop/z\"; port = 3; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    both_know(LASTING);
}

START_TEST(a_thousand_clients)
{
    const char *text = getenv("DISCOVER_CLIENTS_S");
    pid_t last[4];
    done = mmap(NULL, DOINGS * sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(done, MAP_FAILED);
    two_hosts();
    long cold_kib = status_kib("VmRSS:"), before_kib = warmed_up_kib(cold_kib);
    int descriptors_before = descriptors();
    memset(done, 0, DOINGS * sizeof *done);
    round_of(text ? atoi(text) : 8);
    for (int i = 0; i < DOINGS; i++)
        printf("-- %s: %llu\n", doings[i], (unsigned long long)done[i]);
    for (int i = 0; i < REFUSED; i++)
        ck_assert_uint_gt(done[i], 0);
    (void)wait_until(5000, descriptors() == descriptors_before, "other descriptors than before");
    long after_kib = status_kib("VmRSS:");
    printf("-- memory of the daemon: %ld KiB when it was new, %ld before, %ld after\n", cold_kib, before_kib,
           after_kib);
    ck_assert_int_le(after_kib, before_kib + GROWTH_KIB);
    begin_all(last, 4, true);
    both_know(LASTING + 4 * HANDLES);
    same_answers();
    end_all(last, 4);
    both_know(LASTING);
}
END_TEST

E2E_TESTS("clients", 240, {"a_thousand_clients", a_thousand_clients})

/* SPDX-License-Identifier: Apache-2.0 */
/* Births, deaths, changes. */
#include "tests/soak/soak_writers.h"

#include <discover/discover.h>
#include <nats/nats.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/soak/soak_truth.h"
#include "tests/support/e2e.h"

#define TTL_S      10
#define RENEW_NS   (3 * NS_PER_S)
#define TIMEOUT_MS 100

struct order {
    unsigned slot, service;
    char socket[256];
};

static int spawner; /* a socket: orders out, pids back */
static struct discover *handles[SOAK_HOSTS];
static natsConnection *nats;

struct discover *soak_handle(unsigned host)
{
    return handles[host];
}

static void instance_name(unsigned slot, char ret_name[static 16])
{
    snprintf(ret_name, 16, "i%u", slot);
}

/* --- processes --- */

static struct discover *open_handle(const char *socket)
{
    struct discover *d;
    if (discover_new(&d) < 0 || discover_set_socket(d, socket) < 0 || discover_set_timeout(d, TIMEOUT_MS) < 0 ||
        discover_set_source(d, DISCOVER_SOURCE_DAEMON) < 0 || discover_start(d) < 0)
        abort();
    return d;
}

static void set_up(struct discover_registration **ret_r, unsigned slot, unsigned service, uint32_t ttl_ms)
{
    char name[16];
    instance_name(slot, name);
    int err = discover_registration_new(soak_service(service), (uint16_t)(SOAK_PORT_0 + slot), ret_r);
    if (err || discover_registration_set_instance(*ret_r, name) < 0 ||
        discover_registration_add_address(*ret_r, "10.0.0.1") < 0 ||
        (ttl_ms && discover_registration_set_ttl(*ret_r, ttl_ms) < 0))
        abort();
}

/* The life of a registration's process: until it is killed. */
static _Noreturn void live(const struct order *o)
{
    struct discover_registration *r;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct discover *d = open_handle(o->socket);
    set_up(&r, o->slot, o->service, 0);
    (void)!discover_register(d, r); /* without a daemon, later */
    for (;;) {
        struct pollfd fd = {.fd = discover_fd(d), .events = POLLIN};
        (void)poll(&fd, 1, 1000);
        (void)!discover_dispatch(d);
    }
}

static _Noreturn void spawn(int from)
{
    struct order o;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    while (recv(from, &o, sizeof o, 0) == (ssize_t)sizeof o) {
        pid_t pid = fork();
        if (pid == 0)
            live(&o);
        (void)!send(from, &pid, sizeof pid, MSG_NOSIGNAL);
    }
    _exit(0);
}

void soak_writers_begin(struct soak_fleet *fleet)
{
    int ends[2];
    (void)fleet;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        spawn(ends[1]);
    close(ends[1]);
    spawner = ends[0];
}

static pid_t spawn_one(const struct soak_fleet *fleet, unsigned slot)
{
    const struct soak_instance *i = &soak_all[slot];
    struct order o = {.slot = slot, .service = i->service};
    pid_t pid = -1;
    snprintf(o.socket, sizeof o.socket, "%s", fleet->host[i->host].socket);
    ck_assert_int_eq(send(spawner, &o, sizeof o, 0), (ssize_t)sizeof o);
    ck_assert_int_eq(recv(spawner, &pid, sizeof pid, 0), (ssize_t)sizeof pid);
    ck_assert_int_gt(pid, 0);
    return pid;
}

/* --- connections --- */

void soak_writers_connect(struct soak_fleet *fleet)
{
    natsOptions *options = NULL;
    for (unsigned i = 0; i < SOAK_HOSTS; i++)
        handles[i] = open_handle(fleet->host[i].socket);
    ck_assert_int_eq(natsOptions_Create(&options), NATS_OK);
    (void)natsOptions_SetURL(options, fleet->nats.server[0].url);
    (void)natsOptions_SetMaxReconnect(options, -1);
    (void)natsOptions_SetReconnectWait(options, 200);
    (void)natsOptions_SetReconnectBufSize(options, 1); /* what was put while the server was away is not put later */
    ck_assert_int_eq(natsConnection_Connect(&nats, options), NATS_OK);
    natsOptions_Destroy(options);
}

/* Lost when the server is away: what lives is put again soon, what does not runs out. */
static void put(const char *key, const void *value, int n, bool delete)
{
    char subject[128];
    natsMsg *msg = NULL;
    snprintf(subject, sizeof subject, "$KV.SERVICES.%s", key);
    if (natsConnection_Status(nats) != NATS_CONN_STATUS_CONNECTED)
        return;
    if (natsMsg_Create(&msg, subject, NULL, value, n) != NATS_OK)
        abort();
    if (delete)
        (void)natsMsgHeader_Set(msg, "KV-Operation", "DEL");
    (void)natsConnection_PublishMsg(nats, msg);
    natsMsg_Destroy(msg);
}

/* "d3.s123.x2.i17": those of JSON are of hosts without a daemon. */
static void key_of(const struct soak_fleet *fleet, unsigned slot, char ret_key[static 80])
{
    const struct soak_instance *i = &soak_all[slot];
    const char *service = soak_service(i->service), *slash = strchr(service, '/');
    if (i->kind == SOAK_JSON)
        snprintf(ret_key, 80, "%.*s.%s.x%u.i%u", (int)(slash - service), service, slash + 1, i->host, slot);
    else
        snprintf(ret_key, 80, "%.*s.%s.%s.i%u", (int)(slash - service), service, slash + 1, fleet->host[i->host].name,
                 slot);
}

static void put_json(const struct soak_fleet *fleet, unsigned slot)
{
    char key[80], json[96];
    key_of(fleet, slot, key);
    int n = snprintf(json, sizeof json, "{\"host\":\"10.0.0.2\",\"port\":%u,\"ttl\":%d}", SOAK_PORT_0 + slot, TTL_S);
    put(key, json, n, false);
}

/* --- what happens --- */

static void register_ttl(unsigned slot)
{
    struct discover_registration *r;
    const struct soak_instance *i = &soak_all[slot];
    set_up(&r, slot, i->service, TTL_S * 1000);
    (void)!discover_register(handles[i->host], r);
    discover_registration_free(r);
}

static void birth(struct soak_fleet *fleet, unsigned host)
{
    unsigned slot =
        soak_born((enum soak_kind)(random() % 4 * SOAK_KINDS / 4), host, (unsigned)random() % SOAK_SERVICES);
    struct soak_instance *i = &soak_all[slot];
    i->next_ns = clock_now_ns() + RENEW_NS;
    if (i->kind == SOAK_BOUND)
        i->pid = spawn_one(fleet, slot);
    else if (i->kind == SOAK_TTL)
        register_ttl(slot);
    else
        put_json(fleet, slot);
}

static void death(struct soak_fleet *fleet, unsigned slot)
{
    const struct soak_instance *i = &soak_all[slot];
    char key[80], name[16];
    instance_name(slot, name);
    key_of(fleet, slot, key);
    if (i->kind == SOAK_BOUND)
        (void)kill(i->pid, SIGKILL);
    else if (i->kind == SOAK_TTL)
        (void)!discover_deregister(handles[i->host], soak_service(i->service), name);
    else if (random() % 2)
        put(key, NULL, 0, true); /* the others just are not renewed any more */
    soak_died(slot);
}

static void change(unsigned slot)
{
    struct discover_registration *r;
    const struct soak_instance *i = &soak_all[slot];
    if (i->kind != SOAK_TTL)
        return;
    set_up(&r, slot, i->service, TTL_S * 1000);
    (void)!discover_registration_set_weight(r, 1 + (uint32_t)random() % 100);
    (void)!discover_register(handles[i->host], r);
    discover_registration_free(r);
}

void soak_writers_act(struct soak_fleet *fleet, unsigned population)
{
    unsigned host = (unsigned)random() % SOAK_HOSTS, slot = soak_any((uint32_t)random());
    bool fewer = soak_alive() > population, any = slot < SOAK_SLOTS && !fleet->stopped[soak_all[slot].host];
    long what = random() % 10;
    if (what < 2 && any)
        change(slot);
    else if (any && (fewer ? what < 8 : what < 4))
        death(fleet, slot);
    else if (!fleet->stopped[host])
        birth(fleet, host);
}

void soak_writers_garbage(struct soak_fleet *fleet)
{
    static const char *const garbage[] = {"garbage", "{\"host\":\"6.6.6.6\",\"port\":666,\"ttl\":60}", "{", "\x08",
                                          "\xff\xff"};
    unsigned slot = soak_any((uint32_t)random());
    char key[80];
    if (slot >= SOAK_SLOTS || soak_all[slot].kind == SOAK_JSON)
        return;
    key_of(fleet, slot, key);
    const char *value = garbage[random() % 5];
    if (random() % 6)
        put(key, value, (int)strlen(value), false);
    else
        put(key, NULL, 0, true);
}

static void renew(struct soak_fleet *fleet, unsigned slot, int64_t now_ns)
{
    struct soak_instance *i = &soak_all[slot];
    char name[16];
    instance_name(slot, name);
    i->next_ns = now_ns + RENEW_NS;
    if (i->kind == SOAK_JSON)
        put_json(fleet, slot);
    else if (discover_heartbeat(handles[i->host], soak_service(i->service), name) == DISCOVER_E_UNKNOWN)
        register_ttl(slot);
}

void soak_writers_renew(struct soak_fleet *fleet)
{
    int64_t now_ns = clock_now_ns();
    for (unsigned host = 0; host < SOAK_HOSTS; host++)
        if (!fleet->stopped[host])
            (void)!discover_dispatch(handles[host]);
    for (unsigned slot = 0; slot < SOAK_SLOTS; slot++) {
        const struct soak_instance *i = &soak_all[slot];
        if (i->alive && i->kind != SOAK_BOUND && now_ns >= i->next_ns && !fleet->stopped[i->host])
            renew(fleet, slot, now_ns);
    }
}

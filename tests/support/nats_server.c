/* SPDX-License-Identifier: Apache-2.0 */
/* Real nats-servers for a test. */
#include "tests/support/nats_server.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/port.h"
#include "tests/support/wait.h"

#define READY_TIMEOUT_MS 20000

static void write_cluster(FILE *out, const struct nats *nats, const struct nats_server *own)
{
    fprintf(out, "cluster { name: test, listen: 127.0.0.1:%d, routes: [", own->route_port);
    for (size_t i = 0; i < nats->n; i++)
        fprintf(out, "%snats://127.0.0.1:%d", i ? ", " : "", nats->server[i].route_port);
    fprintf(out, "] }\n");
}

static void write_jetstream(FILE *out, const struct nats *nats, const struct nats_server *s)
{
    fprintf(out, "jetstream { store_dir: \"%s\"", s->store);
    fprintf(out, nats->domain ? ", domain: %s }\n" : " }\n", nats->domain);
}

static void write_config(const struct nats *nats, const struct nats_server *s, const char *path)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    fprintf(out, "listen: 127.0.0.1:%d\nserver_name: %s\n", s->port, s->name);
    if (!nats->no_jetstream)
        write_jetstream(out, nats, s);
    if (nats->leafs)
        fprintf(out, "leafnodes { listen: \"127.0.0.1:%d\" }\n", s->leaf_port);
    if (nats->n > 1)
        write_cluster(out, nats, s);
    fprintf(out, "%s\n", nats->extra ? nats->extra : "");
    fclose(out);
}

void nats_init(struct nats *nats, size_t n_servers)
{
    size_t used = 0;

    ck_assert_uint_le(n_servers, NATS_SERVERS_MAX);
    nats->n = n_servers;
    for (size_t i = 0; i < n_servers; i++) {
        struct nats_server *s = &nats->server[i];
        memset(s, 0, sizeof *s);
        s->port = port_take();
        s->route_port = port_take();
        s->leaf_port = port_take();
        snprintf(s->name, sizeof s->name, "nats-%d", s->port);
        snprintf(s->url, sizeof s->url, "nats://127.0.0.1:%d", s->port);
        snprintf(s->store, sizeof s->store, "%s/nats-%d", e2e_folder(), s->port);
        used += (size_t)snprintf(nats->urls + used, sizeof nats->urls - used, "%s\"%s\"", i ? ", " : "", s->url);
    }
}

const char *nats_server_program(void)
{
    const char *program = getenv("NATS_SERVER");

    return program ? program : "nats-server";
}

void nats_server_launch(struct nats *nats, size_t i)
{
    struct nats_server *s = &nats->server[i];
    char path[512];

    snprintf(path, sizeof path, "%s/%s.conf", e2e_folder(), s->name);
    write_config(nats, s, path);
    proc_start(&s->proc, s->name, (const char *const[]){nats_server_program(), "-c", path, NULL}, NULL);
}

void nats_server_reload(struct nats *nats, size_t i)
{
    struct nats_server *s = &nats->server[i];
    char path[512];

    snprintf(path, sizeof path, "%s/%s.conf", e2e_folder(), s->name);
    write_config(nats, s, path);
    proc_signal(&s->proc, SIGHUP);
}

void nats_start(struct nats *nats, size_t n_servers)
{
    nats->domain = nats->extra = NULL;
    nats_init(nats, n_servers);
    for (size_t i = 0; i < nats->n; i++)
        nats_server_launch(nats, i);
    nats_wait_ready(nats);
}

void nats_server_kill(struct nats *nats, size_t i)
{
    proc_kill(&nats->server[i].proc);
}

void nats_server_pause(struct nats *nats, size_t i)
{
    proc_signal(&nats->server[i].proc, SIGSTOP);
}

void nats_server_resume(struct nats *nats, size_t i)
{
    proc_signal(&nats->server[i].proc, SIGCONT);
}

void nats_server_lame_duck(struct nats *nats, size_t i)
{
    struct output o;
    char signal[32];

    snprintf(signal, sizeof signal, "ldm=%d", (int)nats->server[i].proc.pid);
    ck_assert_msg(run(&o, (const char *const[]){nats_server_program(), "--signal", signal, NULL}) == 0, "%s", o.err);
}

void nats_server_wipe(struct nats *nats, size_t i)
{
    struct output o;

    ck_assert(!proc_running(&nats->server[i].proc));
    ck_assert_int_eq(run(&o, (const char *const[]){"rm", "-rf", nats->server[i].store, NULL}), 0);
}

static bool ready(struct nats_server *s)
{
    ck_assert_msg(proc_running(&s->proc), "%s has ended while starting", s->name);
    return kv_server_ready(s->url);
}

void nats_wait_ready(struct nats *nats)
{
    for (size_t i = 0; i < nats->n; i++)
        (void)wait_until(READY_TIMEOUT_MS, ready(&nats->server[i]), nats->server[i].name);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Restarts, stops, and buckets deleted. */
#include "tests/soak/soak_faults.h"

#include <nats/nats.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "libdiscover/core/clock.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"

static unsigned victim; /* a host: not one that lasts */

static void stop_daemon(struct soak_fleet *f)
{
    host_stop(&f->host[victim]);
}

static void kill_daemon(struct soak_fleet *f)
{
    host_kill(&f->host[victim]);
}

static void launch_daemon(struct soak_fleet *f)
{
    host_launch(&f->host[victim]);
}

static void pause_daemon(struct soak_fleet *f)
{
    proc_signal(&f->host[victim].proc, SIGSTOP);
}

static void resume_daemon(struct soak_fleet *f)
{
    proc_signal(&f->host[victim].proc, SIGCONT);
}

static void kill_server(struct soak_fleet *f)
{
    nats_server_kill(&f->nats, 0);
}

static void launch_server(struct soak_fleet *f)
{
    nats_server_launch(&f->nats, 0);
}

static void pause_server(struct soak_fleet *f)
{
    nats_server_pause(&f->nats, 0);
}

static void resume_server(struct soak_fleet *f)
{
    nats_server_resume(&f->nats, 0);
}

static void delete_bucket(struct soak_fleet *f, const char *name)
{
    struct kv kv;
    kv_open(&kv, f->nats.server[0].url);
    (void)js_DeleteStream(kv.js, name, NULL, NULL);
    kv_close(&kv);
}

static void delete_services(struct soak_fleet *f)
{
    delete_bucket(f, "KV_SERVICES");
}

static void delete_hosts(struct soak_fleet *f)
{
    delete_bucket(f, "KV_HOSTS");
}

static const struct fault {
    const char *name;
    void (*begin)(struct soak_fleet *f);
    void (*end)(struct soak_fleet *f);
    int64_t time_ns;
    bool of_host;
} faults[] = {
    {"a daemon restarted", stop_daemon, launch_daemon, NS_PER_S / 2, true},
    {"nats-server killed, 2 s", kill_server, launch_server, 2 * NS_PER_S, false},
    {"a daemon killed, 1 s", kill_daemon, launch_daemon, NS_PER_S, true},
    {"nats-server stopped, 6 s", pause_server, resume_server, 6 * NS_PER_S, false},
    {"a daemon stopped, 5 s", pause_daemon, resume_daemon, 5 * NS_PER_S, true},
    {"SERVICES deleted", delete_services, NULL, NS_PER_S, false},
    {"a daemon killed, 6 s", kill_daemon, launch_daemon, 6 * NS_PER_S, true},
    {"HOSTS deleted", delete_hosts, NULL, NS_PER_S, false},
};
#define FAULTS (sizeof faults / sizeof *faults)

static const struct fault *present;

const char *soak_faults_begin(struct soak_fleet *fleet, unsigned number, int64_t *ret_until_ns)
{
    present = &faults[number % FAULTS];
    victim = SOAK_LASTING + (unsigned)random() % (SOAK_HOSTS - SOAK_LASTING);
    fleet->stopped[victim] = present->of_host;
    present->begin(fleet);
    *ret_until_ns = clock_now_ns() + present->time_ns;
    return present->name;
}

void soak_faults_end(struct soak_fleet *fleet)
{
    if (present->end)
        present->end(fleet);
    fleet->stopped[victim] = false;
}

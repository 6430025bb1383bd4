/* SPDX-License-Identifier: Apache-2.0 */
/* `discoverd --init`: makes the buckets, and mirrors of those of other regions, for fleets whose daemons may not. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/registry/configured.h"
#include "libdiscover/core/clock.h"

#define INIT_LIMIT_NS (30 * NS_PER_S)

struct init {
    struct bus *bus;
    const struct config *config;
    const struct region_config *region; /* NULL: the own one */
    bool done[BUS_BUCKETS];
    bool failed;
};

static void on_connected(void *arg, const char *server)
{
    struct init *i = arg;
    if (i->region)
        printf("region %s: ", i->region->name);
    printf("connected to %s\n", server);
    for (int b = 0; b < BUS_BUCKETS; b++) /* asked already: the answer is on its way */
        (void)bus_order(i->bus, i->region ? BUS_MAKE_MIRROR : BUS_CHECK, (enum bus_bucket)b);
}

static void on_text(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "discoverd: NATS: %s\n", text);
}

static void print_lacks(const char *name, const char *lacks)
{
    for (const char *end; (end = strchr(lacks, '\n')); lacks = end + 1)
        fprintf(stderr, "discoverd: bucket %s: %.*s\n", name, (int)(end - lacks), lacks);
}

static void on_info(void *arg, enum bus_bucket bucket, const struct bus_info *info)
{
    struct init *i = arg;
    const char *names[BUS_BUCKETS] = {i->config->registry.services_bucket, i->config->registry.hosts_bucket};
    if (info->lacks && !i->done[bucket])
        print_lacks(names[bucket], info->lacks);
    if (info->err) {
        fprintf(stderr, "discoverd: bucket %s: %s\n", names[bucket], info->reason);
        i->failed = true;
    } else if (!i->done[bucket]) {
        printf("bucket %s is there, with %llu keys\n", names[bucket], (unsigned long long)info->messages);
    }
    i->done[bucket] = true;
}

static void on_mirror(void *arg, enum bus_bucket bucket, int err, const char *text)
{
    struct init *i = arg;
    struct region_mirrors mirrors;
    struct bus_options options;
    configured_region_bus_options(i->config, i->region, &mirrors, &options);
    fprintf(err ? stderr : stdout, "%smirror %s of region %s %s\n", err ? "discoverd: " : "", mirrors.names[bucket],
            i->region->name, text);
    i->failed |= err != 0;
    i->done[bucket] = true;
}

static void wait_for_buckets(struct init *i)
{
    int64_t deadline_ns = clock_now_ns() + INIT_LIMIT_NS;
    while (!(i->done[BUS_SERVICES] && i->done[BUS_HOSTS]) && clock_now_ns() < deadline_ns) {
        struct pollfd p = {.fd = bus_fd(i->bus), .events = POLLIN};
        if (poll(&p, 1, 100) > 0)
            bus_dispatch(i->bus);
    }
    if (!(i->done[BUS_SERVICES] && i->done[BUS_HOSTS])) {
        fprintf(stderr, "discoverd: no answer from NATS within %d s\n", (int)(INIT_LIMIT_NS / NS_PER_S));
        i->failed = true;
    }
}

static const struct bus_events events = {
    .connected = on_connected, .disconnected = on_text, .problem = on_text, .info = on_info, .mirror_made = on_mirror};

/* Runs the bus until all buckets are done, and frees it. err: the result of bus_new. */
static int run(struct init *i, int err)
{
    if (!err)
        err = bus_start(i->bus, NULL);
    if (!err) {
        wait_for_buckets(i);
        bus_stop(i->bus);
    }
    bus_free(i->bus);
    return err || i->failed ? -1 : 0;
}

static int make_mirrors(const struct config *config, const struct region_config *region)
{
    struct init i = {.config = config, .region = region};
    return region->mirror[0] ? run(&i, configured_region_bus_new(config, region, &events, &i, &i.bus)) : 0;
}

int init_run(struct config *config)
{
    struct init i = {.config = config};
    int failed = run(&i, configured_bus_new(config, true, &events, &i, &i.bus));
    for (size_t k = 0; k < config->n_regions && !i.failed; k++)
        failed |= make_mirrors(config, &config->regions[k]);
    config_free(config);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `discoverd --init`: makes the buckets, and mirrors of those of other regions, for fleets whose daemons may not. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/registry/configured.h"
#include "libdiscover/core/clock.h"

#define INIT_LIMIT_NS (30 * NS_PER_S)
#define AGAIN_NS      NS_PER_S /* between two questions */

struct init {
    struct bus *bus;
    const struct config *config;
    const struct region_config *region; /* NULL: the own one */
    bool done[BUS_BUCKETS];
    int64_t again_ns[BUS_BUCKETS];      /* when to ask once more; 0: an answer is on its way */
    char why[BUS_BUCKETS][BUS_WHY_CAP]; /* why it is not done, as last printed */
    bool failed;
};

static void ask(struct init *i, enum bus_bucket bucket)
{
    i->again_ns[bucket] = 0;
    (void)bus_order(i->bus, i->region ? BUS_MAKE_MIRROR : BUS_CHECK, bucket);
}

/*
 * NATS that has just been started: a cluster without a leader so far, or of which not all servers have found each other. Or the
 * server went away, and another one, or the same, is connected to soon.
 */
static bool may_pass(int err)
{
    return err == -ENODEV || err == -ETIMEDOUT || err == -ENOTCONN;
}

static void finish(struct init *i, enum bus_bucket bucket, int err)
{
    i->failed |= err != 0;
    i->done[bucket] = true;
}

/* Prints why something is not done, once, and asks again if it may be another time. */
static void fail(struct init *i, enum bus_bucket bucket, int err, const char *why)
{
    if (strcmp(why, i->why[bucket]) != 0)
        fprintf(stderr, "discoverd: %s%s\n", why, may_pass(err) ? "; trying again" : "");
    snprintf(i->why[bucket], BUS_WHY_CAP, "%s", why);
    if (may_pass(err))
        i->again_ns[bucket] = clock_now_ns() + AGAIN_NS;
    else
        finish(i, bucket, err);
}

static void on_connected(void *arg, const char *server)
{
    struct init *i = arg;
    if (i->region)
        printf("region %s: ", i->region->name);
    printf("connected to %s\n", server);
    for (int b = 0; b < BUS_BUCKETS; b++)
        ask(i, (enum bus_bucket)b);
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
    if (i->done[bucket])
        return; /* asked again after a reconnect */
    if (info->lacks)
        print_lacks(names[bucket], info->lacks);
    if (info->err) {
        char why[BUS_WHY_CAP];
        snprintf(why, sizeof why, "bucket %s: %s", names[bucket], info->reason);
        fail(i, bucket, info->err, why);
        return;
    }
    printf("bucket %s is there, with %llu keys\n", names[bucket], (unsigned long long)info->messages);
    finish(i, bucket, 0);
}

static void on_mirror(void *arg, enum bus_bucket bucket, int err, const char *text)
{
    struct init *i = arg;
    struct region_mirrors mirrors;
    struct bus_options options;
    configured_region_bus_options(i->config, i->region, &mirrors, &options);
    char line[BUS_WHY_CAP];
    snprintf(line, sizeof line, "mirror %s of region %s %s", mirrors.names[bucket], i->region->name, text);
    if (err) {
        fail(i, bucket, err, line);
        return;
    }
    puts(line);
    finish(i, bucket, 0);
}

static bool done(const struct init *i)
{
    return i->done[BUS_SERVICES] && i->done[BUS_HOSTS];
}

static void ask_again(struct init *i)
{
    for (int b = 0; b < BUS_BUCKETS; b++)
        if (i->again_ns[b] && clock_now_ns() >= i->again_ns[b])
            ask(i, (enum bus_bucket)b);
}

static void wait_for_buckets(struct init *i)
{
    int64_t deadline_ns = clock_now_ns() + INIT_LIMIT_NS;
    while (!done(i) && clock_now_ns() < deadline_ns) {
        struct pollfd p = {.fd = bus_fd(i->bus), .events = POLLIN};
        if (poll(&p, 1, 100) > 0)
            bus_dispatch(i->bus);
        ask_again(i);
    }
    if (!done(i)) {
        fprintf(stderr, "discoverd: gave up after %d s\n", (int)(INIT_LIMIT_NS / NS_PER_S));
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

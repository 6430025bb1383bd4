/* SPDX-License-Identifier: Apache-2.0 */
/* What a life of the model's daemon knows from the file of the one before: as in daemon/registry/inbound/remembered.c. */
#include <stdio.h>

#include "tests/unit/sync/model_daemon.h"

#define AT_ONCE_NS    (2 * NS_PER_S)
#define GUARD_MIN     3
#define GUARD_PERCENT 30

void model_remember(struct daemon *d, const struct daemon *before)
{
    for (int h = 0; h < HOSTS && before->epoch; h++)
        if (h != d->host && host_alive(before->status[h])) {
            d->remembered[h] = true;
            d->status[h] = HOST_ALIVE;
        }
    for (int k = 0; k < KEYS && before->epoch; k++)
        if (k / INSTANCES != d->host && daemon_serves(before, k / INSTANCES, k % INSTANCES))
            d->known[k] = (struct known){.present = true};
}

static void spare(struct daemon *d)
{
    const struct lease lease = {.ttl_ms = TTL / NS_PER_MS};
    for (int h = 0; h < HOSTS; h++) {
        char name[8];
        snprintf(name, sizeof name, "h%d", h);
        if (d->remembered[h])
            (void)liveness_apply(d->liveness, name, &lease, 0, bus.now_ns);
    }
}

static void give_up(struct daemon *d)
{
    for (int h = 0; h < HOSTS; h++)
        if (d->remembered[h])
            d->status[h] = HOST_EXPIRED;
}

void model_remembered_connected(struct daemon *d)
{
    if (d->leases_read)
        return;
    d->cut_off |= bus.now_ns - d->boot_ns > AT_ONCE_NS;
    follow_keep_known(d->feeds[SERVICES].follow);
    if (d->cut_off)
        spare(d);
}

void model_remembered_leases_read(struct daemon *d)
{
    int silent = 0, heard = 0;
    if (!d->leases_read && !d->cut_off) {
        for (int h = 0; h < HOSTS; h++) {
            silent += d->remembered[h];
            heard += h != d->host && host_alive(d->status[h]) && !d->remembered[h];
        }
        bool many = silent >= GUARD_MIN && silent * 100 > (silent + heard) * GUARD_PERCENT;
        many || heard == 0 ? spare(d) : give_up(d);
    }
    d->leases_read = true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a host's lease says of its records, compared with what is known of them: as in daemon/catalog/hosts.c. */
#include "libdiscover/core/digest.h"
#include "tests/unit/sync/model_daemon.h"

uint64_t model_digest(int key, const struct value *value)
{
    struct instance_key name = {.domain = "d", .service = "s", .host = "h", .instance = {(char)('a' + key)}};
    return value->deleted ? 0 : record_digest(&name, value->epoch, value->counter);
}

bool model_has_records(const struct daemon *d, int host, const struct lease *lease)
{
    uint64_t known = 0;
    for (int i = 0; i < INSTANCES; i++) {
        const struct known *k = &d->known[host * INSTANCES + i];
        if (k->present && k->value.epoch >= lease->min_epoch)
            known ^= model_digest(host * INSTANCES + i, &k->value);
    }
    return known == lease->digest;
}

bool model_agrees(struct daemon *d, int host, uint64_t digest)
{
    uint64_t known = 0;
    for (int i = 0; i < INSTANCES; i++)
        if (d->known[host * INSTANCES + i].present)
            known ^= model_digest(host * INSTANCES + i, &d->known[host * INSTANCES + i].value);
    bool again = d->compared[host].digest == digest;
    int n = known == digest ? 0 : again ? d->compared[host].differed + 1 : 1;
    d->compared[host].differed = n;
    d->compared[host].digest = digest;
    return n < 2 || (n & (n - 1)) != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Logs which keys the live feed of a bucket had lost, once a snapshot has brought them. */
#include "daemon/registry/inbound/lost_changes.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/base/log.h"

void lost_changes_add(struct lost_changes *l, const struct kv_message *m)
{
    if (l->n < LOST_CHANGES_NAMED)
        snprintf(l->keys[l->n], sizeof *l->keys, "%.*s", (int)m->key_len, m->key);
    if (l->n == 0 || m->seq < l->first)
        l->first = m->seq;
    if (m->seq > l->last)
        l->last = m->seq;
    l->n++;
}

void lost_changes_report(struct lost_changes *l, const char *bucket)
{
    char keys[LOST_CHANGES_NAMED * (sizeof *l->keys + 2)] = "";
    size_t used = 0;
    if (l->n == 0)
        return;
    for (size_t i = 0; i < l->n && i < LOST_CHANGES_NAMED; i++)
        used += (size_t)snprintf(keys + used, sizeof keys - used, "%s%s", i ? ", " : "", l->keys[i]);
    log_warning("%s: the live feed had lost %" PRIu64 " changes (revisions %" PRIu64 " to %" PRIu64
                "), which were read from the bucket: %s%s",
                bucket, l->n, l->first, l->last, keys, l->n > LOST_CHANGES_NAMED ? ", ..." : "");
    *l = (struct lost_changes){0};
}

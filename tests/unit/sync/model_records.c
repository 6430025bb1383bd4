/* SPDX-License-Identifier: Apache-2.0 */
/* What the model's daemon knows of records: a catalog of arrays. */
#include <string.h>

#include "tests/unit/sync/model_daemon.h"

static int owner_of(int key)
{
    return key / INSTANCES;
}

static bool newer(const struct value *a, const struct value *b)
{
    return a->epoch != b->epoch ? a->epoch > b->epoch : a->counter > b->counter;
}

bool daemon_serves(const struct daemon *d, int host, int instance)
{
    if (host == d->host)
        return d->intents[instance].wanted; /* what is registered here is known here */
    const struct known *k = &d->known[host * INSTANCES + instance];
    bool from_file = k->value.epoch == 0;
    return k->present && host_alive(d->status[host]) &&
           (from_file || k->spared || k->value.epoch >= d->lease_min_epoch[host]);
}

struct value model_value(const struct kv_message *m)
{
    struct value value;
    must(m->n == sizeof value, "a value of %zu bytes", m->n);
    memcpy(&value, m->value, sizeof value);
    return value;
}

int model_key(const char *key, size_t key_len)
{
    must(key_len == 1, "a key of %zu bytes", key_len);
    return key[0] - 'A';
}

void model_records_apply(void *arg, const struct kv_message *m, bool from_snapshot)
{
    struct daemon *d = ((struct feed *)arg)->daemon;
    int key = model_key(m->key, m->key_len);
    struct known *k = &d->known[key];
    struct value value = model_value(m);
    bool own = owner_of(key) == d->host, later = !own || m->seq >= d->intents[key % INSTANCES].seq;
    if (own)
        model_own_record(d, key, &value, m->seq);
    bool older = !value.alien && k->present && newer(&k->value, &value);
    k->found = older && from_snapshot && later ? value : (struct value){0};
    k->marked = !older && later; /* else it may be of another bucket */
    if (value.alien) {           /* says nothing of what is known */
        k->spared = !own && daemon_serves(d, owner_of(key), key % INSTANCES);
        return;
    }
    if (!older)
        k->spared = false;
    if (k->present && !newer(&value, &k->value))
        return;
    k->present = true;
    k->value = value;
}

void model_records_remove(void *arg, const char *key, size_t key_len, uint64_t seq)
{
    struct daemon *d = ((struct feed *)arg)->daemon;
    int k = model_key(key, key_len);
    d->known[k].present = false;
    if (owner_of(k) == d->host)
        model_own_record(d, k, NULL, seq);
}

void model_records_begin(void *arg)
{
    struct daemon *d = ((struct feed *)arg)->daemon;
    for (int k = 0; k < KEYS; k++) {
        d->known[k].marked = false;
        d->known[k].found.epoch = 0;
    }
}

void model_records_end(void *arg, enum follow_end end)
{
    struct feed *f = arg;
    struct daemon *d = f->daemon;
    for (int k = 0; k < KEYS && end != FOLLOW_ABORTED; k++) {
        if (d->known[k].marked)
            continue;
        if (end == FOLLOW_COMPLETE && d->known[k].found.epoch)
            d->known[k].value = d->known[k].found;
        else if (end == FOLLOW_COMPLETE)
            d->known[k].present = false;
        if (owner_of(k) == d->host && !d->known[k].found.epoch)
            model_own_record(d, k, NULL, 0);
    }
    if (end != FOLLOW_ABORTED) {
        d->complete = end == FOLLOW_COMPLETE;
        d->read_ns = follow_resync(f->follow).snapshot_ns;
    }
}

size_t model_records_unmarked(void *arg)
{
    const struct daemon *d = ((struct feed *)arg)->daemon;
    size_t n = 0;
    for (int k = 0; k < KEYS; k++)
        n += d->known[k].present && !d->known[k].marked && owner_of(k) != d->host;
    return n;
}

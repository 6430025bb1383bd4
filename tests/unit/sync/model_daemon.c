/* SPDX-License-Identifier: Apache-2.0 */
/* Glue as in daemon/registry/inbound/inbound.c, around a catalog of arrays. */
#include "tests/unit/sync/model_daemon.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/options.h"

#define RETRY_NS NS_PER_S
#define GRACE_NS (3 * NS_PER_S)

#define LEASE_TOKEN (UINT64_C(1) << 63)

struct daemon daemons[CLIENTS];

/* ---- write side ---- */

static void put_intent(struct daemon *d, int instance)
{
    struct intent *i = &d->intents[instance];
    struct value value = {.epoch = d->epoch, .counter = i->counter, .deleted = !i->wanted};
    i->out = true;
    i->crossed = 0;
    i->token = ++d->next_token;
    i->flown = model_digest(d->host * INSTANCES + instance, &value);
    bus_model_put(d->client, SERVICES, d->host * INSTANCES + instance, &value, i->token);
}

static void put_lease(struct daemon *d)
{
    struct value value = {
        .epoch = d->epoch,
        .min_epoch = d->min_epoch,
        .node = d->node,
        .life = d->life,
        .claim = d->name.claim == UINT64_MAX ? 0 : d->name.claim,
        .answers = d->name.answers,
    };
    for (int i = 0; i < INSTANCES; i++)
        value.digest ^= d->intents[i].vouched;
    value.counter = lease_beat_sent(&d->beat, bus_random(), bus.now_ns);
    bus_model_put(d->client, LEASES, d->host, &value, LEASE_TOKEN | value.counter);
    health_sent(&d->health, value.counter, bus.now_ns);
}

static void put_question(struct daemon *d)
{
    struct lease l = name_conflict_question(&d->name);
    struct value value = {
        .epoch = l.epoch,
        .counter = l.counter,
        .min_epoch = l.min_epoch,
        .node = l.node,
        .life = l.life,
        .claim = l.claim,
        .answers = l.answers,
        .digest = l.digest,
        .leaving = l.leaving,
        .asked_by = l.asked_by,
        .ran_out = l.ran_out,
    };
    bus_model_put(d->client, LEASES, d->host, &value, LEASE_TOKEN);
    name_conflict_asked(&d->name, bus.now_ns);
}

static void put_again(struct daemon *d, int instance)
{
    d->intents[instance].stored = false;
    d->intents[instance].retry_ns = bus.now_ns;
}

/* A new counter each time: what was put before may still be on its way. */
static void touch(struct daemon *d, int instance)
{
    d->intents[instance].counter = ++d->counter;
    put_again(d, instance);
}

static bool all_stored(const struct daemon *d)
{
    for (int i = 0; i < INSTANCES; i++)
        if (!d->intents[i].stored)
            return false;
    return true;
}

/* As agent_host.c does it. */
static void go_above(struct daemon *d)
{
    d->epoch = d->seen_epoch + 1;
    d->grace_until_ns = bus.now_ns + GRACE_NS;
    for (int i = 0; i < INSTANCES; i++)
        if (d->intents[i].wanted) {
            d->intents[i].out = false; /* as that epoch, its answer is of no interest any more */
            touch(d, i);
        }
    if (d->publishing)
        lease_beat_now(&d->beat, bus.now_ns);
}

static void set_publishing(struct daemon *d, bool publishing)
{
    if (d->publishing == publishing)
        return;
    d->publishing = publishing;
    if (!publishing) {
        lease_beat_stop(&d->beat);
        return;
    }
    for (int i = 0; i < INSTANCES; i++)
        if (!d->intents[i].out && (d->intents[i].wanted || !d->intents[i].stored))
            put_again(d, i);
    lease_beat_now(&d->beat, bus.now_ns);
}

static void follow_name(struct daemon *d)
{
    bool ours = d->name.name == AGENT_NAME_OURS;
    if (ours) {
        d->kept_boot = d->boot;
        d->kept_life = d->life;
    }
    d->stood_down |= d->name.name == AGENT_NAME_CONFLICT;
    if (ours && d->seen_epoch >= d->epoch)
        go_above(d);
    if (ours && d->stood_down)
        d->min_epoch = d->epoch;
    d->stood_down &= !ours;
    if (d->connected && d->name.ask_due)
        put_question(d);
    if (d->publishing && d->name.answer_due)
        lease_beat_reply(&d->beat, bus.now_ns);
    if (d->publishing && d->name.last_word_due && d->epoch >= d->name.other.epoch)
        put_lease(d);
    d->name.answer_due = d->name.last_word_due = false;
    set_publishing(d, d->connected && ours);
}

static int64_t write_side(struct daemon *d)
{
    int64_t next_ns = name_conflict_deadline(&d->name);
    name_conflict_tick(&d->name, bus.now_ns);
    follow_name(d);
    if (!d->publishing)
        return d->connected ? next_ns : INT64_MAX;
    if (d->min_epoch < d->epoch && bus.now_ns >= d->grace_until_ns && all_stored(d))
        d->min_epoch = d->epoch;
    if (bus.now_ns >= d->beat.next_ns)
        put_lease(d);
    for (int i = 0; i < INSTANCES; i++) {
        struct intent *in = &d->intents[i];
        if (!in->stored && !in->out && bus.now_ns >= in->retry_ns)
            put_intent(d, i);
        if (!in->stored && !in->out && in->retry_ns < next_ns)
            next_ns = in->retry_ns;
    }
    return d->beat.next_ns < next_ns ? d->beat.next_ns : next_ns;
}

static void put_done(struct daemon *d, uint64_t token, int err, uint64_t seq)
{
    if (token & LEASE_TOKEN)
        lease_beat_answer(&d->beat, token & ~LEASE_TOKEN, err, bus_random(), bus.now_ns);
    for (int i = 0; i < INSTANCES; i++) {
        struct intent *in = &d->intents[i];
        if (in->token != token || !in->out)
            continue;
        in->out = false;
        in->retry_ns = bus.now_ns + RETRY_NS;
        if (err)
            continue;
        in->reported = true;
        in->vouched = in->flown;
        if (in->crossed > seq) /* what was seen meanwhile was stored behind it */
            touch(d, i);
        else
            in->seq = seq, in->stored = true;
    }
}

void daemon_want(int host, int instance, bool wanted)
{
    struct daemon *d = &daemons[host];
    d->intents[instance].wanted = wanted;
    if (!d->running)
        return;
    d->intents[instance].reported = false;
    d->intents[instance].out = false; /* its answer is of no interest any more */
    touch(d, instance);
    bus_at(host, bus.now_ns);
}

/* Our own key, as the message with that sequence has it; NULL: deleted, or, without one, not there. */
void model_own_record(struct daemon *d, int key, const struct value *value, uint64_t seq)
{
    struct intent *i = &d->intents[key % INSTANCES];
    if (seq && seq < i->seq)
        return; /* the echo of what has been overwritten since */
    i->seq = i->crossed = seq;
    bool record = value && !value->alien;
    if (record && value->epoch > d->epoch && value->epoch > d->seen_epoch)
        d->seen_epoch = value->epoch;
    if (record && value->epoch == d->epoch && value->counter > d->counter)
        d->counter = value->counter; /* forged: to be gone above */
    /* What an earlier life had is vouched for until the grace is over, and void from then on. */
    bool left = record && value->epoch < d->epoch && bus.now_ns < d->grace_until_ns;
    bool ours = record && value->epoch == d->epoch && value->counter == i->counter;
    bool as_wanted = i->wanted ? ours : !value || left;
    if (!as_wanted && !i->out)
        touch(d, key % INSTANCES);
    else if (as_wanted && i->reported && !i->out)
        i->stored = true;
}

/* ---- read side ---- */

static struct lease lease_of(const struct value *v)
{
    return (struct lease){
        .epoch = v->epoch,
        .counter = v->counter,
        .min_epoch = v->min_epoch,
        .node = v->node,
        .life = v->life,
        .claim = v->claim,
        .asked_by = v->asked_by,
        .answers = v->answers,
        .digest = v->digest,
        .ran_out = v->ran_out,
        .ttl_ms = TTL / NS_PER_MS,
        .leaving = v->leaving,
    };
}

static void own_lease(struct daemon *d, const struct lease *lease, const struct kv_message *m, bool from_snapshot)
{
    if (!from_snapshot && name_conflict_is_ours(&d->name, lease) && lease->epoch == d->epoch)
        health_seen(&d->health, lease->counter, bus.now_ns);
    (void)name_conflict_seen(&d->name, lease, m->seq, m->age_ns, bus.now_ns);
    if (lease->life != d->life && lease->epoch > d->seen_epoch)
        d->seen_epoch = lease->epoch;
    d->lease_seen = true;
    bool old = lease->epoch < d->epoch || (lease->epoch == d->epoch && lease->counter < d->beat.stored);
    if (d->beat.stored > 0 && old)
        lease_beat_lost(&d->beat, bus.now_ns); /* a late old one took its place */
}

static void leases_apply_value(void *arg, const struct kv_message *m, bool from_snapshot)
{
    struct daemon *d = ((struct feed *)arg)->daemon;
    int host = model_key(m->key, m->key_len);
    struct value v = model_value(m);
    struct lease lease = lease_of(&v);
    char name[8];
    if (host == d->host) {
        own_lease(d, &lease, m, from_snapshot);
        return;
    }
    snprintf(name, sizeof name, "h%d", host);
    int err = liveness_apply(d->liveness, name, &lease, m->age_ns, bus.now_ns);
    if (!err && !from_snapshot && d->feeds[SERVICES].synced && !model_agrees(d, host, lease.digest))
        follow_doubt(d->feeds[SERVICES].follow, bus.now_ns);
}

static void leases_remove_host(void *arg, const char *key, size_t key_len, uint64_t seq)
{
    char name[8];
    (void)seq;
    snprintf(name, sizeof name, "h%d", model_key(key, key_len));
    liveness_remove(((struct feed *)arg)->daemon->liveness, name, bus.now_ns);
}

static void leases_begin(void *arg)
{
    ((struct feed *)arg)->daemon->lease_seen = false;
}

static void leases_end(void *arg, enum follow_end end)
{
    struct daemon *d = ((struct feed *)arg)->daemon;
    if (end == FOLLOW_ABORTED)
        return;
    model_remembered_leases_read(d);
    name_conflict_hosts_synced(&d->name, bus.now_ns);
    if (!d->lease_seen && d->beat.stored > 0)
        lease_beat_lost(&d->beat, bus.now_ns);
}

static void on_synced(void *arg, bool synced)
{
    struct feed *f = arg;
    struct daemon *d = f->daemon;
    f->synced = synced;
    health_set_synced(&d->health, d->feeds[SERVICES].synced && d->feeds[LEASES].synced, bus.now_ns);
}

static void on_resync(void *arg)
{
    struct feed *f = arg;
    bus_model_resync(f->daemon->client, f->bucket);
}

static void on_check(void *arg)
{
    struct feed *f = arg;
    bus_model_check(f->daemon->client, f->bucket);
}

static uint32_t on_random(void *arg)
{
    (void)arg;
    return bus_random();
}

static void on_host(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    struct daemon *d = arg;
    int h = host[1] - '0';
    d->status[h] = status;
    d->remembered[h] &= lease->epoch == 0;
    d->lease_min_epoch[h] = lease->min_epoch;
}

static void on_guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    (void)arg;
    (void)held;
    (void)until_ns;
    (void)why;
}

static bool on_has_records(void *arg, const char *host, const struct lease *lease)
{
    return model_has_records(arg, host[1] - '0', lease);
}

static void on_probe(void *arg)
{
    struct daemon *d = arg;
    lease_beat_now(&d->beat, bus.now_ns);
}

static void on_health(void *arg, enum health_reason reason)
{
    struct daemon *d = arg;
    bool silent = reason == HEALTH_NO_CANARY && d->name.name == AGENT_NAME_CONFLICT;
    liveness_set_healthy(d->liveness, reason == HEALTH_OK || silent, bus.now_ns);
    for (int b = 0; b < BUCKETS && reason == HEALTH_OVERDUE; b++)
        follow_doubt(d->feeds[b].follow, bus.now_ns);
}

/* ---- events ---- */

static void connected(struct daemon *d)
{
    d->connected = true;
    health_set_connected(&d->health, true, bus.now_ns);
    name_conflict_connected(&d->name, bus.now_ns);
    model_remembered_connected(d);
    for (int b = 0; b < BUCKETS; b++)
        follow_connected(d->feeds[b].follow, bus.now_ns);
}

static void disconnected(struct daemon *d)
{
    d->connected = false;
    d->cut_off |= !d->leases_read;
    name_conflict_disconnected(&d->name);
    set_publishing(d, false);
    health_set_connected(&d->health, false, bus.now_ns);
    for (int b = 0; b < BUCKETS; b++)
        follow_disconnected(d->feeds[b].follow, bus.now_ns);
}

static struct kv_message kv_of(const struct mail *mail, char *key)
{
    *key = (char)('A' + mail->key);
    bool deleted = mail->m.value.deleted;
    return (struct kv_message){
        .kind = deleted ? KV_DELETE : KV_PUT,
        .key = key,
        .key_len = 1,
        .value = (const uint8_t *)&mail->m.value,
        .n = deleted ? 0 : sizeof mail->m.value,
        .seq = mail->m.seq,
        .age_ns = mail->age_ns,
    };
}

void daemon_mail(int host, const struct mail *mail)
{
    struct daemon *d = &daemons[host];
    struct follow *f = d->feeds[mail->bucket].follow;
    char key;
    struct kv_message m = kv_of(mail, &key);
    switch (mail->kind) {
    case MAIL_CONNECTED:
        connected(d);
        break;
    case MAIL_DISCONNECTED:
        disconnected(d);
        break;
    case MAIL_LIVE:
        if (follow_live(f, &m, bus.now_ns) && mail->bucket == LEASES)
            liveness_heard(d->liveness, bus.now_ns);
        break;
    case MAIL_INFO:
        follow_info(f, mail->err, mail->created, mail->last_seq, bus.now_ns);
        break;
    case MAIL_ENTRY:
        follow_snapshot_entry(f, &m);
        break;
    case MAIL_END:
        follow_snapshot_end(f, mail->err, bus.now_ns);
        break;
    case MAIL_PUT_DONE:
        put_done(d, mail->token, mail->err, mail->m.seq);
        break;
    }
    daemon_turn(host);
}

void daemon_turn(int host)
{
    struct daemon *d = &daemons[host];
    if (!d->running)
        return;
    int64_t follow_ns[BUCKETS];
    for (int b = 0; b < BUCKETS; b++)
        follow_ns[b] = follow_tick(d->feeds[b].follow, bus.now_ns);
    liveness_set_whole(d->liveness, follow_is_live(d->feeds[LEASES].follow));
    liveness_set_records_known(d->liveness, d->complete && follow_is_live(d->feeds[SERVICES].follow), d->read_ns);
    int64_t next_ns[] = {
        follow_ns[SERVICES],
        follow_ns[LEASES],
        health_tick(&d->health, bus.now_ns),
        liveness_tick(d->liveness, bus.now_ns),
        write_side(d), /* last: the others may have given it something to do */
    };
    int64_t at_ns = INT64_MAX;
    for (size_t i = 0; i < sizeof next_ns / sizeof *next_ns; i++)
        at_ns = next_ns[i] < at_ns ? next_ns[i] : at_ns;
    bus_at(host, at_ns);
}

/* ---- lives ---- */

void daemon_kill(int host)
{
    struct daemon *d = &daemons[host];
    if (!d->running)
        return;
    d->running = false;
    bus_detach(host);
    for (int b = 0; b < BUCKETS; b++)
        follow_free(d->feeds[b].follow);
    liveness_free(d->liveness);
}

void daemon_boot(int host)
{
    static const struct follow_ops ops[BUCKETS] = {
        {on_resync, on_check, model_records_apply, model_records_remove, model_records_begin, model_records_end,
         on_synced, on_random, NULL},
        {on_resync, on_check, leases_apply_value, leases_remove_host, leases_begin, leases_end, on_synced, on_random,
         NULL},
    };
    struct daemon *d = &daemons[host], before = *d;
    *d = (struct daemon){
        .client = host,
        .host = before.host,
        .running = true,
        .node = before.node ? before.node : 1 + bus_random(),
        .life = (uint64_t)bus_random() << 8 | (uint64_t)host | 128, /* a test needs no two alike */
        .epoch = before.epoch + 1,
        .min_epoch = before.min_epoch,
        .next_token = before.next_token,
        .forgotten = before.forgotten,
        .boot = before.boot ? before.boot : 1 + bus_random(),
        .kept_boot = before.kept_boot,
        .kept_life = before.kept_life,
    };
    name_conflict_init(&d->name, d->node, d->life, TTL, bus.now_ns);
    if (d->kept_boot)
        name_conflict_remember(&d->name, d->kept_boot == d->boot ? d->kept_life : 0);
    lease_beat_init(&d->beat, TTL);
    d->grace_until_ns = bus.now_ns + GRACE_NS;
    const struct liveness_events events = {on_host, on_guard};
    const struct liveness_options leases = liveness_complete(
        (struct liveness_options){.guard_percent = 100, .probe = on_probe, .has_records = on_has_records});
    d->boot_ns = bus.now_ns;
    for (int h = 0; h < HOSTS; h++)
        d->status[h] = HOST_EXPIRED;
    model_remember(d, &before);
    must(liveness_new(&leases, &events, d, &d->liveness) == 0, "no memory");
    liveness_set_records_known(d->liveness, false, 0);
    health_init(&d->health, TTL / 2, on_health, d);
    for (int b = 0; b < BUCKETS; b++) {
        d->feeds[b] = (struct feed){.daemon = d, .bucket = (enum bucket)b};
        const struct follow_options options = {.touched_max = FOLLOW_TOUCHED_MAX,
                                               .quiet_ns = FOLLOW_QUIET_NS,
                                               .unmarked = b == SERVICES ? model_records_unmarked : NULL};
        must(follow_new(&options, &ops[b], &d->feeds[b], &d->feeds[b].follow) == 0, "no memory");
    }
    bus_attach(host);
    for (int i = 0; i < INSTANCES; i++) {
        d->intents[i].wanted = before.intents[i].wanted;
        d->intents[i].reported = before.intents[i].reported;
        d->intents[i].stored = !d->intents[i].wanted;
        if (d->intents[i].wanted)
            touch(d, i);
    }
    daemon_turn(host);
}

void daemon_forget(int host)
{
    struct daemon *d = &daemons[host];
    must(!d->running, "a daemon that runs forgets nothing");
    d->node = d->kept_boot = 0;
    d->epoch = ++d->forgotten; /* a clock that is wrong is not wrong twice in the same way */
    d->min_epoch = 0;
}

void daemon_copy(int host)
{
    struct daemon *copy = &daemons[HOSTS];
    uint64_t next_token = copy->next_token;
    *copy = daemons[host];
    copy->running = false;
    copy->boot = 0;
    copy->next_token = next_token;
    daemon_boot(HOSTS);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A bus whose events are kept. */
#include "tests/e2e/bus/station.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define WAIT_MS 30000

static void copy(char *to, size_t cap, const void *from, size_t n)
{
    n = n < cap ? n : cap - 1;
    memcpy(to, from, n);
    to[n] = '\0';
}

static void on_connected(void *arg, const char *server)
{
    struct station *s = arg;
    s->connects++;
    copy(s->server, sizeof s->server, server, strlen(server));
}

static void on_disconnected(void *arg, const char *reason)
{
    struct station *s = arg;
    s->disconnects++;
    copy(s->reason, sizeof s->reason, reason, strlen(reason));
}

static void on_moved(void *arg, const char *server, bool reloaded)
{
    (void)reloaded;
    struct station *s = arg;
    s->moves++;
    copy(s->server, sizeof s->server, server, strlen(server));
}

static void on_problem(void *arg, const char *text)
{
    struct station *s = arg;
    size_t used = strlen(s->problem);
    s->problems++;
    snprintf(s->problem + used, sizeof s->problem - used, "%s\n", text);
}

static void on_live(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    struct station_bucket *b = &((struct station *)arg)->bucket[bucket];
    b->live++;
    b->last.kind = m->kind;
    b->last.n = m->n;
    b->last.seq = m->seq;
    copy(b->last.key, sizeof b->last.key, m->key, m->key_len);
    copy(b->last.value, sizeof b->last.value, m->value, m->n);
}

static void on_gap(void *arg, enum bus_bucket bucket)
{
    ((struct station *)arg)->bucket[bucket].gaps++;
}

static void on_info(void *arg, enum bus_bucket bucket, const struct bus_info *info)
{
    struct station_bucket *b = &((struct station *)arg)->bucket[bucket];
    b->infos++;
    b->info = *info;
    copy(b->lacks, sizeof b->lacks, info->lacks, strlen(info->lacks));
}

static void on_entry(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    struct station_bucket *b = &((struct station *)arg)->bucket[bucket];
    b->entries++;
    b->in_order = b->in_order && m->seq > b->last_seq;
    b->last_seq = m->seq;
    b->oldest_age_ns = m->age_ns > b->oldest_age_ns ? m->age_ns : b->oldest_age_ns;
}

static void on_end(void *arg, enum bus_bucket bucket, int err, const char *reason)
{
    struct station *s = arg;
    s->bucket[bucket].ends++;
    s->bucket[bucket].end_err = err;
    copy(s->last_reason, sizeof s->last_reason, reason, strlen(reason));
}

static void on_put_done(void *arg, const struct bus_put_result *result)
{
    struct station *s = arg;
    s->done++;
    s->done_ok += result->err == 0;
    s->last_err = result->err;
    s->last_rtt_ns = result->rtt_ns;
    copy(s->last_reason, sizeof s->last_reason, result->reason, strlen(result->reason));
    if (result->token < STATION_KEYS_MAX && ++s->returned[result->token] > 1)
        s->done_twice++;
}

struct bus_options station_options(const struct nats *nats, const char *host)
{
    static const char *servers[NATS_SERVERS_MAX];
    for (size_t i = 0; i < nats->n; i++)
        servers[i] = nats->server[i].url;
    return (struct bus_options){
        .servers = servers,
        .n_servers = nats->n,
        .buckets = {"SERVICES", "HOSTS"},
        .region = "test",
        .host = host,
        .create = true,
        .replicas = nats->n > 1 ? 3 : 1,
        .max_bytes = {256 << 20, 16 << 20},
        .mailbox = 16384,
        .max_puts = 8192,
        .max_value = 8192,
        .snapshot_timeout_ns = 60 * NS_PER_S,
        .info_timeout_ns = BUS_INFO_TIMEOUT_NS,
        .record_ttl_ns = 3600 * NS_PER_S,
        .lease_ttl_ns = 10 * NS_PER_S,
    };
}

const char *station_password(const char *password)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/password", e2e_folder());
    FILE *file = fopen(path, "w");
    ck_assert(file && fchmod(fileno(file), 0600) == 0 && fputs(password, file) >= 0 && fclose(file) == 0);
    return path;
}

void station_start(struct station *s, const struct bus_options *options)
{
    const struct bus_events events = {
        .connected = on_connected,
        .disconnected = on_disconnected,
        .problem = on_problem,
        .live = on_live,
        .gap = on_gap,
        .info = on_info,
        .snapshot_entry = on_entry,
        .snapshot_end = on_end,
        .put_done = on_put_done,
        .moved = on_moved,
    };
    char why[BUS_WHY_CAP];
    memset(s, 0, sizeof *s);
    int err = bus_new(options, &events, s, &s->bus, why);
    ck_assert_msg(err == 0, "bus_new: %s", why);
    ck_assert_int_eq(bus_start(s->bus, NULL), 0);
}

void station_stop(struct station *s)
{
    bus_stop(s->bus);
    bus_free(s->bus);
    s->bus = NULL;
}

bool station_pump(struct station *s)
{
    bus_dispatch(s->bus);
    return true;
}

const char *station_seen(struct station *s)
{
    const struct station_bucket *b = s->bucket;
    snprintf(s->seen, sizeof s->seen,
             "connects %u, disconnects %u (%s), puts done %u, ok %u, last %d (%s); services: live %u, infos %u, "
             "entries %u, ends %u, err %d; problems: %.200s",
             s->connects, s->disconnects, s->reason, s->done, s->done_ok, s->last_err, s->last_reason, b->live,
             b->infos, b->entries, b->ends, b->end_err, s->problem);
    return s->seen;
}

void station_put(struct station *s, enum bus_bucket bucket, const char *key, const char *text)
{
    unsigned before = s->done;
    ck_assert_int_eq(bus_put(s->bus, bucket, key, text, strlen(text), UINT64_MAX, NULL), 0);
    wait_until(WAIT_MS, station_pump(s) && s->done > before, station_seen(s));
    ck_assert_msg(s->last_err == 0, "%s", station_seen(s));
}

void station_resync(struct station *s, enum bus_bucket bucket)
{
    struct station_bucket *b = &s->bucket[bucket];
    unsigned before = b->ends;
    b->entries = 0;
    b->in_order = true;
    b->oldest_age_ns = 0;
    b->last_seq = 0;
    wait_until(WAIT_MS, station_pump(s) && s->connects > s->disconnects, station_seen(s));
    ck_assert_int_eq(bus_order(s->bus, BUS_RESYNC, bucket), 0);
    wait_until(WAIT_MS, station_pump(s) && b->ends > before, station_seen(s));
}

bool station_synced(struct station *s, enum bus_bucket bucket)
{
    station_resync(s, bucket);
    return s->bucket[bucket].end_err == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The ways from the simulated regions to the daemon: its connections, links that fail, requests and their answers. */
#include <errno.h>
#include <string.h>

#include "tests/unit/registry/regions_world_impl.h"

#define KEPT_MAX    2048
#define ORDERS_MAX  8
#define INFO_NS     NS_PER_S       /* time-outs */
#define SNAPSHOT_NS (3 * NS_PER_S) /* without anything */
#define PUT_NS      (5 * NS_PER_S)

struct order {
    enum bus_bucket bucket;
    bool check, reported;
    uint64_t next_seq, stop_seq;
    int64_t heard_ns; /* when it got on last; of a request that is lost: 0 */
};

struct way {
    bool attached, connected;
    unsigned life, link_life;
    int64_t feed_ns, reader_ns;
    struct order orders[ORDERS_MAX];
    int n_orders;
    struct mail kept[KEPT_MAX];
    size_t n_kept;
};

static struct way ways[REGIONS];

void world_ways_reset(void)
{
    memset(ways, 0, sizeof ways);
}

static int64_t delay_ns(int region)
{
    return NS_PER_MS / 5 + world_random_ns(world.regions[region].delay_ns + 1);
}

static void mail_at(int region, int64_t at_ns, unsigned life, const struct mail *mail)
{
    world_push(&(struct event){.at_ns = at_ns, .kind = EVENT_MAIL, .region = region, .life = life, .mail = *mail});
}

static bool passes(int region)
{
    return world.regions[region].up && world.regions[region].link == LINK_WHOLE;
}

static void deliver(int region, const struct mail *mail)
{
    struct way *w = &ways[region];
    int64_t at_ns = world.now_ns + delay_ns(region);
    w->feed_ns = at_ns > w->feed_ns ? at_ns : w->feed_ns;
    mail_at(region, w->feed_ns, w->link_life, mail);
}

void world_republish(int region, enum bus_bucket bucket, int key)
{
    struct way *w = &ways[region];
    const struct mail mail = {
        .kind = MAIL_LIVE, .bucket = bucket, .key = key, .value = *world_value(region, bucket, key)};
    if (!w->connected)
        return;
    if (passes(region) && !world_chance(world.regions[region].drop))
        deliver(region, &mail);
    else if (world.regions[region].link == LINK_KEEP && w->n_kept < KEPT_MAX)
        w->kept[w->n_kept++] = mail;
}

/* ---- ways ---- */

static void connect_later(int region)
{
    int64_t at_ns = world.now_ns + NS_PER_MS + world_random_ns(2 * NS_PER_S);
    world_push(&(struct event){.at_ns = at_ns, .kind = EVENT_CONNECT, .region = region, .life = ways[region].life});
}

void world_attach(int region)
{
    struct way *w = &ways[region];
    w->attached = true;
    w->life++;
    w->n_orders = 0;
    world_push(&(struct event){
        .at_ns = world.now_ns + 20 * NS_PER_MS, .kind = EVENT_CONNECT, .region = region, .life = w->life});
}

void world_detach(int region)
{
    struct way *w = &ways[region];
    w->attached = w->connected = false;
    w->life++;
    w->link_life++;
    w->n_orders = 0;
    w->n_kept = 0;
}

static void try_to_connect(int region)
{
    struct way *w = &ways[region];
    if (!w->attached || w->connected)
        return;
    if (!world.regions[0].up) {
        connect_later(region);
        return;
    }
    w->connected = true;
    w->feed_ns = w->reader_ns = 0;
    mail_at(region, world.now_ns + NS_PER_MS, w->life, &(struct mail){.kind = MAIL_CONNECTED});
}

static void lose(int region)
{
    struct way *w = &ways[region];
    if (!w->connected)
        return;
    w->connected = false;
    w->link_life++;
    w->n_kept = 0;
    int64_t at_ns = w->reader_ns > world.now_ns ? w->reader_ns : world.now_ns;
    mail_at(region, at_ns + NS_PER_MS, w->life, &(struct mail){.kind = MAIL_DISCONNECTED});
    connect_later(region);
}

/* Mirrors are as far as the way lets them be. */
void world_mirror(int region)
{
    struct world_region *r = &world.regions[region];
    for (int b = 0; b < BUS_BUCKETS && region == MIRRORED && passes(region); b++)
        if (r->mirrors[b].created == 0 || r->mirrors[b].created == r->streams[b].created)
            r->mirrors[b] = r->streams[b];
}

static int64_t newest_of(const struct stream *s)
{
    int64_t newest = 0;
    for (int k = 0; k < KEYS; k++)
        newest = s->key[k].seq && s->key[k].time_ns > newest ? s->key[k].time_ns : newest;
    return newest;
}

int world_remember(int region, enum bus_bucket bucket)
{
    const struct stream *s = &world.regions[region].mirrors[bucket];
    struct way *w = &ways[region];
    int64_t at_ns = world.now_ns + NS_PER_MS, newest_ns = newest_of(s);
    for (int k = 0; k < KEYS; k++, at_ns += world_random_ns(300 * NS_PER_MS))
        if (s->key[k].seq)
            mail_at(region, at_ns, w->life,
                    &(struct mail){.kind = MAIL_REMEMBERED,
                                   .bucket = bucket,
                                   .key = k,
                                   .value = s->key[k],
                                   .age_ns = newest_ns - s->key[k].time_ns});
    mail_at(region, at_ns, w->life,
            &(struct mail){.kind = MAIL_REMEMBERED_END,
                           .bucket = bucket,
                           .err = s->created && w->connected ? 0 : -ENOENT,
                           .created = newest_ns});
    return 0;
}

/* All that was held back comes at once, in its order. */
static void let_go(int region)
{
    struct way *w = &ways[region];
    for (size_t i = 0; i < w->n_kept; i++)
        deliver(region, &w->kept[i]);
    w->n_kept = 0;
}

static void lose_requests(int region)
{
    for (int i = 0; i < ways[region].n_orders; i++)
        ways[region].orders[i].heard_ns = 0;
}

void world_set_link(int region, enum link link)
{
    enum link was = world.regions[region].link;
    world.regions[region].link = link;
    if (link == LINK_WHOLE && was == LINK_KEEP)
        let_go(region);
    world_mirror(region);
    if (link == LINK_RESET || link == LINK_HOLE) {
        ways[region].link_life++;
        ways[region].n_kept = 0;
        lose_requests(region);
    }
}

void world_set_up(int region, bool up)
{
    world.regions[region].up = up;
    if (!up) {
        ways[region].link_life++;
        ways[region].n_kept = 0;
        lose_requests(region);
    }
    for (int r = 0; r < REGIONS && region == 0 && !up; r++)
        lose(r);
    if (up)
        world_hosts_connect(region);
    world_mirror(region);
}

void world_put_lease(const uint8_t *bytes, size_t n, uint64_t token)
{
    struct event e = {.at_ns = world.now_ns + delay_ns(0), .kind = EVENT_LEASE, .life = ways[0].life};
    e.mail.token = token;
    e.mail.value.n = n;
    must(n <= VALUE, "a lease of %zu bytes", n);
    memcpy(e.mail.value.bytes, bytes, n);
    world_push(&e);
}

static void lease_arrives(const struct event *e)
{
    bool stored = ways[0].connected && world.regions[0].up;
    struct mail mail = {.kind = MAIL_LEASE_PUT, .token = e->mail.token, .err = stored ? 0 : -ETIMEDOUT};
    if (stored) {
        world_store(0, BUS_HOSTS, READER, e->mail.value.bytes, e->mail.value.n);
        mail.value.seq = world.regions[0].streams[BUS_HOSTS].last_seq;
    }
    mail_at(0, world.now_ns + (stored ? delay_ns(0) : PUT_NS), ways[0].life, &mail);
}

/* ---- the reader ---- */

static void order_later(int region, int64_t in_ns)
{
    world_push(&(struct event){
        .at_ns = world.now_ns + in_ns, .kind = EVENT_ORDER, .region = region, .life = ways[region].life});
}

static int order_read(int region, enum bus_bucket bucket, bool check)
{
    struct way *w = &ways[region];
    for (int i = 0; i < w->n_orders; i++)
        if (w->orders[i].bucket == bucket && w->orders[i].check == check)
            return -EBUSY;
    w->orders[w->n_orders] = (struct order){.bucket = bucket, .check = check, .heard_ns = world.now_ns};
    if (w->n_orders++ == 0)
        order_later(region, delay_ns(region));
    return 0;
}

int world_resync(int region, enum bus_bucket bucket)
{
    return order_read(region, bucket, false);
}

int world_check(int region, enum bus_bucket bucket)
{
    return order_read(region, bucket, true);
}

static void reader_mail(int region, const struct mail *mail)
{
    struct way *w = &ways[region];
    int64_t at_ns = world.now_ns + delay_ns(region);
    w->reader_ns = at_ns > w->reader_ns ? at_ns : w->reader_ns;
    mail_at(region, w->reader_ns, w->life, mail);
}

static void deliver_info(int region, const struct order *o, int err)
{
    const struct stream *s = &world.regions[region].streams[o->bucket];
    reader_mail(region, &(struct mail){.kind = MAIL_INFO,
                                       .bucket = o->bucket,
                                       .check = o->check,
                                       .err = err,
                                       .created = s->created,
                                       .last_seq = s->last_seq});
}

static void next_order(int region)
{
    struct way *w = &ways[region];
    memmove(w->orders, w->orders + 1, (size_t)--w->n_orders * sizeof w->orders[0]);
    if (w->n_orders > 0) {
        w->orders[0].heard_ns = world.now_ns;
        order_later(region, delay_ns(region));
    }
}

static void order_fails(int region, int err)
{
    struct order *o = &ways[region].orders[0];
    if (o->check || !o->reported)
        deliver_info(region, o, err);
    if (!o->check)
        reader_mail(region, &(struct mail){.kind = MAIL_END, .bucket = o->bucket, .err = err});
    next_order(region);
}

/* The next message of the stream at or behind next_seq, as it is now. */
static int next_key(int region, const struct order *o)
{
    int found = -1;
    for (int k = 0; k < KEYS; k++) {
        const struct value *v = world_value(region, o->bucket, k);
        if (v->seq >= o->next_seq && v->seq > 0 &&
            (found < 0 || v->seq < world.regions[region].streams[o->bucket].key[found].seq))
            found = k;
    }
    return found;
}

static int64_t newest_ns(int region)
{
    int64_t newest = 0;
    for (int k = 0; k < KEYS; k++) {
        const struct value *v = world_value(region, BUS_HOSTS, k);
        newest = v->seq && v->time_ns > newest ? v->time_ns : newest;
    }
    return newest;
}

static void deliver_entry(int region, struct order *o, int key)
{
    const struct value *v = world_value(region, o->bucket, key);
    int64_t age_ns = (o->bucket == BUS_HOSTS ? newest_ns(region) : world.now_ns) - v->time_ns;
    reader_mail(region,
                &(struct mail){.kind = MAIL_ENTRY, .bucket = o->bucket, .key = key, .value = *v, .age_ns = age_ns});
    o->next_seq = v->seq + 1;
}

/* It is answered: the first time by how far the bucket is, then by what is in it. */
static void order_step(int region, struct order *o)
{
    const struct stream *s = &world.regions[region].streams[o->bucket];
    int key = o->reported ? next_key(region, o) : -1;
    o->heard_ns = world.now_ns;
    if (o->reported && (key < 0 || o->next_seq > o->stop_seq)) {
        deliver_info(region, o, 0);
        reader_mail(region, &(struct mail){.kind = MAIL_END, .bucket = o->bucket});
        next_order(region);
        return;
    }
    if (o->reported) {
        deliver_entry(region, o, key);
    } else {
        deliver_info(region, o, 0);
        o->reported = true;
        o->stop_seq = s->last_seq;
        o->next_seq = 1;
        if (o->check) {
            next_order(region);
            return;
        }
    }
    order_later(region, NS_PER_MS / 10 + world_random_ns(5 * NS_PER_MS + world.regions[region].delay_ns));
}

static void order_event(int region)
{
    struct way *w = &ways[region];
    struct order *o = &w->orders[0];
    const struct world_region *at = &world.regions[region];
    if (w->n_orders == 0)
        return;
    bool refused = !at->up || at->link == LINK_RESET;
    if (!w->connected || (refused && at->link != LINK_HOLE && at->link != LINK_KEEP)) {
        order_fails(region, w->connected ? -ENODEV : -ENOTCONN);
        return;
    }
    if (passes(region) && o->heard_ns) {
        order_step(region, o);
        return;
    }
    if (!o->heard_ns) { /* the request, or its answer, is lost */
        order_later(region, o->reported ? SNAPSHOT_NS : INFO_NS);
        o->heard_ns = -1;
    } else if (o->heard_ns < 0 || world.now_ns - o->heard_ns > (o->reported ? SNAPSHOT_NS : INFO_NS)) {
        order_fails(region, -ETIMEDOUT);
    } else {
        order_later(region, 50 * NS_PER_MS);
    }
}

/* ---- events ---- */

bool world_mail_is_over(const struct event *e)
{
    const struct way *w = &ways[e->region];
    if (e->mail.kind == MAIL_LIVE)
        return !w->connected || (!e->arrived && e->life != w->link_life);
    return e->life != w->life;
}

bool world_way_is_over(const struct event *e)
{
    return e->life != ways[e->region].life;
}

void world_way_event(const struct event *e)
{
    if (e->kind == EVENT_ORDER)
        order_event(e->region);
    else if (e->kind == EVENT_CONNECT)
        try_to_connect(e->region);
    else
        lease_arrives(e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Events in a heap; the streams; who is connected. */
#include "tests/unit/sync/model_bus.h"

#include <errno.h>
#include <string.h>

#define EVENTS_MAX 65536
#define ORDERS_MAX 8
#define NOTICED_NS (5 * NS_PER_S) /* a partition is noticed by missing pongs */
#define PUT_NS     (5 * NS_PER_S) /* time-out */

struct model_bus bus;

enum event_kind { EVENT_MAIL, EVENT_TURN, EVENT_PUT, EVENT_READ, EVENT_CONNECT, EVENT_NOTICE, EVENT_FAULT };

struct event {
    int64_t at_ns;
    uint64_t order;
    enum event_kind kind;
    int host;
    unsigned life, session;
    uint64_t turn;
    struct mail mail;
};

struct stream {
    int64_t created;
    uint64_t last_seq;
    struct message key[KEYS];
};

struct client {
    bool attached, connected, cut;
    unsigned life, session;
    uint64_t turn;
    int64_t paused_until_ns, deaf_until_ns[BUCKETS], feed_ns[BUCKETS], reader_ns, puts_ns;
    struct {
        enum bucket bucket;
        bool check, info_reported;
        uint64_t next_seq, stop_seq;
    } orders[ORDERS_MAX];
    int n_orders;
};

static struct event heap[EVENTS_MAX];
static size_t n_events;
static uint64_t order;
static struct stream streams[BUCKETS];
static struct client clients[CLIENTS];

/* ---- random ---- */

uint32_t bus_random(void)
{
    bus.random ^= bus.random << 13;
    bus.random ^= bus.random >> 7;
    bus.random ^= bus.random << 17;
    return (uint32_t)(bus.random >> 32);
}

int64_t bus_random_ns(int64_t below_ns)
{
    return (int64_t)((uint64_t)bus_random() * (uint64_t)NS_PER_US % (uint64_t)below_ns);
}

bool bus_chance(unsigned per_mille)
{
    return bus_random() % 1000 < per_mille;
}

/* ---- events ---- */

static bool earlier(const struct event *a, const struct event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void push(struct event e)
{
    must(n_events < EVENTS_MAX, "too many events");
    e.order = ++order;
    size_t i = n_events++;
    for (; i > 0 && earlier(&e, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = e;
}

static struct event pop(void)
{
    struct event first = heap[0], last = heap[--n_events];
    size_t i = 0;
    for (size_t child = 1; child < n_events; child = 2 * i + 1) {
        if (child + 1 < n_events && earlier(&heap[child + 1], &heap[child]))
            child++;
        if (!earlier(&heap[child], &last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}

static int64_t delay_ns(void)
{
    return NS_PER_MS / 5 + bus_random_ns(bus.faults.delay_ns + 1);
}

static void mail_at(int host, int64_t at_ns, const struct mail *mail)
{
    push((struct event){.at_ns = at_ns, .kind = EVENT_MAIL, .host = host, .life = clients[host].life, .mail = *mail});
}

void bus_at(int host, int64_t at_ns)
{
    if (at_ns == INT64_MAX)
        return;
    if (host < 0)
        push((struct event){.at_ns = at_ns, .kind = EVENT_FAULT, .host = host});
    else
        push((struct event){.at_ns = at_ns, .kind = EVENT_TURN, .host = host, .turn = ++clients[host].turn});
}

/* ---- streams ---- */

static struct message *live_message(enum bucket bucket, int key)
{
    struct message *m = &streams[bucket].key[key];
    if (m->seq && bucket == LEASES && m->time_ns + MAX_AGE <= bus.now_ns)
        m->seq = 0;
    return m;
}

int64_t bus_stored_ns(enum bucket bucket, int key)
{
    const struct message *m = live_message(bucket, key);
    return m->seq ? m->time_ns : 0;
}

uint64_t bus_stored_epoch(enum bucket bucket, int key)
{
    const struct message *m = live_message(bucket, key);
    return m->seq ? m->value.epoch : 0;
}

static void republish(enum bucket bucket, int key, const struct message *m)
{
    for (int h = 0; h < CLIENTS; h++) {
        struct client *c = &clients[h];
        if (!c->connected || c->cut || c->deaf_until_ns[bucket] > bus.now_ns || bus_chance(bus.faults.drop))
            continue;
        struct mail mail = {.kind = MAIL_LIVE, .bucket = bucket, .key = key, .m = *m};
        int64_t at_ns = bus.now_ns + delay_ns();
        if (bus_chance(bus.faults.reorder)) {
            mail_at(h, at_ns + delay_ns(), &mail);
            continue;
        }
        c->feed_ns[bucket] = at_ns > c->feed_ns[bucket] ? at_ns : c->feed_ns[bucket];
        mail_at(h, c->feed_ns[bucket], &mail);
        if (bus_chance(bus.faults.repeat))
            mail_at(h, c->feed_ns[bucket], &mail);
    }
}

static void store(enum bucket bucket, int key, const struct value *value)
{
    struct message *m = &streams[bucket].key[key];
    *m = (struct message){.value = *value, .seq = ++streams[bucket].last_seq, .time_ns = bus.now_ns};
    republish(bucket, key, m);
}

static int64_t newest_ns(enum bucket bucket)
{
    int64_t newest = 0;
    for (int k = 0; k < KEYS; k++)
        if (bus_stored_ns(bucket, k) > newest)
            newest = streams[bucket].key[k].time_ns;
    return newest;
}

/* ---- connections ---- */

static void connect_later(int host)
{
    int64_t at_ns = bus.now_ns + NS_PER_MS + bus_random_ns(4 * NS_PER_S);
    push((struct event){.at_ns = at_ns, .kind = EVENT_CONNECT, .host = host, .life = clients[host].life});
}

static void try_to_connect(int host)
{
    struct client *c = &clients[host];
    if (c->connected)
        return;
    if (!bus.up || c->cut) {
        connect_later(host);
        return;
    }
    c->connected = true;
    c->session++;
    c->feed_ns[SERVICES] = c->feed_ns[LEASES] = 0;
    mail_at(host, bus.now_ns + NS_PER_MS, &(struct mail){.kind = MAIL_CONNECTED});
}

static void lose(int host)
{
    struct client *c = &clients[host];
    if (!c->connected)
        return;
    c->connected = false;
    int64_t last_ns = c->feed_ns[SERVICES] > c->feed_ns[LEASES] ? c->feed_ns[SERVICES] : c->feed_ns[LEASES];
    mail_at(host, (last_ns > bus.now_ns ? last_ns : bus.now_ns) + NS_PER_MS, &(struct mail){.kind = MAIL_DISCONNECTED});
    connect_later(host);
}

void bus_attach(int host)
{
    struct client *c = &clients[host];
    bool cut = c->cut;
    unsigned life = c->life + 1;
    uint64_t turn = c->turn;
    *c = (struct client){.attached = true, .cut = cut, .life = life, .turn = turn};
    push((struct event){.at_ns = bus.now_ns + 20 * NS_PER_MS, .kind = EVENT_CONNECT, .host = host, .life = life});
}

void bus_detach(int host)
{
    clients[host].attached = clients[host].connected = false;
    clients[host].life++;
    clients[host].turn++;
}

void bus_set_up(bool up)
{
    bus.up = up;
    for (int h = 0; h < CLIENTS && !up; h++)
        if (!clients[h].cut)
            lose(h);
}

void bus_cut(int host, bool cut)
{
    clients[host].cut = cut;
    if (cut)
        push((struct event){.at_ns = bus.now_ns + NOTICED_NS,
                            .kind = EVENT_NOTICE,
                            .host = host,
                            .life = clients[host].life,
                            .session = clients[host].session});
    else
        lose(host); /* what was on its way is gone: the old connection is of no use */
}

void bus_pause(int host, int64_t ns)
{
    /* Not longer than it is already: what waits for its end must stay in order. */
    if (clients[host].paused_until_ns < bus.now_ns)
        clients[host].paused_until_ns = bus.now_ns + ns;
}

void bus_deafen(int host, enum bucket bucket, int64_t ns)
{
    clients[host].deaf_until_ns[bucket] = bus.now_ns + ns;
}

void bus_recreate(enum bucket bucket)
{
    streams[bucket] = (struct stream){.created = bus.now_ns + 1};
}

void bus_purge(enum bucket bucket)
{
    memset(streams[bucket].key, 0, sizeof streams[bucket].key);
}

/* ---- puts ---- */

static void answer(int host, uint64_t token, int err, uint64_t seq, int64_t at_ns)
{
    mail_at(host, at_ns, &(struct mail){.kind = MAIL_PUT_DONE, .token = token, .err = err, .m.seq = seq});
}

void bus_write_over(int key, const struct value *value)
{
    if (bus.up)
        store(SERVICES, key, value);
}

void bus_model_put(int host, enum bucket bucket, int key, const struct value *value, uint64_t token)
{
    struct client *c = &clients[host];
    if (!c->connected) {
        answer(host, token, -ENOTCONN, 0, bus.now_ns + NS_PER_MS);
        return;
    }
    int64_t at_ns = bus.now_ns + delay_ns();
    c->puts_ns = at_ns > c->puts_ns ? at_ns : c->puts_ns;
    struct event e = {.at_ns = c->puts_ns,
                      .kind = EVENT_PUT,
                      .host = host,
                      .life = c->life,
                      .session = c->session,
                      .mail = {.bucket = bucket, .key = key, .m.value = *value, .token = token}};
    push(e);
    /* A deletion has no epoch and counter, so nothing could tell that it is late. */
    if (!value->deleted && bus_chance(bus.faults.replay_put)) {
        e.at_ns += bus_random_ns(30 * NS_PER_S);
        e.mail.token = 0;
        push(e);
    }
}

static void put_arrives(const struct event *e)
{
    const struct client *c = &clients[e->host];
    bool replay = e->mail.token == 0;
    bool lost = !bus.up || c->cut || (!replay && (e->session != c->session || bus_chance(bus.faults.lose_put)));
    if (!lost)
        store(e->mail.bucket, e->mail.key, &e->mail.m.value);
    bool answered = !lost && !bus_chance(bus.faults.lose_put);
    if (!replay && e->life == c->life)
        answer(e->host, e->mail.token, answered ? 0 : -ETIMEDOUT, streams[e->mail.bucket].key[e->mail.key].seq,
               bus.now_ns + (answered ? delay_ns() : PUT_NS));
}

/* ---- the reader ---- */

static void read_later(int host, int64_t in_ns)
{
    push((struct event){.at_ns = bus.now_ns + in_ns,
                        .kind = EVENT_READ,
                        .host = host,
                        .life = clients[host].life,
                        .session = clients[host].session});
}

static void order_read(int host, enum bucket bucket, bool check)
{
    struct client *c = &clients[host];
    must(c->n_orders < ORDERS_MAX, "too many orders: one of a kind at a time");
    memset(&c->orders[c->n_orders], 0, sizeof c->orders[0]);
    c->orders[c->n_orders].bucket = bucket;
    c->orders[c->n_orders].check = check;
    if (c->n_orders++ == 0)
        read_later(host, delay_ns());
}

void bus_model_resync(int host, enum bucket bucket)
{
    order_read(host, bucket, false);
}

void bus_model_check(int host, enum bucket bucket)
{
    order_read(host, bucket, true);
}

/* The reader's mails stay in their order. */
static void read_mail(int host, const struct mail *mail)
{
    struct client *c = &clients[host];
    int64_t at_ns = bus.now_ns + delay_ns();
    c->reader_ns = at_ns > c->reader_ns ? at_ns : c->reader_ns;
    mail_at(host, c->reader_ns, mail);
}

static void deliver_info(int host, enum bucket bucket, int err)
{
    read_mail(host, &(struct mail){.kind = MAIL_INFO,
                                   .bucket = bucket,
                                   .err = err,
                                   .created = streams[bucket].created,
                                   .last_seq = streams[bucket].last_seq});
}

static void next_order(int host)
{
    struct client *c = &clients[host];
    memmove(&c->orders[0], &c->orders[1], sizeof c->orders - sizeof c->orders[0]);
    if (--c->n_orders > 0)
        read_later(host, delay_ns());
}

static void read_fails(int host)
{
    struct client *c = &clients[host];
    enum bucket bucket = c->orders[0].bucket;
    if (c->orders[0].check || !c->orders[0].info_reported)
        deliver_info(host, bucket, -ENOTCONN);
    if (!c->orders[0].check)
        read_mail(host, &(struct mail){.kind = MAIL_END, .bucket = bucket, .err = -ENOTCONN});
    next_order(host);
}

/* The next message of the stream at or behind next_seq, as it is now. */
static int next_key(enum bucket bucket, uint64_t next_seq)
{
    int found = -1;
    for (int k = 0; k < KEYS; k++) {
        const struct message *m = live_message(bucket, k);
        if (m->seq >= next_seq && m->seq > 0 && (found < 0 || m->seq < streams[bucket].key[found].seq))
            found = k;
    }
    return found;
}

static void read_step(const struct event *e)
{
    int host = e->host;
    struct client *c = &clients[host];
    enum bucket bucket = c->orders[0].bucket;
    if (!c->connected || !bus.up || c->cut) {
        read_fails(host);
        return;
    }
    if (!c->orders[0].info_reported) {
        deliver_info(host, bucket, 0);
        c->orders[0].info_reported = true;
        c->orders[0].stop_seq = streams[bucket].last_seq;
        c->orders[0].next_seq = 1;
        if (c->orders[0].check)
            next_order(host);
        else
            read_later(host, delay_ns());
        return;
    }
    int key = next_key(bucket, c->orders[0].next_seq);
    if (key < 0 || c->orders[0].next_seq > c->orders[0].stop_seq) {
        deliver_info(host, bucket, 0);
        read_mail(host, &(struct mail){.kind = MAIL_END, .bucket = bucket});
        next_order(host);
        return;
    }
    const struct message *m = &streams[bucket].key[key];
    read_mail(host,
              &(struct mail){
                  .kind = MAIL_ENTRY, .bucket = bucket, .key = key, .m = *m, .age_ns = newest_ns(bucket) - m->time_ns});
    c->orders[0].next_seq = m->seq + 1;
    read_later(host, NS_PER_MS / 10 + bus_random_ns(5 * NS_PER_MS));
}

/* ---- running ---- */

static void happen(struct event *e)
{
    struct client *c = e->host >= 0 ? &clients[e->host] : NULL;
    bool stands_still = (e->kind == EVENT_MAIL || e->kind == EVENT_TURN) && c->paused_until_ns > bus.now_ns;
    if (c && e->kind != EVENT_TURN && e->kind != EVENT_PUT && e->life != c->life)
        return;
    if (stands_still) {
        e->at_ns = c->paused_until_ns;
        push(*e);
        return;
    }
    switch (e->kind) {
    case EVENT_MAIL:
        bus.hooks.mail(e->host, &e->mail);
        break;
    case EVENT_TURN:
        if (e->turn == c->turn)
            bus.hooks.turn(e->host);
        break;
    case EVENT_PUT:
        put_arrives(e);
        break;
    case EVENT_READ:
        read_step(e);
        break;
    case EVENT_CONNECT:
        try_to_connect(e->host);
        break;
    case EVENT_NOTICE:
        if (c->cut && e->session == c->session)
            lose(e->host);
        break;
    case EVENT_FAULT:
        bus.hooks.fault();
        break;
    }
}

void bus_run(int64_t until_ns)
{
    while (n_events > 0 && heap[0].at_ns <= until_ns) {
        struct event e = pop();
        bus.now_ns = e.at_ns;
        happen(&e);
    }
    bus.now_ns = until_ns;
}

void bus_reset(uint64_t seed, const struct bus_hooks *hooks)
{
    n_events = 0;
    order = 0;
    memset(clients, 0, sizeof clients);
    bus = (struct model_bus){
        .now_ns = 1000 * NS_PER_S,
        .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
        .up = true,
        .hooks = *hooks,
    };
    for (int i = 0; i < 8; i++)
        (void)bus_random();
    for (int b = 0; b < BUCKETS; b++)
        streams[b] = (struct stream){.created = 1 + b};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The index from addresses to hosts and instances, for PTR queries. */
#include "daemon/dns/dns_reverse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/address_text.h"
#include "daemon/base/array.h"
#include "daemon/base/thread.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entry.h"
#include "libdiscover/core/table_key.h"

/*
 * The table is looked at so often, and read when it has changed; whoever has much to read rests for longer, so that it
 * never takes more than a tenth of a core.
 */
#define LOOK_NS   (NS_PER_S / 4)
#define REST_PART 9

struct named {
    uint8_t bytes[16];
    bool is_host;
    uint32_t label, region; /* where their texts are in the pool */
};

struct list {
    struct named *named;
    size_t n, cap;
    size_t bytes; /* of an address */
};

struct index {
    struct list ipv4, ipv6;
    char *pool; /* labels, each with its NUL */
    size_t pool_n, pool_cap;
    uint32_t region; /* of what is being read: its text in the pool */
};

struct dns_reverse {
    struct dns_tables *tables;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    /* Guarded by the lock: */
    struct index *present; /* NULL: none yet */
    uint32_t serial;       /* of the table it was made from */
    int64_t true_ns;       /* when it said all that the table did, last that is known of */
    bool stop;
};

int dns_reverse_new(struct dns_tables *tables, struct dns_reverse **ret_r)
{
    struct dns_reverse *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->tables = tables;
    pthread_cond_init(&r->stopped, NULL);
    pthread_mutex_init(&r->lock, NULL);
    *ret_r = r;
    return 0;
}

static void index_free(struct index *x)
{
    if (!x)
        return;
    free(x->ipv4.named);
    free(x->ipv6.named);
    free(x->pool);
    free(x);
}

void dns_reverse_free(struct dns_reverse *r)
{
    if (!r)
        return;
    index_free(r->present);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->stopped);
    free(r);
}

static int add_label(struct index *x, const char *text, size_t n, uint32_t *ret_label)
{
    while (x->pool_cap - x->pool_n < LABEL_CAP)
        if (array_grow(&x->pool, x->pool_cap, &x->pool_cap, 1) < 0)
            return -ENOMEM;
    memcpy(x->pool + x->pool_n, text, n);
    x->pool[x->pool_n + n] = '\0';
    *ret_label = (uint32_t)x->pool_n;
    x->pool_n += n + 1;
    return 0;
}

static int add_address(struct list *list, const uint8_t *bytes, bool is_host, uint32_t label, uint32_t region)
{
    if (array_grow(&list->named, list->n, &list->cap, sizeof *list->named) < 0)
        return -ENOMEM;
    struct named *named = &list->named[list->n++];
    *named = (struct named){.is_host = is_host, .label = label, .region = region};
    memcpy(named->bytes, bytes, list->bytes);
    return 0;
}

static int add_families(struct index *x, uint8_t families, const uint8_t *ipv4, const uint8_t *ipv6, bool is_host,
                        uint32_t label)
{
    int err = 0;
    if (families & DISCOVER_HAS_IPV4)
        err = add_address(&x->ipv4, ipv4, is_host, label, x->region);
    if (!err && families & DISCOVER_HAS_IPV6)
        err = add_address(&x->ipv6, ipv6, is_host, label, x->region);
    return err;
}

static int add_host(struct index *x, const struct table_view *v)
{
    const uint8_t *details;
    size_t n;
    struct host_entry e;
    uint32_t label;
    size_t name = table_key_name_bytes(table_view_key(v), v->key_bytes);
    if (name < 2 || name > LABEL_MAX + 1 || table_view_details(v, 0, &details, &n) < 0 ||
        host_entry_read(details, n, &e) < 0 || !e.alive)
        return 0;
    int err = add_label(x, table_view_key(v) + 1, name - 1, &label);
    return err ? err : add_families(x, e.addresses.families, e.addresses.ipv4, e.addresses.ipv6, true, label);
}

static int add_service(struct index *x, const struct table_view *v)
{
    const char *key = table_view_key(v), *slash = memchr(key, '/', v->key_bytes);
    uint32_t label;
    if (!slash || slash - key > LABEL_MAX)
        return 0;
    int err = add_label(x, key, (size_t)(slash - key), &label);
    for (uint32_t i = 0; i < v->n_first && !err; i++) {
        const struct discover_endpoint *e = table_view_endpoint(v, i);
        err = add_families(x, e->families, e->ipv4, e->ipv6, false, label);
    }
    return err;
}

/*
 * Whether a block under a service's own key is another region's, which answers for it. Those instances are passed
 * over: they stand under that region's own key as well.
 */
static bool is_answer_of_other(const struct table *t, const struct table_view *v)
{
    struct table_failover failover;
    return v->n_first > 0 && table_view_endpoint(v, 0)->tier == DISCOVER_ELSEWHERE &&
           table_failover(t, table_view_key(v), v->key_bytes, &failover) == 0;
}

/* Of another region, whose name stands behind the key's; what the own one has while another answers for it, too. */
static int enter_region(struct index *x, const struct table *t, const struct table_view *v)
{
    struct table_region region = {.own = false};
    const char *key = table_view_key(v);
    size_t name = table_key_name_bytes(key, v->key_bytes), n = v->key_bytes - name;
    x->region = 0;
    if (n < 2 || n > LABEL_MAX + 1 || (table_region(t, key + name + 1, n - 1, &region) == 0 && region.own))
        return 0;
    return add_label(x, key + name + 1, n - 1, &x->region);
}

/* Adds what is in a slot. A block that cannot be read just now, because it changes, is left to the next index. */
static int add_slot(struct index *x, const struct table *t, uint32_t slot, struct table_view *v)
{
    int err = table_view_read(t, slot, v);
    if (err)
        return err == -ENOMEM ? err : 0;
    if (v->kind != TABLE_HOST && (v->kind != TABLE_SERVICE || is_answer_of_other(t, v)))
        return 0;
    err = enter_region(x, t, v);
    if (err)
        return err;
    return v->kind == TABLE_HOST ? add_host(x, v) : add_service(x, v);
}

/* By address; of several names for one, the own region's come first, of these a host's, and always the same. */
static int by_address(const void *x, const void *y, void *arg)
{
    const struct named *a = x, *b = y;
    const char *pool = arg;
    int order = memcmp(a->bytes, b->bytes, sizeof a->bytes);
    if (order)
        return order;
    order = strcmp(pool + a->region, pool + b->region);
    if (order)
        return order;
    if (a->is_host != b->is_host)
        return a->is_host ? -1 : 1;
    return strcmp(pool + a->label, pool + b->label);
}

static void sort(struct list *list, const char *pool)
{
    if (list->n > 0)
        qsort_r(list->named, list->n, sizeof *list->named, by_address, (void *)pool);
}

static int read_table(const struct table *t, struct index *x)
{
    struct table_view v;
    int err = 0;
    table_view_init(&v);
    err = add_label(x, "", 0, &x->region); /* the own one's, at 0 */
    for (uint32_t slot = 0; slot < table_slots_used(t) && !err; slot++)
        err = add_slot(x, t, slot, &v);
    table_view_fini(&v);
    sort(&x->ipv4, x->pool);
    sort(&x->ipv6, x->pool);
    return err;
}

static void publish(struct dns_reverse *r, struct index *x, uint32_t serial, int64_t now_ns)
{
    pthread_mutex_lock(&r->lock);
    struct index *old = r->present;
    r->present = x;
    r->serial = serial;
    r->true_ns = now_ns;
    pthread_mutex_unlock(&r->lock);
    index_free(old);
}

int dns_reverse_build(struct dns_reverse *r, int64_t now_ns)
{
    struct dns_table *t = dns_tables_change(r->tables, NULL);
    if (!t)
        return -EAGAIN;
    uint32_t serial = table_serial(&t->table); /* before reading: a change meanwhile makes it be read again */
    struct index *x = calloc(1, sizeof *x);
    int err = x ? 0 : -ENOMEM;
    if (!err) {
        x->ipv4.bytes = 4;
        x->ipv6.bytes = 16;
        err = read_table(&t->table, x);
    }
    dns_tables_drop(r->tables, t);
    if (err)
        index_free(x);
    else
        publish(r, x, serial, now_ns);
    return err;
}

/* Whether the index says all that the table does. */
static bool is_true(struct dns_reverse *r, int64_t now_ns)
{
    struct dns_table *t = dns_tables_change(r->tables, NULL);
    uint32_t serial = t ? table_serial(&t->table) : 0;
    dns_tables_drop(r->tables, t);
    pthread_mutex_lock(&r->lock);
    bool same = t && r->present && r->serial == serial;
    if (same)
        r->true_ns = now_ns;
    pthread_mutex_unlock(&r->lock);
    return same;
}

/* Rests for so long. False: the thread is to stop. */
static bool rest(struct dns_reverse *r, int64_t rest_ns)
{
    struct timespec until = thread_in(rest_ns);
    pthread_mutex_lock(&r->lock);
    while (!r->stop && thread_wait(&r->stopped, &r->lock, &until) == 0)
        continue;
    bool stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    return !stop;
}

static bool rest_after(struct dns_reverse *r, int64_t busy_ns, struct progress *progress)
{
    int64_t rest_ns = busy_ns * REST_PART > LOOK_NS ? busy_ns * REST_PART : LOOK_NS;
    progress_away(progress, rest_ns);
    bool go_on = rest(r, rest_ns);
    progress_back(progress);
    return go_on;
}

void dns_reverse_run(struct dns_reverse *r, struct progress *progress)
{
    int64_t busy_ns;
    do {
        int64_t now_ns = clock_now_ns();
        if (!is_true(r, now_ns))
            (void)dns_reverse_build(r, now_ns); /* if it failed it is tried again after the rest */
        busy_ns = clock_now_ns() - now_ns;
    } while (rest_after(r, busy_ns, progress));
}

void dns_reverse_stop(struct dns_reverse *r)
{
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->stopped);
    pthread_mutex_unlock(&r->lock);
}

/* The bits behind the prefix are 0 in address, so the first that begins with it is the first not below it. */
static const struct named *find(const struct list *list, const uint8_t *address, unsigned bits)
{
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(list->named[middle].bytes, address, list->bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->n && prefix_equal(list->named[low].bytes, address, bits) ? &list->named[low] : NULL;
}

static int find_in(const struct index *x, const uint8_t *address, size_t n, unsigned bits,
                   struct dns_reverse_name *ret_name)
{
    if (!x)
        return -EAGAIN;
    const struct named *named = find(n == 4 ? &x->ipv4 : &x->ipv6, address, bits);
    if (!named)
        return -ENOENT;
    ret_name->is_host = named->is_host;
    memcpy(ret_name->region, x->pool + named->region, strlen(x->pool + named->region) + 1);
    memcpy(ret_name->label, x->pool + named->label, strlen(x->pool + named->label) + 1);
    return 0;
}

int dns_reverse_find(struct dns_reverse *r, const struct dns_reverse_now *now, const uint8_t *address, size_t n,
                     unsigned bits, struct dns_reverse_name *ret_name)
{
    pthread_mutex_lock(&r->lock);
    bool known = now->serial == r->serial || now->ns - r->true_ns <= DNS_REVERSE_BEHIND_NS;
    int err = known ? find_in(r->present, address, n, bits, ret_name) : -EAGAIN;
    pthread_mutex_unlock(&r->lock);
    return err;
}

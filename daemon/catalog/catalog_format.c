/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and loads the catalog's file. */
#include "daemon/catalog/catalog_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "daemon/base/file.h"
#include "libdiscover/core/entry.h"
#include "libdiscover/core/table_key.h"

#define CATALOG_FILE_MAGIC   UINT64_C(0x3150414e53435344) /* "DSCSNAP1" */
#define CATALOG_FILE_VERSION 1
#define CATALOG_FILE_MAX     (SIZE_MAX / 4)
#define FOREIGN_TTL_NS       INT64_C(30000000000)

enum { HEAD_MAGIC, HEAD_VERSION, HEAD_WALL_MS, HEAD_WORDS };

/* --- writing --- */

struct out {
    FILE *file;
    XXH3_state_t *sum;
};

static bool put_words(struct out *o, const uint64_t *words, size_t n)
{
    XXH3_64bits_update(o->sum, words, n * sizeof *words);
    return fwrite(words, sizeof *words, n, o->file) == n;
}

static bool put_block(struct out *o, const struct table_view *v)
{
    uint64_t length = v->n_words;
    return put_words(o, &length, 1) && put_words(o, v->words, v->n_words);
}

/*
 * Whether a block under a service's own key is another region's, which answers for it. Read before and after the
 * block: if the failover began or ended meanwhile, the block counts as the own region's.
 */
static int is_answer_of_other(const struct table *table, uint32_t slot, struct table_view *v)
{
    struct table_failover failover;
    if (v->kind != TABLE_SERVICE || v->n_total == 0 || table_view_endpoint(v, 0)->tier != DISCOVER_ELSEWHERE)
        return 0;
    if (table_failover(table, table_view_key(v), v->key_bytes, &failover) == 0)
        return 1;
    return table_view_read(table, slot, v);
}

/* Whether a block is what the own region has of a service while another one answers: it is stored as at other times. */
static bool is_own_away(const struct table *table, const struct table_view *v)
{
    struct table_region region;
    const char *key = table_view_key(v);
    size_t name = table_key_name_bytes(key, v->key_bytes);
    return v->kind == TABLE_SERVICE && name < v->key_bytes &&
           table_region(table, key + name + 1, v->key_bytes - name - 1, &region) == 0 && region.own;
}

static void move_offsets(struct table_view *v, uint64_t back)
{
    for (uint32_t i = 0; i < v->n_total; i++) {
        uint64_t *word = v->words + v->offsets + i / 2, shift = i % 2 * 32;
        uint64_t offset = (uint32_t)(*word >> shift) - back;
        *word = (*word & ~((uint64_t)UINT32_MAX << shift)) | (offset & UINT32_MAX) << shift;
    }
}

/* Makes a view of "shop/payment@a" one of "shop/payment": a shorter key, and all behind it moves. */
static void forget_region(struct table_view *v)
{
    size_t name = table_key_name_bytes(table_view_key(v), v->key_bytes);
    uint64_t body = TABLE_BLOCK_HEADER_WORDS + (name + 7) / 8, back = v->body - body;
    move_offsets(v, back);
    memset((char *)(v->words + TABLE_BLOCK_HEADER_WORDS) + name, 0, v->key_bytes - name);
    memmove(v->words + body, v->words + v->body, (v->n_words - v->body) * sizeof *v->words);
    v->words[TABLE_B_KIND] = (uint64_t)name << 8 | v->kind;
    v->key_bytes = name;
    v->body = body;
    v->offsets -= back;
    v->n_words -= back;
}

/*
 * Reads a slot. Returns whether its block is to be stored as the region's, or a negative errno. The view becomes what
 * is stored.
 */
static int take_block(const struct table *table, uint32_t slot, const char *region, struct table_view *v)
{
    if (v->kind != TABLE_SERVICE && v->kind != TABLE_HOST) /* domains follow from their services */
        return 0;
    if (table_key_is_of(table_view_key(v), v->key_bytes, region)) {
        int other = *region ? 0 : is_answer_of_other(table, slot, v);
        return other < 0 ? other : !other;
    }
    if (*region || !is_own_away(table, v))
        return 0;
    forget_region(v);
    return 1;
}

static int put_blocks(struct out *o, const struct table *table, const char *region)
{
    struct table_view v;
    int err = 0;
    table_view_init(&v);
    for (uint32_t slot = 0; slot < table_slots_used(table) && !err; slot++) {
        err = table_view_read(table, slot, &v);
        int taken = err ? err : take_block(table, slot, region, &v);
        if (taken > 0)
            err = put_block(o, &v) ? 0 : -EIO;
        else
            err = taken == -ENOENT ? 0 : taken;
    }
    table_view_fini(&v);
    return err;
}

static int put_all(struct out *o, const struct table *table, const char *region, int64_t wall_ms)
{
    uint64_t head[HEAD_WORDS] = {CATALOG_FILE_MAGIC, CATALOG_FILE_VERSION, (uint64_t)wall_ms}, end = 0;
    if (!put_words(o, head, HEAD_WORDS))
        return -EIO;
    int err = put_blocks(o, table, region);
    if (err)
        return err;
    if (!put_words(o, &end, 1))
        return -EIO;
    uint64_t sum = XXH3_64bits_digest(o->sum);
    bool good = fwrite(&sum, sizeof sum, 1, o->file) == 1 && fflush(o->file) == 0 && fsync(fileno(o->file)) == 0;
    return good ? 0 : -EIO;
}

/* Why a write failed, in the word of the disk, whichever of the calls has failed. */
static int reason(int err)
{
    return err == -EIO && errno ? -errno : err;
}

static int write_file(const char *path, const struct table *table, const char *region, int64_t wall_ms)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    struct out o = {fdopen(fd, "w"), XXH3_createState()};
    int err = -ENOMEM;
    if (o.file && o.sum && XXH3_64bits_reset(o.sum) == XXH_OK) {
        errno = 0;
        err = reason(put_all(&o, table, region, wall_ms));
    }
    XXH3_freeState(o.sum);
    if (o.file)
        fclose(o.file);
    else
        close(fd);
    return err;
}

int catalog_format_write(const struct table *table, const char *region, const char *path, int64_t wall_ms)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return -ENAMETOOLONG;
    int err = write_file(temporary, table, region, wall_ms);
    if (!err && rename(temporary, path) < 0)
        err = -errno;
    if (err)
        unlink(temporary);
    return err;
}

/* --- loading --- */

/* Into a catalog, or what this host itself had registered to somebody who wants that. */
struct loading {
    struct catalog *c;
    int64_t now_ns;
    const char *host, *region;
    catalog_format_own_fn *own;
    void *arg;
};

/*
 * A record that was served although its host was never heard of is a foreign one; a record that was not belongs to a
 * host whose lease was gone before. The time of foreign records runs again once the bus is heard.
 */
static int load_record(const struct loading *l, const struct instance_key *key, const struct record *r, bool served)
{
    if (catalog_knows_host(l->c, key->host) || !served)
        return catalog_put(l->c, key, r);
    return catalog_put_foreign(l->c, key, r, (struct foreign_life){.ttl_ns = FOREIGN_TTL_NS}, l->now_ns);
}

static int take_entry(const struct loading *l, const struct instance_key *key, const struct entry *e,
                      const struct discover_endpoint *endpoint, bool served)
{
    struct record r;
    int err = entry_record(e, endpoint, &r);
    if (err)
        return err;
    if (!l->own)
        return load_record(l, key, &r, served) == -ENOMEM ? -ENOMEM : 0;
    l->own(l->arg, key, &r);
    return 0;
}

/*
 * What a host name last resolved to outlives a restart. The address belongs to the name, not to an instance: so it is
 * taken from this host's own records, too.
 */
static int load_address(struct catalog *c, const struct entry *e, const struct discover_endpoint *endpoint)
{
    struct addresses address = addresses_of_endpoint(endpoint);
    if (!e->hostname[0] || !address.families)
        return 0;
    return catalog_set_address(c, e->hostname, &address);
}

static int load_instance(const struct loading *l, const struct table_view *v, uint32_t i)
{
    const uint8_t *bytes;
    size_t n;
    struct entry e;
    struct instance_key key;
    char name[TABLE_KEY_MAX + 1] = "";
    memcpy(name, table_view_key(v), table_key_name_bytes(table_view_key(v), v->key_bytes));
    if (service_parse(name, key.domain, key.service) < 0 || table_view_details(v, i, &bytes, &n) < 0 ||
        entry_read(bytes, n, &e) < 0 || label_copy(key.host, e.host, strlen(e.host)) < 0 ||
        label_copy(key.instance, e.instance, strlen(e.instance)) < 0)
        return -EBADMSG;
    const struct discover_endpoint *endpoint = table_view_endpoint(v, i);
    bool own = strcmp(key.host, l->host) == 0;
    if (l->own)
        return own ? take_entry(l, &key, &e, endpoint, false) : 0;
    int err = load_address(l->c, &e, endpoint);
    return err || own ? err : take_entry(l, &key, &e, endpoint, i < v->n_first);
}

static int load_host(const struct loading *l, const struct table_view *v)
{
    const uint8_t *bytes;
    size_t n;
    struct host_entry e;
    struct lease lease = {0};
    char host[LABEL_CAP];
    if (table_view_details(v, 0, &bytes, &n) < 0 || host_entry_read(bytes, n, &e) < 0 || strlen(e.zone) > LABEL_MAX ||
        strlen(e.region) > LABEL_MAX ||
        label_copy(host, table_view_key(v) + 1, table_key_name_bytes(table_view_key(v), v->key_bytes) - 1) < 0)
        return -EBADMSG;
    if (strcmp(host, l->host) == 0)
        return 0;
    strcpy(lease.zone, e.zone);
    strcpy(lease.region, e.region);
    lease.addresses = e.addresses;
    int err = catalog_set_host(l->c, host, &lease, e.alive, l->now_ns);
    return err == -ENOMEM ? err : 0;
}

static int load_service(const struct loading *l, const struct table_view *v)
{
    int err = 0;
    for (uint32_t i = 0; i < v->n_total && !err; i++)
        err = load_instance(l, v, i);
    return err;
}

typedef int load_fn(const struct loading *l, const struct table_view *v);

static int load_blocks(const struct loading *l, const uint64_t *at, const uint64_t *end, enum table_kind kind,
                       load_fn *fn)
{
    struct table_view v;
    int err = 0;
    table_view_init(&v);
    while (at < end && *at != 0 && !err) {
        uint64_t n = *at++;
        err = n > (uint64_t)(end - at) ? -EBADMSG : table_view_load(&v, at, n);
        if (!err && !table_key_is_of(table_view_key(&v), v.key_bytes, l->region))
            err = -EBADMSG;
        if (!err && v.kind == kind)
            err = fn(l, &v);
        at += n;
    }
    table_view_fini(&v);
    return err;
}

/* The sum is over everything before it, so whatever passes is what some daemon of this version wrote. */
static bool sound(const uint64_t *words, size_t n_bytes)
{
    size_t n = n_bytes / sizeof *words;
    return n_bytes % sizeof *words == 0 && n >= HEAD_WORDS + 2 && words[HEAD_MAGIC] == CATALOG_FILE_MAGIC &&
           words[HEAD_VERSION] == CATALOG_FILE_VERSION && words[n - 2] == 0 &&
           XXH3_64bits(words, n_bytes - sizeof *words) == words[n - 1];
}

static int load(const struct loading *l, const char *path, int64_t *ret_wall_ms)
{
    char *bytes;
    size_t n;
    int err = file_read(path, CATALOG_FILE_MAX, &bytes, &n);
    if (err)
        return err;
    const uint64_t *words = (const uint64_t *)bytes;
    if (!sound(words, n)) {
        err = -EBADMSG;
    } else {
        *ret_wall_ms = (int64_t)words[HEAD_WALL_MS];
        const uint64_t *start = words + HEAD_WORDS, *end = words + n / sizeof *words - 1;
        err = l->own ? 0 : load_blocks(l, start, end, TABLE_HOST, load_host); /* first: who has no host is foreign */
        if (!err)
            err = load_blocks(l, start, end, TABLE_SERVICE, load_service);
    }
    free(bytes);
    return err;
}

int catalog_format_load(struct catalog *c, const char *path, int64_t now_ns, int64_t *ret_wall_ms)
{
    const struct loading l = {.c = c, .now_ns = now_ns, .host = catalog_host(c), .region = catalog_of_region(c)};
    return load(&l, path, ret_wall_ms);
}

int catalog_format_own(const char *path, const char *host, catalog_format_own_fn *fn, void *arg)
{
    int64_t wall_ms;
    return load(&(struct loading){.host = host, .region = "", .own = fn, .arg = arg}, path, &wall_ms);
}

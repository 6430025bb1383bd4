/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structures of the catalog, shared by what fills them (catalog.c) and what writes them into the table
 * (blocks.c). Nobody else includes this.
 */
#ifndef CATALOG_MODEL_H
#define CATALOG_MODEL_H

#include <stddef.h>

#include "daemon/base/deadlines.h"
#include "daemon/base/hash.h"
#include "daemon/catalog/catalog.h"
#include "daemon/catalog/catalog_cursor.h"
#include "daemon/catalog/change_log.h"
#include "daemon/catalog/instance_index.h"
#include "daemon/catalog/served.h"
#include "daemon/catalog/service_order.h"
#include "libdiscover/core/entry.h"

struct host;
struct service;

/* One registered instance. Its details are kept as the table wants them, without the part its host has in common. */
struct instance {
    UT_hash_handle hh; /* in a part of catalog.instances */
    struct service *service;
    struct host *host;
    struct instance *next_of_host, *prev_of_host;
    struct instance *next_changed, *prev_changed;
    uint64_t epoch, counter;
    uint64_t digest;            /* what this version adds to its host's */
    int64_t ttl_ns, expires_ns; /* of a foreign record, which is its own lease; else 0 */
    struct deadline expiry;     /* of one that is linked: not later than expires_ns */
    uint64_t revision;          /* of the record in the bucket; 0: not known */
    int64_t put_ns;             /* when that was put; 0: not known */
    struct instance *instead;   /* what the last snapshot had under its key, though this is newer; linked nowhere */
    uint32_t mark;              /* of the last snapshot that had it */
    uint32_t reached_us;        /* how long its last change took from the server to the table; 0: not known */
    uint32_t reached_error_us;  /* by how much that may be wrong */
    uint32_t rank;              /* in its service's order: less is first */
    uint16_t details_n;
    bool in_order;   /* of its service, by that rank */
    bool changed;    /* in its service's list of those whose place, or page, is to be looked at */
    bool unread;     /* the bucket holds something under its key that cannot be read */
    bool spared;     /* and it was served when that came: it may be of the epoch that its host vouches for by now */
    bool unexported; /* other regions do not fail over to it; */
    bool hidden;     /* and it is counted so in its service */
    bool frozen;     /* a foreign record that was alive when the bus was lost */
    struct discover_endpoint endpoint;
    uint8_t details[];
};

/* What is to be written into the table at the next flush; or could not be, and waits for catalog_flush_again. */
struct dirty {
    struct dirty *next;
    struct dirty *prev; /* of those that wait; NULL: it is not one of them */
    bool queued;
};

struct service {
    UT_hash_handle hh; /* in catalog.services, by name */
    struct dirty dirty;
    struct domain *domain;
    struct service *next_of_domain, *prev_of_domain;
    struct service_order order;
    struct instance *changed; /* since it was last written */
    uint32_t n;
    uint32_t in_order_usable; /* of those in the order */
    uint32_t in_order_hidden; /* of these, those that are not exported */
    uint32_t unexported;      /* instances, usable or not */
    uint32_t usable, hidden;  /* as last written */
    uint64_t index;           /* of its last change */
    bool answer_paged;        /* the pages under the own region's key, for which it answers, are those under its own */
    char name[SERVICE_CAP];
};

struct domain {
    UT_hash_handle hh; /* in catalog.domains, by name */
    struct dirty dirty;
    struct service *services;
    uint32_t n;
    char name[LABEL_CAP];
};

struct host {
    /* What the entries of its instances have in common, and what makes them usable. Writing a service needs this, and no
       more, of each instance's host: it lies in one place, for the time that goes by is that of the memory. */
    uint64_t min_epoch; /* the lease's */
    bool alive;
    uint8_t entry_n;
    uint8_t entry[ENTRY_HOST_MAX];

    UT_hash_handle hh; /* in catalog.hosts, by name */
    struct dirty dirty;
    struct instance *instances;
    struct name_held *names_held; /* the host names they have */
    uint32_t n;                   /* instances, */
    uint32_t marked;              /* and those of them that have the mark */
    uint32_t mark;
    uint32_t records;      /* of them, those the host vouches for, */
    uint64_t digest;       /* and their digest */
    uint64_t lease_digest; /* in its last lease */
    uint32_t differed;     /* how often in a row, with that digest, from what was known here */
    int64_t gone_since_ns; /* 0 while alive */
    bool forget;           /* as soon as it has no instances */
    bool listed;           /* by a lease, not only by instances */
    struct lease lease;
    char name[LABEL_CAP];
};

/* A host name that instances of one host have: hosts have a share of the names. */
struct name_held {
    UT_hash_handle hh; /* in host.names_held, by hostname */
    struct hostname *hostname;
    uint32_t n; /* of its instances */
};

/* A name that instances have instead of an address. */
struct hostname {
    UT_hash_handle hh;  /* in catalog.hostnames, by name */
    struct dirty dirty; /* queued while it is new, or nobody has it any more */
    struct instance **instances;
    uint32_t n, cap;
    bool reported; /* to the one who watches */
    struct addresses address;
    char name[];
};

#define CATALOG_WATCHERS 3

struct service_watcher {
    catalog_service_fn *fn;
    void *arg;
};

/* A service for which another region answers; or this one does. */
struct away {
    UT_hash_handle hh; /* in catalog.away, by name */
    char name[SERVICE_CAP];
};

/* Pages of a large service that are in the table, and not yet of it. */
struct staging {
    struct service *of;  /* NULL: there are none */
    uint64_t generation; /* of the table */
    struct staged_page {
        uint64_t own, answer; /* references; 0: taken, or none. answer: for the key of the own region */
    } * pages;
    uint32_t n, cap;
    uint32_t pieces; /* that may still come */
};

struct catalog {
    struct catalog_options options;
    char host[LABEL_CAP], region[LABEL_CAP], zone[LABEL_CAP];
    char of_region[LABEL_CAP];  /* "": the own one */
    struct table_writer *table; /* options.table, or its own */
    struct instance_index instances;
    struct service *services;
    struct away *away;
    struct away *answering; /* services that it answers for instead of the own region */
    struct domain *domains;
    struct host *hosts;
    struct hostname *hostnames;
    struct service_watcher watchers[CATALOG_WATCHERS];
    struct catalog_cursor *cursors;
    uint64_t went_index; /* when a service went the last time */
    struct change_log changes;
    catalog_hostname_fn *hostname_fn;
    void *hostname_arg;
    struct deadlines foreign;  /* when those whose ttl runs are to be looked at */
    uint32_t mark;             /* of the present snapshot */
    bool read_whole;           /* and it has ended */
    struct host *sweep_host;   /* up to which it has been swept; NULL: all that was to be swept is */
    struct instance *sweep_at; /* the next of that host; NULL: it is done */
    struct dirty *dirty_services, *dirty_domains, *dirty_hosts, *dirty_hostnames;
    struct dirty waiting_services, waiting_domains, waiting_hosts; /* heads of lists */
    uint64_t *body;                                                /* where blocks are put together */
    size_t body_cap;
    struct table_page_parts *pages; /* and pages */
    size_t pages_cap;
    struct staging staging;
    struct catalog_counts counts;
    size_t instance_bytes;
};

static inline struct served_facts instance_facts(const struct instance *i)
{
    return (struct served_facts){.state = i->endpoint.state,
                                 .foreign = i->ttl_ns != 0,
                                 .from_file = i->epoch == 0,
                                 .spared = i->spared,
                                 .host_alive = i->host->alive,
                                 .epoch = i->epoch,
                                 .min_epoch = i->host->min_epoch};
}

static inline bool instance_usable(const struct instance *i)
{
    struct served_facts facts = instance_facts(i);
    return served_by(&facts) == SERVED;
}

/* catalog.c, for hosts.c and flush.c. */
struct host *catalog_host_of(struct catalog *c, const char *name, int *ret_err); /* made if it is not there */
void host_set_lease(struct host *h, const struct lease *lease);
enum discover_tier catalog_tier_of(const struct catalog *c, const struct host *h);
struct instance *catalog_find(const struct catalog *c, const struct instance_key *key);
void catalog_remove_instance(struct catalog *c, struct instance *i);

/* How a record came. */
struct arrival {
    bool in_snapshot;
    struct catalog_origin origin;
    int64_t ttl_ns, expires_ns; /* of a foreign record; else 0 */
};
int catalog_put_record(struct catalog *c, const struct instance_key *key, const struct record *record,
                       struct arrival how);

/* catalog_foreign.c: told of each instance that comes, goes, or has another time; nothing happens to those of hosts. */
int foreign_link(struct catalog *c, struct instance *i); /* -ENOMEM */
void foreign_unlink(struct catalog *c, struct instance *i);
void foreign_will_expire(struct catalog *c, struct instance *i, int64_t expires_ns);

/* Puts what i->instead is in its place. */
void catalog_give_way(struct catalog *c, struct instance *i);

/* catalog_evidence.c */
void instance_confirm(struct catalog *c, struct instance *i); /* the bucket has it */
bool host_is_what_was_read(const struct catalog *c, const struct host *h, const struct lease *lease);
void host_settle(struct catalog *c, struct host *h);
void instance_end(struct catalog *c, struct instance *i); /* it goes, or becomes what was read in its place */

/* catalog_sweep.c: told of each instance that comes to its host's list, has just left it, or was found; and of each host. */
void sweep_linked(struct catalog *c, struct instance *i);
void sweep_unlinked(struct catalog *c, const struct instance *i);
void sweep_mark(struct catalog *c, struct instance *i);
void sweep_host_goes(struct catalog *c, const struct host *h);
bool sweep_is_due(const struct catalog *c);
void sweep_some(struct catalog *c, size_t max); /* instances and hosts */

void catalog_touch(struct dirty **list, struct dirty *d);

/* catalog_changes.c: what is to be written, and told of. */
void instance_changed(struct catalog *c, struct instance *i);
void host_changed(struct catalog *c, struct host *h);
void services_tell(const struct catalog *c, const char *service); /* who watches them */

/* catalog_cursor.c: before these go. */
void cursors_leave_service(const struct catalog *c, const struct service *s);
void cursors_leave_host(const struct catalog *c, const struct host *h);

void catalog_free_service(struct catalog *c, struct service *s);

/* flush.c: one that stays queued. */
void catalog_flush_named(struct catalog *c, struct service *s);

/* catalog_away.c */
void away_free(struct catalog *c);
bool catalog_answers(const struct catalog *c, const char *service); /* for the own region */

/* catalog_limits.c: 0, or the limit that one more instance of another host would break (catalog_limit_text). */
int limit_of_host(const struct catalog *c, const struct host *h, const struct instance *i);
int limit_of_domain(const struct catalog *c, const char *domain); /* of one that a new service is to be of */
int limit_of_service(const struct catalog *c, const struct service *s);

/* The next that is to be written, or NULL. */
struct dirty *catalog_take_dirty(struct dirty **list);
#define OF_DIRTY(type, d) ((struct type *)((char *)(d)-offsetof(struct type, dirty)))

/* hostnames.c */
const char *instance_hostname(const struct instance *i);            /* "" when it has none */
void hostname_resolve(const struct catalog *c, struct instance *i); /* gives it the address that is known */
int hostname_link(struct catalog *c, struct instance *i);           /* whose host is set; -ENOMEM */
/* Whether the name fits into the host's share of names; an instance that goes instead may have one, too, or is NULL. */
bool hostname_fits(const struct catalog *c, const struct host *h, const char *name, const struct instance *instead);
void hostname_unlink(struct catalog *c, const struct instance *i);
void hostnames_flush(struct catalog *c); /* tells of names that came, forgets unused ones */
void hostnames_let_go(struct host *h);   /* of all it holds: it is freed */
void hostnames_free(struct catalog *c);

/* In instance.rank: behind all that are usable. */
#define RANK_UNUSABLE (UINT32_C(1) << 31)

static inline uint32_t rank_usable(uint32_t rank)
{
    return !(rank & RANK_UNUSABLE);
}

static inline size_t words_for(size_t bytes)
{
    return (bytes + 7) / 8;
}

#define BLOCK_KEY_CAP (TABLE_KEY_MAX + 1)

/* The key of a block: its name, with the region behind it where that is another one. Returns its length. */
size_t blocks_key(const struct catalog *c, const char *name, char ret_key[static BLOCK_KEY_CAP]);
/* The same of a service, whose key may be left to others (catalog_set_away). */
size_t blocks_service_key(const struct catalog *c, const char *name, char ret_key[static BLOCK_KEY_CAP]);
int blocks_reserve(struct catalog *c, size_t words); /* of catalog.body; -ENOMEM */
int blocks_drop_key(struct catalog *c, const char *key, size_t n);
int blocks_drop(struct catalog *c, const char *name); /* 1 when there was something */

/* A service of no more instances is one block: about as much to write as the pages that a change may touch. */
#define WHOLE_MAX 64

/* service_blocks.c: puts so many of those that have changed into their places; lays a page out in c->body. -ENOMEM. */
int service_settle(struct service *s, size_t max);
void service_drop(struct service *s, struct instance *i); /* it is none of its instances any more */
int blocks_lay_page(struct catalog *c, struct order_page *p, uint64_t *ret_words);

/* service_staging.c: pages that are written ahead; a put has taken this one, and one under the other key, too (answered); no put is
   to come: all others are given back. */
void staging_took(struct catalog *c, struct order_page *p, bool answered);
void staging_end(struct catalog *c);

/* Looks whether pages of it are staged and still there. */
bool staging_of(struct catalog *c, const struct service *s);

/* It answers for the own region with all that it has: under that one's key are the same pages. */
bool blocks_answer_alike(const struct catalog *c, const struct service *s);

/* blocks.c, service_blocks.c: each writes one block, or removes it when nothing is left. 0, 1 when the table changed, or negative. */
int blocks_write_service(struct catalog *c, struct service *s);
/*
 * A piece (some 50 us) of what comes before the first, where that would take long: a large service of which much has
 * changed. True: nothing does any more.
 */
bool blocks_write_ahead(struct catalog *c, struct service *s);

void blocks_forget_pages(struct service *s); /* none of them is under the key that it is to be written under */
int blocks_write_domain(struct catalog *c, struct domain *d);
int blocks_write_host(struct catalog *c, struct host *h);

#endif

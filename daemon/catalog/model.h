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
#include "daemon/catalog/instance_index.h"
#include "daemon/catalog/served.h"
#include "daemon/catalog/service_labels.h"
#include "daemon/catalog/service_order.h"
#include "libdiscover/core/entry.h"

struct host;
struct service;

/*
 * One registered instance. Its details are kept as the table wants them, without the part its host has in common. What is
 * needed to find it and to write it lies together at the end: instances lie all over the heap, and the time that goes by
 * is that of the memory.
 */
struct instance {
    struct service *service;
    struct instance *next_of_host, *prev_of_host;
    struct instance *next_changed, *prev_changed;
    uint64_t digest; /* what this version adds to its host's */
    int64_t due_ns;  /* when ttl_ns runs out, on the clock of struct foreign_clock, unless it was extended since */
    struct deadline expiry;    /* of one that is linked: not later than that */
    uint64_t revision;         /* of the record in the bucket; 0: not known */
    int64_t put_ns;            /* when that was put; 0: not known */
    struct instance *instead;  /* what the last snapshot had under its key, though this is newer; linked nowhere */
    uint32_t mark;             /* of the last snapshot that had it */
    uint32_t outages;          /* foreign_clock.outages when it was last put */
    uint32_t reached_us;       /* how long its last change took from the server to the table; 0: not known */
    uint32_t reached_error_us; /* by how much that may be wrong */
    uint64_t epoch, counter;
    int64_t ttl_ns;                  /* of a foreign record, which is its own lease; else 0 */
    struct instance *next_of_bucket; /* in catalog.instances */
    struct host *host;
    uint32_t rank; /* in its service's order: less is first */
    uint16_t details_n;
    bool in_order : 1;   /* it is in its service's order, by that rank */
    bool changed : 1;    /* in its service's list of those whose place, or page, is to be looked at */
    bool unread : 1;     /* the bucket holds something under its key that cannot be read; */
    bool spared : 1;     /* and it was served when that came: it may be of the epoch that its host vouches for by now */
    bool unexported : 1; /* other regions do not fail over to it; */
    bool hidden : 1;     /* and it is counted so in its service */
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
    struct service_order order;
    struct service_labels labels;
    struct instance *changed; /* since it was last written */
    uint32_t n;
    uint32_t in_order_usable; /* of those in the order */
    uint32_t in_order_hidden; /* of these, those that are not exported */
    uint32_t unexported;      /* instances, usable or not */
    uint32_t usable, hidden;  /* as last written */
    uint64_t index;           /* of its last change */
    bool answer_paged;        /* the pages under the own region's key, for which it answers, are those under its own */
    struct service *next_of_domain, *prev_of_domain; /* beside the name: a domain's block is made of these */
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
    uint32_t n;        /* instances, */
    uint32_t marked;   /* and those of them that have the mark */
    uint32_t mark;
    struct dirty dirty;
    struct instance *instances;
    struct name_held *names_held; /* the host names they have */
    uint32_t records;             /* of them, those the host vouches for, */
    uint64_t digest;              /* and their digest */
    uint64_t lease_digest;        /* in its last lease */
    uint32_t differed;            /* how often in a row, with that digest, from what was known here */
    struct dirty touched;         /* all its instances are to be gone through, */
    struct instance *touched_at;  /* and this is the next one */
    struct host *next_gone, *prev_gone;
    int64_t gone_since_ns; /* 0 while alive */
    bool is_gone;          /* one of catalog.gone */
    bool ending;           /* its instances are forgotten, and then it */
    bool forget;           /* as soon as it has no instances */
    bool listed;           /* by a lease, not only by instances */
    struct lease lease;
    char name[LABEL_CAP];
};

/* Whether it has records of its own, and no lease. */
static inline bool host_is_unheard(const struct host *h)
{
    return h->records > 0 && !h->listed;
}

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
    size_t n, cap;
    bool reported; /* to the one who watches */
    struct addresses address;
    char name[];
};

#define CHANGE_LOG_SIZE 32768 /* a power of two; of a busy fleet (1,000 changes a second) half a minute */

/* The last changes, by number. */
struct change_log {
    uint64_t before, last; /* last: number of the latest; before: of the latest before this life */
    uint64_t ids[CHANGE_LOG_SIZE];
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
    uint32_t n;
    size_t cap;
    uint32_t pieces, piece_pages; /* pieces that were staged so far, and pages of each */
};

/* When foreign records run out. */
struct foreign_clock {
    struct deadlines due; /* when those whose TTL runs are to be looked at */
    int64_t behind_ns;    /* by which their clock is behind the daemon's: time that did not count */
    uint32_t outages;     /* of the bus, up to now: what is older than the last one is frozen, */
    bool frozen;          /* while that lasts */
    uint32_t extended;    /* records put before the outage of this number have their whole TTL */
    int64_t extended_ns;  /* from then on, on their clock */
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
    struct foreign_clock foreign;
    uint32_t mark;             /* of the present snapshot, */
    size_t marked;             /* and how many instances have it */
    bool read_whole;           /* and it has ended */
    struct host *sweep_host;   /* up to which it has been swept; NULL: all that was to be swept is */
    struct instance *sweep_at; /* the next of that host; NULL: it is done */
    struct host
        *gone; /* those that are listed and not alive, first those that went first; but the ones that are ending */
    struct dirty *touched_hosts;
    struct dirty *dirty_services, *dirty_domains, *dirty_hosts, *dirty_hostnames;
    struct dirty waiting_services, waiting_domains, waiting_hosts, waiting_hostnames; /* heads of lists */
    uint64_t *body; /* where blocks are put together */
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

/* hosts.c, catalog.c: by name; NULL: not there. */
struct host *host_find(const struct catalog *c, const char *name);
struct service *service_find(const struct catalog *c, const char *name);

/* catalog.c, for hosts.c and flush.c. */
void host_touch_some(struct catalog *c, struct host *h,
                     size_t max);                        /* instances of one of c->touched_hosts, which was taken */
void host_end_if_due(struct catalog *c, struct host *h); /* nothing is left to keep it listed */
struct host *catalog_host_of(struct catalog *c, const char *name, int *ret_err); /* made if it is not there */
void host_set_lease(struct host *h, const struct lease *lease);
enum discover_tier catalog_tier_of(const struct catalog *c, const struct host *h);
struct instance *catalog_find(const struct catalog *c, const struct instance_key *key);
struct instance_key instance_key_of(const struct instance *i);
void catalog_remove_instance(struct catalog *c, struct instance *i);
/* It goes, or becomes what was read in its place (instead). */
void instance_end(struct catalog *c, struct instance *i);

/* How a record came. */
struct arrival {
    bool in_snapshot;
    struct catalog_origin origin;
    int64_t ttl_ns, expires_ns; /* of a foreign record; else 0 */
};
int catalog_put_record(struct catalog *c, const struct instance_key *key, const struct record *record,
                       struct arrival how);

/* catalog_foreign.c: called for each instance that arrives, comes to the catalog, leaves it, or is put again; nothing happens
   to those of hosts, whose ttl_ns is 0. */
void foreign_arrived(const struct catalog *c, struct instance *i, int64_t ttl_ns, int64_t expires_ns);
int foreign_link(struct catalog *c, struct instance *i); /* -ENOMEM */
void foreign_unlink(struct catalog *c, struct instance *i);
void foreign_renew(struct catalog *c, struct instance *i, const struct instance *by);
int64_t foreign_expires_ns(const struct catalog *c, const struct instance *i); /* 0: one of a host */
bool foreign_is_frozen(const struct catalog *c, const struct instance *i);

/* catalog_evidence.c */
void instance_confirm(struct catalog *c, struct instance *i); /* the bucket has it */
bool host_is_what_was_read(const struct catalog *c, const struct host *h, const struct lease *lease);
void host_settle(struct catalog *c, struct host *h);

/* catalog_sweep.c: called for each instance that comes to its host's list, has just left it, or was found; and of each host. */
void sweep_linked(struct catalog *c, struct instance *i);
void sweep_unlinked(struct catalog *c, const struct instance *i);
void sweep_mark(struct catalog *c, struct instance *i);
void sweep_host_goes(struct catalog *c, const struct host *h);
void sweep_some(struct catalog *c, size_t max); /* instances and hosts */

void catalog_touch(struct dirty **list, struct dirty *d);

/* catalog_changes.c: what is to be written, and of what clients are notified. */
void change_note(struct catalog *c, uint64_t id); /* numbers it, no more */
void instance_changed(struct catalog *c, struct instance *i);
void host_changed(struct catalog *c, struct host *h);
void services_notify(const struct catalog *c, const char *service); /* who watches them */

/* catalog_cursor.c: called before a service, or a host, goes. */
void cursors_leave_service(const struct catalog *c, const struct service *s);
void cursors_leave_host(const struct catalog *c, const struct host *h);

void catalog_free_service(struct catalog *c, struct service *s);

/* flush.c: writes one service now; it stays queued. */
void catalog_flush_named(struct catalog *c, struct service *s);

/* catalog_away.c */
void away_free(struct catalog *c);
bool catalog_answers(const struct catalog *c, const char *service); /* for the own region */

/* catalog_limits.c: 0, or the limit that one more instance of another host would break (catalog_limit_text). */
int limit_of_host(const struct catalog *c, const struct host *h, const struct instance *i);
/* Of the domain that a new service is to be of. */
int limit_of_domain(const struct catalog *c, const char *domain, const struct host *h);
int limit_of_service(const struct catalog *c, const struct service *s, const struct host *h);

/* The next that is to be written, or NULL. */
struct dirty *catalog_take_dirty(struct dirty **list);
void catalog_wait(struct dirty *list, struct dirty *d); /* until it is touched; it must not be queued */
#define OF_DIRTY(type, d)   ((struct type *)((char *)(d)-offsetof(struct type, dirty)))
#define OF_TOUCHED(type, d) ((struct type *)((char *)(d)-offsetof(struct type, touched)))

/* hostnames.c */
const char *instance_hostname(const struct instance *i);            /* "" when it has none */
void hostname_resolve(const struct catalog *c, struct instance *i); /* gives it the address that is known */
int hostname_link(struct catalog *c, struct instance *i);           /* whose host is set; -ENOMEM */
/* Whether the name fits into the host's share of names; an instance that goes instead may have one, too, or is NULL. */
bool hostname_fits(const struct catalog *c, const struct host *h, const char *name, const struct instance *instead);
void hostname_unlink(struct catalog *c, const struct instance *i);
void hostnames_flush(struct catalog *c); /* reports names that came, forgets unused ones */
void hostnames_let_go(struct host *h);   /* of all it holds: it is freed */
void hostnames_free(struct catalog *c);

/* In instance.rank: behind all that are usable. */
#define RANK_UNUSABLE (UINT32_C(1) << 31)

static inline uint32_t rank_usable(uint32_t rank)
{
    return !(rank & RANK_UNUSABLE);
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

static inline bool page_is_unwritten(const struct order_page *p)
{
    return p->dirty || (p->kept == TABLE_PAGE_NEW && !p->staged);
}

/* As it is now. */
static inline bool page_is_staged(const struct order_page *p)
{
    return p->staged && !p->dirty;
}

/* service_staging.c: pages that are written ahead; a put has taken this one, and one under the other key, too (answered); no put is
   to come: all others are given back. */
void staging_took(struct catalog *c, struct order_page *p, bool answered);
void staging_end(struct catalog *c);

/* Looks whether pages of it are staged and still there. */
bool staging_of(struct catalog *c, const struct service *s);

/* Whether the service answers for the own region with all its instances, so that the same pages lie under both keys. */
bool blocks_answer_alike(const struct catalog *c, const struct service *s);

/* blocks.c, service_blocks.c: each writes one block, or removes it when nothing is left. 0, 1 when the table changed, or negative. */
int blocks_write_service(struct catalog *c, struct service *s);
/*
 * A piece (some 50 us) of the work before a service's block can be written, where that is much: a large service of
 * which much has changed. True: nothing of it is left.
 */
bool blocks_write_ahead(struct catalog *c, struct service *s);

void blocks_forget_pages(struct service *s); /* none of them is under the key that it is to be written under */
int blocks_write_domain(struct catalog *c, struct domain *d);
int blocks_write_host(struct catalog *c, struct host *h);

#endif

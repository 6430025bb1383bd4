/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All instances of all hosts as this host knows them, and which of them are served. Main thread only; pure: what is
 * known comes in by calls, what is served goes out into the shared table (table_writer.h).
 *
 * Calls change the catalog; catalog_flush writes what they changed, once for each service however many calls there
 * were. Nothing is visible to readers before it.
 *
 * An instance is served (usable) when its state is passing or warning, its host is alive, and its epoch is not older
 * than its host's min_epoch. Whether a host is alive is decided elsewhere (daemon/sync) and set here.
 *
 * Each region has a catalog of its own, all may write into one table: names of another region stand there with that region
 * behind them, and none of its hosts is this one.
 *
 * An instance may have a host name instead of addresses. What those names resolve to is found out elsewhere, too
 * (daemon/resolver): the catalog reports which names it holds, is given their addresses, and serves them.
 */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/catalog/table_writer.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/record.h"

struct catalog;

struct catalog_options {
    const char *host, *region, *zone; /* this host: always alive, and where nearness is counted from */
    const char *of_region;            /* whose instances these are, where it is another region; else NULL */
    struct table_writer *table;       /* to write into one that others write into as well; NULL: into one of its own */
    uint64_t table_words;             /* words of the first segment of a table of its own */
    uint64_t first_index;             /* changes are numbered from here on (catalog_changes.h) */
    size_t hosts_max, services_max, instances_per_host_max;
    size_t hostnames_per_host_max, instances_max, instances_per_service_max, services_per_domain_max; /* 0: no limit */
};

struct catalog_counts {
    size_t hosts, hosts_alive, services, instances, usable;
    size_t hosts_unheard;   /* that have records of their own, and no lease */
    uint64_t refused_limit; /* puts refused because of a limit */
    uint64_t ignored_old;   /* puts that were not newer than what is known */
    uint64_t flush_errors;  /* blocks that could not be written: the old ones stay, and these wait */
    int flush_error;        /* why, the last time: a negative errno */
    size_t bytes;           /* of what is known, without the table */
};

/* Strings are copied. -ENOMEM, or a negative errno. */
int catalog_new(const struct catalog_options *options, table_moved_fn *moved, void *arg, struct catalog **ret_c);
void catalog_free(struct catalog *c);

/*
 * Takes a record unless what is known of that key is newer by (epoch, counter). 0: taken; 1: known already;
 * -ESTALE: older; -EUSERS, -E2BIG, -EDQUOT, -EMLINK, -ENFILE, -ENOBUFS, -EXFULL: a limit,
 * none of which binds this host: it is limited where it registers; -EEXIST: its id is another instance's; -ENOMEM.
 */
int catalog_put(struct catalog *c, const struct instance_key *key, const struct record *record);

/* Which limit a result of catalog_put means, or NULL: it means none. */
const char *catalog_limit_text(int err);

/* Where a record was found: its revision in the bucket, and when it was put, on our clock. */
struct catalog_origin {
    uint64_t revision;
    int64_t put_ns;
};

/*
 * As catalog_put, for a record whose origin is known. If a snapshot of the bucket has it in an older version than what
 * is known, or in the same version with other contents, then what is known stays, but counts as not found by the
 * snapshot.
 */
int catalog_put_from(struct catalog *c, const struct instance_key *key, const struct record *record, bool in_snapshot,
                     const struct catalog_origin *origin);

/*
 * The bucket holds something under the key that cannot be read, or is not its owner's. That says nothing of the
 * instance: it stays while its host lives and vouches for it.
 */
void catalog_unreadable(struct catalog *c, const struct instance_key *key);

/* How long a foreign record (foreign.h) lives, and how much of that is over, by the server's clock. */
struct foreign_life {
    int64_t ttl_ns, age_ns;
    bool in_snapshot;
};

/*
 * As catalog_put, for a foreign record, which depends on no host: it is served until now_ns + ttl_ns - age_ns. One
 * that arrives when its time is over is not taken: 1. -EPERM: the host of the key has a daemon, so the key is that
 * daemon's; what is known stays.
 */
int catalog_put_foreign(struct catalog *c, const struct instance_key *key, const struct record *record,
                        struct foreign_life life, int64_t now_ns);

/*
 * Removes foreign records whose time is over, a few hundred a call. heard_ns: all that was put until then has been
 * read, so records that ran out later may have been put again and stay for now. Returns when to call again: at once
 * when there are more, or some that wait for a later heard_ns; INT64_MAX: there are none.
 */
int64_t catalog_expire(struct catalog *c, int64_t heard_ns, int64_t now_ns);

/* Gives every foreign record ns more to live: so long this process did not run, and read nothing. */
void catalog_postpone(struct catalog *c, int64_t ns);

/*
 * From now on nobody can hear whether foreign records are put: those that are known now are frozen. catalog_extend, when
 * that is over, gives them their whole time again. false: what was taken for an outage was none.
 */
void catalog_freeze(struct catalog *c, bool frozen);
void catalog_extend(struct catalog *c, int64_t now_ns);

/* Removes an instance; no error if it is not there. */
void catalog_remove(struct catalog *c, const struct instance_key *key);

/*
 * Mark and sweep: with sweep, instances of other hosts that were not found between begin and end are removed by the
 * flushes after the end, or become what was found in their place. Not if the lease of a live host vouches for them. Without an end (the snapshot
 * broke off) nothing is removed.
 */
void catalog_snapshot_begin(struct catalog *c);
void catalog_snapshot_end(struct catalog *c, bool sweep);

/* A snapshot will bring so many: makes room for them in the table, before there is much to be moved for it. */
void catalog_expect(struct catalog *c, uint64_t instances);

/* How many instances of other hosts would be removed if the snapshot ended now. */
size_t catalog_unmarked(const struct catalog *c);

/* What is known of a host. -EUSERS: too many; -ENOMEM. */
int catalog_set_host(struct catalog *c, const char *host, const struct lease *lease, bool alive, int64_t now_ns);

/* Whether the host is known by a lease or from the catalog file, not only by its instances. */
bool catalog_knows_host(const struct catalog *c, const char *host);

/* Whether the last catalog_set_host said that it lives. */
bool catalog_host_alive(const struct catalog *c, const char *host);

/*
 * Calls fn for each other host that is alive as far as is known, which is from an old file only: its lease is of epoch 0,
 * and has no TTL. fn may call catalog_set_host for that host.
 */
typedef void catalog_remembered_fn(void *arg, const char *host, const struct lease *lease);
void catalog_each_remembered(const struct catalog *c, catalog_remembered_fn *fn, void *arg);

/*
 * Forgets hosts, with their instances, that have not been alive since before_ns: nothing reports when the bucket lets go of
 * what they had there. A few hundred instances a call, to be called each second: clients were notified of their end long ago.
 */
void catalog_forget_gone(struct catalog *c, int64_t before_ns);

/* A host that is not alive is forgotten by the next catalog_forget_gone that finds no instances of it. */
void catalog_forget(struct catalog *c, const char *host);

/*
 * Compares what is known of a host with what its lease says (digest.h), which has just come through the live feed.
 * False when they differ for the second time with the same digest: the records are not merely still under way, they are
 * missing. From then on ever more rarely (the 4th, 8th, ... time): if reading all again did not help, some of them are
 * refused here. When the lease says just what the last snapshot found, and differs for the second time, then all else is
 * removed.
 */
bool catalog_agrees(struct catalog *c, const char *host, const struct lease *lease);

/*
 * Calls fn for every host name that instances have instead of an address, now and, from a flush, whenever one comes
 * (held) or the last instance with it has gone. address: the last one known. fn must not call the catalog, and says
 * false of a name for which it has no room: it is called with it again when another one has gone. NULL: no longer.
 */
typedef bool catalog_hostname_fn(void *arg, const char *hostname, bool held, const struct addresses *address);
void catalog_watch_hostnames(struct catalog *c, catalog_hostname_fn *fn, void *arg);

/*
 * What a host name resolves to from now on, for all instances that have it. One that no instance has is remembered
 * until the next flush. -ENOMEM.
 */
int catalog_set_address(struct catalog *c, const char *hostname, const struct addresses *address);

/* Whether just those records of a host are known here that its lease counts. */
bool catalog_has_all(const struct catalog *c, const char *host, const struct lease *lease);

/* As catalog_has_all, but leaves aside the host's records that are older than the lease's min_epoch. */
bool catalog_has_vouched(const struct catalog *c, const char *host, const struct lease *lease);

/* Whether fewer records of the host are known here than its lease counts. Others may be: the host may have put some since. */
bool catalog_has_fewer(const struct catalog *c, const char *host, const struct lease *lease);

/*
 * Whether the limit on host names allows an instance of this host to have that one; for other hosts catalog_put checks
 * it.
 */
bool catalog_hostname_fits(const struct catalog *c, const char *hostname);
/*
 * Calls fn for every service of which the table says something else than before, from catalog_flush and
 * catalog_flush_service. fn must not call the catalog. "": something is new about a host. There
 * may be two who watch, distinguished by arg; fn NULL: no longer.
 */
typedef void catalog_service_fn(void *arg, const char *service);
void catalog_watch_services(struct catalog *c, catalog_service_fn *fn, void *arg);

/*
 * Another region answers for that service from now on, or does not any more: what this catalog has of it is written under
 * its name with the own region behind it, and its own key is left to who writes there. Not any more: at the next flush it has
 * its own key again, and if there is nothing of it here, that is removed. -ENOMEM.
 */
int catalog_set_away(struct catalog *c, const char *service, bool away);

/*
 * In the catalog of another region: it answers for that service from now on, or does not any more. What it exports of it is
 * under the own region's key as well as under its own, now and with each change; nothing, if it has none. Not any more: what
 * is there is left to who writes there next. -ENOMEM, or as table_writer_put: to be called again.
 */
int catalog_set_answering(struct catalog *c, const char *service, bool answers);

/* Usable instances of a service, as last written; and those of them that it exports. */
size_t catalog_usable_count(const struct catalog *c, const char *service);
size_t catalog_exported_count(const struct catalog *c, const char *service);

/* Whether there are instances of it, usable or not. */
bool catalog_knows_service(const struct catalog *c, const char *service);

/* Writes what changed into the table. Returns how many blocks were written or removed. */
size_t catalog_flush(struct catalog *c);

/*
 * Entries that could not be written, for want of memory or of a descriptor, wait. Whether there are any; how many; and
 * catalog_flush_again: they are tried again at the next flush, returns how many.
 */
bool catalog_is_unwritten(const struct catalog *c);
size_t catalog_unwritten(const struct catalog *c);
size_t catalog_flush_again(struct catalog *c);
/*
 * The same in pieces: at most so many blocks, or the next part of a large service; whether there are more to write; and
 * whether there is more to do, which may also be that what is written moves to a larger segment.
 */
size_t catalog_flush_some(struct catalog *c, size_t max_blocks);
bool catalog_is_dirty(const struct catalog *c);
bool catalog_has_work(const struct catalog *c);

/* Writes the service of one key, for a change that must be seen at once while others may wait for the next flush. */
void catalog_flush_service(struct catalog *c, const struct instance_key *key);

struct table_writer *catalog_table(struct catalog *c);
const char *catalog_host(const struct catalog *c);      /* the name of this host; "" in the catalog of another region */
const char *catalog_of_region(const struct catalog *c); /* the name of that; "" in the own one's */
struct catalog_counts catalog_counts(const struct catalog *c);

#endif

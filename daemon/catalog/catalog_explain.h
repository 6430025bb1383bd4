/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog knows of an instance, a service or a host beside what it serves of it: for people. Main thread; pure. */
#ifndef CATALOG_CATALOG_EXPLAIN_H
#define CATALOG_CATALOG_EXPLAIN_H

#include "daemon/catalog/catalog_read.h"
#include "daemon/catalog/served.h"

struct catalog_explained {
    struct served_facts facts;
    enum served served; /* the rule that follows from these facts */
    uint64_t counter;
    uint64_t revision;         /* of its record in the bucket; 0: not known */
    int64_t put_ns;            /* when that was put, on our clock; 0: not known */
    uint32_t reached_us;       /* how long it took from the server to the table; 0: not known ... */
    uint32_t reached_error_us; /* ... and by how much that may be wrong */
    int64_t expires_ns;        /* of a foreign record */
    bool frozen;               /* it does not run out while the bus is lost */
    bool unreadable;           /* the bucket holds something under its key that cannot be read */
    bool host_listed;          /* its host is known by a lease or from the catalog file */
    struct instance_key key;   /* the instance's names */
    struct catalog_instance instance;
};

/* -ENOENT. */
int catalog_explain(const struct catalog *c, uint64_t id, struct catalog_explained *ret_explained);

/*
 * Notes how long an instance's last change took from the server to the table, and by how much that may be wrong. Does
 * nothing if the instance has gone.
 */
void catalog_set_reached(struct catalog *c, uint64_t id, int64_t took_ns, int64_t error_ns);

/* Whether the instance is known, and has that name. */
bool catalog_is_named(const struct catalog *c, uint64_t id, const char *instance);

struct catalog_service_counts {
    size_t instances, usable;
};

/* -ENOENT: nobody has registered such a service. */
int catalog_count_service(const struct catalog *c, const char *service, struct catalog_service_counts *ret_counts);

/* The ids of at most max instances of a service: half of them, or more, of those that are out, the others in order. Returns how many. */
size_t catalog_some_ids(const struct catalog *c, const char *service, size_t max, uint64_t *ret_ids);

/* The endpoints of at most max usable instances, in the order of the table. Returns how many. */
size_t catalog_usable(const struct catalog *c, const char *service, size_t max,
                      struct discover_endpoint *ret_endpoints);

/* How many of a service pick goes to first, all of them of one priority and tier, of which *ret_first is one; at most max are
   counted. 0: none is usable. */
size_t catalog_first_group(const struct catalog *c, const char *service, size_t max,
                           struct discover_endpoint *ret_first);

/* The ids of at most max instances of a host. Returns how many; *ret_total: how many there are. */
size_t catalog_ids_of_host(const struct catalog *c, const char *host, size_t max, uint64_t *ret_ids, size_t *ret_total);

/* Calls fn for at most max services, or hosts, in no order, until it returns false. */
typedef bool catalog_name_fn(void *arg, const char *name, const struct catalog_service_counts *counts);
void catalog_each_service(const struct catalog *c, size_t max, catalog_name_fn *fn, void *arg);

/* usable: those of a host that is not alive are none. */
void catalog_each_host(const struct catalog *c, size_t max, catalog_name_fn *fn, void *arg);

#endif

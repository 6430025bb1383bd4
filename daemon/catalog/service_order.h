/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instances of one service in the order of its answers, by rank and id, in pages: so that one of them changing moves
 * a page's worth of others and not all, here and in the shared table, where the pages of a large service lie one by one.
 * Pure; main thread.
 */
#ifndef CATALOG_SERVICE_ORDER_H
#define CATALOG_SERVICE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/* A page is written whole: that of a service of 10,000 has to take no longer than what leads to it, and comes after. */
#define ORDER_PAGE_MAX 32

struct instance;

struct order_page {
    struct instance **instances;
    uint32_t kept;           /* its number in the table, or TABLE_PAGE_NEW */
    uint32_t largest_weight; /* of what is there, or staged */
    uint32_t staged; /* its place in catalog.staging, from 1 on; 0: none. Of a dirty one, what it was before is there */
    uint32_t labels_round; /* of the service's labels, the last in which those of all its instances were added */
    uint16_t n, cap;
    bool dirty; /* differs from what is there, and from what is staged */
};

struct service_order {
    struct order_page *pages; /* none is empty, and no two neighbours could as well be one half full page */
    uint32_t n, cap;
};

/* By the instance's rank, which must stay what it is as long as the instance is in it. -ENOMEM: it is not. */
int service_order_add(struct service_order *o, struct instance *i);
void service_order_remove(struct service_order *o, struct instance *i);

/* It is where it was, and something else of it has changed. */
void service_order_touch(struct service_order *o, const struct instance *i);

/* Frees the pages; the instances are the caller's. */
void service_order_fini(struct service_order *o);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A catalog and a client of it in one process, without a daemon. Whatever fails ends the program. */
#ifndef BENCH_LIB_CLIENT_H
#define BENCH_LIB_CLIENT_H

#include <stdbool.h>

#include "daemon/catalog/catalog.h"
#include "discover/discover.h"

void check(bool ok, const char *what);

/* "shop/payment" with n usable instances on the own host, live. */
struct catalog *make_catalog(size_t n);

/* Adds instance i, or changes it. */
void put_instance(struct catalog *c, size_t i, uint64_t counter);

struct discover *connect_client(struct catalog *c);

/* Sorts ns. */
double quantile(double *ns, size_t n, double share);

#endif

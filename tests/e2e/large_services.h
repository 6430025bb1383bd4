/* SPDX-License-Identifier: Apache-2.0 */
/* Services that take up much of a table: each has one instance, of more than 4 KiB. Fails the test when it fails. */
#ifndef E2E_LARGE_SERVICES_H
#define E2E_LARGE_SERVICES_H

#include "tests/support/host.h"
#include "tests/support/kv.h"

/* Puts n of them, "shop/s0" and so on, on hosts that have no lease. */
void large_services_put(struct kv *kv, int n);

/* How many services a host knows of, or -1. */
int services_known(struct host *h);

#endif

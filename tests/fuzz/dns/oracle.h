/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of every reply, whatever the query and the catalog; aborts where it does not. */
#ifndef FUZZ_DNS_ORACLE_H
#define FUZZ_DNS_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "tests/unit/dns/reply.h"

/* Reads the reply, which is valid until the next call. Not for n = 0. */
const struct reply *oracle_check(const uint8_t *query, size_t query_n, const uint8_t *bytes, size_t n, size_t limit);

/* Whether the query is one that must have no reply. */
bool oracle_ignores(const uint8_t *query, size_t n);

#endif

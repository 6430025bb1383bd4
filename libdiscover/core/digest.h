/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a host's records: the XOR over all of them of a hash of (key, epoch, counter). It is kept up to
 * date with one XOR for what leaves and one for what comes, and shows where writer and readers hold different
 * sets, or different versions of the same. Pure; any thread.
 */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include <stdint.h>

#include "libdiscover/core/label.h"

/* What one record adds to its host's digest. The same on every machine. */
uint64_t record_digest(const struct instance_key *key, uint64_t epoch, uint64_t counter);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A hash that differs from process to process. */
#include "daemon/base/hash.h"

#include <string.h>
#include <sys/auxv.h>

#include "libdiscover/core/table_label.h"

/* The kernel gives each process 16 random bytes, at no cost; the first eight are the stack protector's. */
uint64_t hash_seed(void)
{
    const char *random = (const char *)getauxval(AT_RANDOM);
    uint64_t seed = 0;
    if (random)
        memcpy(&seed, random + sizeof seed, sizeof seed);
    return seed;
}

uint64_t hash_bytes(const void *bytes, size_t n)
{
    return table_hash_seeded(hash_seed(), bytes, n);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a host's records. */
#include "libdiscover/core/digest.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static char *put_le64(char *at, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        *at++ = (char)(v >> 8 * i);
    return at;
}

uint64_t record_digest(const struct instance_key *key, uint64_t epoch, uint64_t counter)
{
    char bytes[KEY_CAP + 16];
    instance_key_format(key, bytes);
    char *at = bytes + strlen(bytes);
    at = put_le64(at, epoch);
    at = put_le64(at, counter);
    return XXH3_64bits(bytes, (size_t)(at - bytes));
}

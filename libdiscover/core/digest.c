/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a host's records. */
#include "libdiscover/core/digest.h"

#include <endian.h>
#include <string.h>

#include "libdiscover/core/table_reader.h"

uint64_t record_digest(const struct instance_key *key, uint64_t epoch, uint64_t counter)
{
    const uint64_t version[] = {htole64(epoch), htole64(counter)};
    char bytes[KEY_CAP + sizeof version];
    instance_key_format(key, bytes);
    size_t n = strlen(bytes);
    memcpy(bytes + n, version, sizeof version);
    return table_hash(bytes, n + sizeof version);
}

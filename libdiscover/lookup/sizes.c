/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of the public structures (discover.h). */
#include "discover/discover.h"

#define SIZE_OF(name)                                                                                                  \
    size_t discover_sizeof_##name(void)                                                                                \
    {                                                                                                                  \
        return sizeof(struct discover_##name);                                                                         \
    }

SIZE_OF(answer)
SIZE_OF(bucket)
SIZE_OF(change)
SIZE_OF(check)
SIZE_OF(checks)
SIZE_OF(counter)
SIZE_OF(difference)
SIZE_OF(endpoint)
SIZE_OF(failover_info)
SIZE_OF(host)
SIZE_OF(instance)
SIZE_OF(override_info)
SIZE_OF(pair)
SIZE_OF(refusal)
SIZE_OF(region)
SIZE_OF(reload_result)
SIZE_OF(status)
SIZE_OF(top_writer)

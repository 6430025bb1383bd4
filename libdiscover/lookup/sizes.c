/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of the public structures (discover.h). */
#include "discover/discover.h"

size_t discover_sizeof_endpoint(void)
{
    return sizeof(struct discover_endpoint);
}

size_t discover_sizeof_instance(void)
{
    return sizeof(struct discover_instance);
}

size_t discover_sizeof_host(void)
{
    return sizeof(struct discover_host);
}

size_t discover_sizeof_pair(void)
{
    return sizeof(struct discover_pair);
}

size_t discover_sizeof_difference(void)
{
    return sizeof(struct discover_difference);
}

size_t discover_sizeof_change(void)
{
    return sizeof(struct discover_change);
}

size_t discover_sizeof_status(void)
{
    return sizeof(struct discover_status);
}

size_t discover_sizeof_answer(void)
{
    return sizeof(struct discover_answer);
}

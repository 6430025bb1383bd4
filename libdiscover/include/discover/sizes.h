/* SPDX-License-Identifier: Apache-2.0 */
/* The sizes of the public structures. Included by discover/discover.h. */
#ifndef DISCOVER_SIZES_H
#define DISCOVER_SIZES_H

#include <stddef.h>

#include <discover/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sizes of the structures, for bindings: a library that is newer than a binding may have larger ones, whose known
 * members stay where they are. [any thread]
 */
DISCOVER_API size_t discover_sizeof_answer(void);
DISCOVER_API size_t discover_sizeof_bucket(void);
DISCOVER_API size_t discover_sizeof_change(void);
DISCOVER_API size_t discover_sizeof_check(void);
DISCOVER_API size_t discover_sizeof_checks(void);
DISCOVER_API size_t discover_sizeof_counter(void);
DISCOVER_API size_t discover_sizeof_difference(void);
DISCOVER_API size_t discover_sizeof_endpoint(void);
DISCOVER_API size_t discover_sizeof_failover_info(void);
DISCOVER_API size_t discover_sizeof_host(void);
DISCOVER_API size_t discover_sizeof_instance(void);
DISCOVER_API size_t discover_sizeof_override_info(void);
DISCOVER_API size_t discover_sizeof_pair(void);
DISCOVER_API size_t discover_sizeof_refusal(void);
DISCOVER_API size_t discover_sizeof_region(void);
DISCOVER_API size_t discover_sizeof_reload_result(void);
DISCOVER_API size_t discover_sizeof_status(void);
DISCOVER_API size_t discover_sizeof_top_writer(void);

#ifdef __cplusplus
}
#endif

#endif

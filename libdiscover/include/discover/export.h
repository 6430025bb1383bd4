/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of the functions that the library exports. Included by discover/discover.h. */
#ifndef DISCOVER_EXPORT_H
#define DISCOVER_EXPORT_H

#if defined(__GNUC__)
#define DISCOVER_API   __attribute__((visibility("default")))
#define DISCOVER_CHECK __attribute__((warn_unused_result))
#else
#define DISCOVER_API
#define DISCOVER_CHECK
#endif

#endif

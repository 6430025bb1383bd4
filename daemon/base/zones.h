/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a list of DNS zones a name is in. Pure; any thread. */
#ifndef BASE_ZONES_H
#define BASE_ZONES_H

#include "daemon/base/string_list.h"

/* The first zone that the name is, or lies in; case and a dot at the end do not matter. NULL: none. */
const char *zones_find(const struct string_list *zones, const char *name);

#endif

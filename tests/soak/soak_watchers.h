/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that watch services and pick among their instances all the time. Main thread. */
#ifndef SOAK_WATCHERS_H
#define SOAK_WATCHERS_H

#include "tests/soak/soak.h"

#define SOAK_WATCHERS 20

/* Before anything has threads; the daemons need not run yet. */
void soak_watchers_begin(const struct soak_fleet *fleet);

/* How many watches were last told something else than what is true, or than what they resolve now. */
unsigned soak_watchers_wrong(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the rest of the library knows of pickers (discover.h). The handle's thread. */
#ifndef LIBDISCOVER_PICK_H
#define LIBDISCOVER_PICK_H

#include "libdiscover/handle.h"

/* Lets the handle's pickers go over to the present table, so that idle ones keep no replaced one. */
void pickers_move(struct discover *d);

#endif

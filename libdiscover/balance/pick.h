/* SPDX-License-Identifier: Apache-2.0 */
/* Pickers (discover.h), as the rest of the library uses them. The handle's thread, while others pick. */
#ifndef LIBDISCOVER_BALANCE_PICK_H
#define LIBDISCOVER_BALANCE_PICK_H

#include "libdiscover/context.h"

/* An instance that is left out for some time from now on. */
struct ejection {
    uint64_t id;
    int64_t for_ms;
};

/* Lets the handle's pickers prepare what is due, so that picks need not. */
void pickers_run(struct discover *d);

/* Lets the handle's pickers go over to the present table, so that idle ones keep no replaced one. */
void pickers_move(struct discover *d);

/* From now on dispatch is woken when there are ejections to be sent, and when the picker is freed. */
void picker_share(struct discover_picker *p);

/* Takes ejections that were not sent yet, at most cap; returns how many: call again when it was cap. */
size_t picker_take_ejections(struct discover_picker *p, struct ejection *ret_ejections, size_t cap);

/* Another process has ejected that instance. */
void picker_warn(struct discover_picker *p, const struct ejection *ejection);

#endif

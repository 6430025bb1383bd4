/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing by weight at a cost that does not grow with the number: the alias method of Walker, built as Vose does. Pure. */
#ifndef LIBDISCOVER_BALANCE_ALIAS_H
#define LIBDISCOVER_BALANCE_ALIAS_H

#include "libdiscover/balance/choice.h"

/* Sets the cuts and aliases of n candidates by their weights. spare: room for n numbers. Whether all weights are alike. */
bool alias_build(struct candidate *candidates, uint32_t n, uint32_t *spare);

#endif

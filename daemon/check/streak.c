/* SPDX-License-Identifier: Apache-2.0 */
/* Turns single check results into passing or critical, by how many in a row agree. */
#include "daemon/check/streak.h"

void streak_init(struct streak *s, uint32_t fall, uint32_t rise)
{
    *s = (struct streak){.fall = fall, .rise = rise};
}

bool streak_result(struct streak *s, bool pass)
{
    if (s->known && pass == s->passing) {
        s->against = 0;
        return false;
    }
    s->against++;
    if (s->known && s->against < (pass ? s->rise : s->fall))
        return false;
    s->known = true;
    s->passing = pass;
    s->against = 0;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From single results to the state of a check. */
#include "daemon/check/tally.h"

static enum discover_state state_of(enum check_result result)
{
    return result == CHECK_PASS ? DISCOVER_PASSING : result == CHECK_WARN ? DISCOVER_WARNING : DISCOVER_CRITICAL;
}

static void take_failure(struct tally *t, int64_t now_ns)
{
    t->good = 0;
    if (now_ns < t->start_until_ns)
        return;
    t->failures++;
    if (!t->known || t->failures >= t->fall)
        t->state = DISCOVER_CRITICAL;
    else if (t->warn && t->failures >= t->warn && t->state == DISCOVER_PASSING)
        t->state = DISCOVER_WARNING;
    else
        return;
    t->known = t->fallen = true;
}

static void take_good(struct tally *t, enum check_result result)
{
    t->failures = 0;
    t->start_until_ns = 0;
    t->good++;
    if (t->known && t->fallen && t->good < t->rise)
        return;
    t->state = state_of(result);
    t->known = true;
    t->fallen = false;
}

bool tally_take(struct tally *t, enum check_result result, int64_t now_ns)
{
    enum discover_state before = t->state;
    if (result == CHECK_FAIL)
        take_failure(t, now_ns);
    else
        take_good(t, result);
    return t->state != before;
}

bool tally_set(struct tally *t, enum check_result result)
{
    enum discover_state before = t->state;
    t->failures = result == CHECK_FAIL ? t->failures + 1 : 0;
    t->state = state_of(result);
    t->known = true;
    t->fallen = result == CHECK_FAIL;
    return t->state != before;
}

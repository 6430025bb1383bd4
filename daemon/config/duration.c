/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of time as people write them. */
#include "daemon/config/duration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"

#define LONGEST_NS (INT64_C(100) * 365 * 24 * 3600 * NS_PER_S)

/* From long to short, as duration_format tries them. */
static const struct unit {
    const char *name;
    int64_t ns;
} units[] = {
    {"h", 3600 * NS_PER_S},
    {"m", 60 * NS_PER_S},
    {"s", NS_PER_S},
    {"ms", NS_PER_MS},
};

#define N_UNITS (sizeof units / sizeof *units)

static const struct unit *unit_named(const char *name)
{
    for (size_t i = 0; i < N_UNITS; i++)
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    return NULL;
}

int duration_parse(const char *text, int64_t *ret_ns)
{
    size_t digits = strspn(text, "0123456789");
    int64_t number = 0;
    if (digits == 0)
        return -EINVAL;
    for (size_t i = 0; i < digits; i++)
        number = number > LONGEST_NS / 10 ? LONGEST_NS : number * 10 + (text[i] - '0');
    if (number == 0 && text[digits] == '\0') {
        *ret_ns = 0;
        return 0;
    }
    const struct unit *unit = unit_named(text + digits);
    if (!unit)
        return -EINVAL;
    if (number > LONGEST_NS / unit->ns)
        return -ERANGE;
    *ret_ns = number * unit->ns;
    return 0;
}

void duration_format(int64_t ns, char ret_text[static DURATION_CAP])
{
    const struct unit *unit = units;
    while (unit < units + N_UNITS - 1 && (ns == 0 || ns % unit->ns != 0))
        unit++;
    snprintf(ret_text, DURATION_CAP, "%" PRId64 "%s", ns / unit->ns, ns == 0 ? "" : unit->name);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of time as people write them: "500ms", "10s", "2m", "1h". Pure; any thread. */
#ifndef CONFIG_DURATION_H
#define CONFIG_DURATION_H

#include <stdint.h>

#define DURATION_CAP 24

/* A whole number and its unit, nothing else; "0" needs none. -EINVAL; -ERANGE: over 100 years. */
int duration_parse(const char *text, int64_t *ret_ns);

/* The shortest text that duration_parse takes back for it; parts of a millisecond are cut off. ns >= 0. */
void duration_format(int64_t ns, char ret_text[static DURATION_CAP]);

#endif

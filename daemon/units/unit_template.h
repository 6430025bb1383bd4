/* SPDX-License-Identifier: Apache-2.0 */
/* Templates ("worker@.service"), and the units that are made from them ("worker@3.service"). Pure; any thread. */
#ifndef UNITS_UNIT_TEMPLATE_H
#define UNITS_UNIT_TEMPLATE_H

#include <stdbool.h>

bool unit_is_template(const char *unit);
bool unit_is_instance_of(const char *unit, const char *template);

/*
 * What the file of a template says of an instance: with the specifiers (systemd.unit(5)) %i, %I, %n, %N, %p, %P, %j, %J and %%
 * in place. Any other % stays. What would become a control character stays escaped: lines stay lines. -ENOMEM. *ret_text is the
 * caller's to free.
 */
int unit_template_expand(const char *text, const char *unit, char **ret_text);

#endif

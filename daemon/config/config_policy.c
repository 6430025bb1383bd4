/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of api.policy. */
#include "daemon/config/config_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/config_keys.h"

static int read_line(struct config_source *s, const config_setting_t *group, struct policy_line *line)
{
    struct config_place place = config_source_place(s, group);
    if (!config_source_check_form(s, group, FORM_PAIRS))
        return 0;
    int err = config_table_init(&policy_keys, line);
    if (!err)
        err = config_source_apply(s, group, &policy_keys, line);
    if (!err && line->user[0] && line->group[0])
        config_complain(s, group, "has a user and a group: a line is for one of them");
    snprintf(line->place, sizeof line->place, "%s:%u", place.file, place.line);
    return err;
}

int config_policy_read(struct config_source *s, struct config *c)
{
    const config_setting_t *lines = config_lookup(&s->tree, "api.policy");
    int err = 0, n = lines && config_setting_is_list(lines) ? config_setting_length(lines) : 0;
    if (n == 0)
        return 0;
    c->api.policy = calloc((size_t)n, sizeof *c->api.policy);
    if (!c->api.policy)
        return -ENOMEM;
    for (int i = 0; i < n && !err; i++)
        err = read_line(s, config_setting_get_elem(lines, (unsigned)i), &c->api.policy[c->api.n_policy++]);
    return err;
}

void config_policy_fini(struct config *c)
{
    for (size_t i = 0; i < c->api.n_policy; i++)
        config_table_fini(&policy_keys, &c->api.policy[i]);
    free(c->api.policy);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What "discoverctl list" and "discoverctl hosts" are asked for. */
#include "daemon/ctl/list_options.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/label.h"
#include "libdiscover/core/words.h"

static int set_tag(void *arg, const char *value)
{
    struct list_options *o = arg;
    o->tag = value;
    return 0;
}

static int set_state(void *arg, const char *value)
{
    struct list_options *o = arg;
    return state_of_word(value, &o->state);
}

static int set_all(void *arg, const char *value)
{
    struct list_options *o = arg;
    (void)value;
    o->all = true;
    return 0;
}

static int set_region(void *arg, const char *value)
{
    struct list_options *o = arg;
    o->region = value;
    return label_valid(value, strlen(value)) ? 0 : -EINVAL;
}

#define REGION                                                                                                         \
    {                                                                                                                  \
        "region", "REGION", "what another region has, one of discoverctl regions", set_region                          \
    }

const struct option_spec list_specs[] = {
    {"tag", "T", "only services with instances that have this tag, which alone are counted", set_tag},
    {"state", "STATE", "the same of a state: passing, warning, critical, maintenance, draining", set_state},
    REGION,
    {NULL, NULL, NULL, NULL},
};

const struct option_spec hosts_specs[] = {
    {"all", NULL, "those that are gone, too", set_all},
    REGION,
    {NULL, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl deregister: takes a registration of this host back. */
#include <stdio.h>

#include "daemon/ctl/commands.h"
#include "libdiscover/core/label.h"

struct deregister_options {
    const char *instance;
};

static const struct option_spec specs[] = {
    {"instance", "ID", "which one, if this host has several", option_name,
     offsetof(struct deregister_options, instance), 0, 0},
    {.name = NULL},
};

/* The instances of the service on this host: how many, and the last one's name. */
struct own {
    size_t n;
    char instance[LABEL_CAP];
};

static int count_own(void *arg, const struct discover_instance *i)
{
    struct own *own = arg;
    if (i->endpoint.tier != DISCOVER_HOST)
        return 0;
    own->n++;
    snprintf(own->instance, sizeof own->instance, "%s", i->instance);
    return 0;
}

static int deregister_only(struct discover *d, const char *service)
{
    struct own own = {0};
    int result = ctl_each_own_instance(d, service, count_own, &own);
    if (own.n == 1)
        return ctl_result(d, service, discover_deregister(d, service, own.instance));
    if (own.n > 1) {
        ctl_note("%s: this host has %zu instances; which one is for --instance to say", service, own.n);
        return CTL_FAILED;
    }
    /* Of its own instances a host knows without the registry. */
    if (result < 0 && result != DISCOVER_E_UNSYNCED)
        return ctl_failed(d, service, result);
    ctl_note("%s: this host has no instance of it", service);
    return CTL_NONE;
}

static int run(const struct call *call)
{
    const struct deregister_options *o = call->options;
    const char *service = call->words.word[0];
    if (!o->instance)
        return deregister_only(call->d, service);
    return ctl_result(call->d, service, discover_deregister(call->d, service, o->instance));
}

const struct command deregister_command = {
    .name = "deregister",
    .summary = "take a registration back",
    .usage = "deregister DOMAIN/SERVICE [OPTION]...",
    .help = "Takes back what you registered on this host.\n",
    .takes = {WORD_SERVICE},
    .options = specs,
    .options_size = sizeof(struct deregister_options),
    .run = run,
};

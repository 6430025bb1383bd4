/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl deregister: takes a registration of this host back. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/ctl.h"
#include "libdiscover/core/label.h"

struct deregister_options {
    const char *instance;
};

static int set_instance(void *arg, const char *value)
{
    struct deregister_options *o = arg;
    o->instance = value;
    return 0;
}

const struct option_spec deregister_specs[] = {
    {"instance", "ID", "which one, if this host has several", set_instance},
    {NULL, NULL, NULL, NULL},
};

static int print_help(void)
{
    fputs("Usage: discoverctl deregister DOMAIN/SERVICE [OPTION]...\n\n"
          "Takes back what you registered on this host.\n\n",
          stdout);
    options_print(deregister_specs, stdout);
    return CTL_DONE;
}

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

static int deregister_one(struct discover *d, const char *service, const char *instance)
{
    int err = discover_deregister(d, service, instance);
    return err < 0 ? ctl_failed(d, service, err) : CTL_DONE;
}

static int deregister_only(struct discover *d, const char *service)
{
    struct own own = {0};
    int result = ctl_each_own_instance(d, service, count_own, &own);
    if (own.n == 1)
        return deregister_one(d, service, own.instance);
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

int cmd_deregister(const struct ctl *ctl, char **argv)
{
    struct deregister_options o = {0};
    struct words words;
    char why[OPTIONS_WHY_CAP];
    if (ctl_wants_help(argv))
        return print_help();
    if (options_parse(deregister_specs, &o, argv, &words, why) < 0)
        return ctl_usage_error("%s", why);
    if (words.n != 1 || words.command)
        return ctl_usage_error("deregister needs one DOMAIN/SERVICE");
    const char *service = words.word[0];
    int status = ctl_check_service(service);
    if (status == CTL_DONE)
        status = ctl_check_name("--instance", o.instance);
    struct discover *d = status == CTL_DONE ? ctl_connect(ctl, &status) : NULL;
    if (!d)
        return status;
    status = o.instance ? deregister_one(d, service, o.instance) : deregister_only(d, service);
    discover_free(d);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The options of "discoverctl register", and the registration that they describe. */
#include "daemon/ctl/register_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl.h"
#include "libdiscover/core/record.h"
#include "libdiscover/core/words.h"

static int set_protocol(const struct option_spec *spec, void *field, const char *value)
{
    uint8_t protocol;
    (void)spec;
    int err = protocol_of_word(value, &protocol);
    if (!err)
        *(enum discover_protocol *)field = protocol;
    return err;
}

static int add_meta(const struct option_spec *spec, void *field, const char *value)
{
    return strchr(value, '=') ? option_list(spec, field, value) : -EINVAL;
}

#define AT(member) offsetof(struct register_options, member)

const struct option_spec register_specs[] = {
    {"port", "N", "where it listens, 1 to 65535 (needed)", option_number, AT(port), 1, UINT16_MAX},
    {"address", "A", "an IPv4 or IPv6 address, at most one of each, or a host name (default: the host's)", option_list,
     AT(addresses), 0, 2},
    {"instance", "ID", "a name for this instance (default: the daemon makes one up)", option_name, AT(instance), 0, 0},
    {"proto", "tcp|udp", "default: tcp", set_protocol, AT(protocol), 0, 0},
    {"weight", "N", "its share of the traffic, 1 to 65535 (default: 1)", option_number, AT(weight), 1, UINT16_MAX},
    {"priority", "N", "0 to 65535, lower is used first (default: 0)", option_number, AT(priority), 0, UINT16_MAX},
    {"tag", "T", "a text to select by, at most 16; one that is a name has a name in DNS, too", option_list, AT(tags), 0,
     16},
    {"meta", "K=V", "anything else to tell its clients, at most 16", add_meta, AT(meta), 0, 16},
    {"not-exported", NULL, "other regions do not fail over to it; who asks there for this region finds it", option_flag,
     AT(unexported), 0, 0},
    {"check", "SPEC", "have it checked, as \"tcp=127.0.0.1:8080 interval=10s\"; at most 16", option_list, AT(checks), 0,
     16},
    {"ttl", "TIME", "it lives that long unless registered again, as 10s or 500ms; returns at once", option_time,
     AT(ttl_ms), 1, 0},
    {"pid", "PID", "it lives as long as that process; returns at once", option_number, AT(pid), 1, INT32_MAX},
    {"drain", "TIME", "how long COMMAND goes on after SIGTERM, while others stop calling (default: 500ms)", option_time,
     AT(drain_ms), 0, 0},
    {"traceparent", "T", "the trace context (W3C) it comes with (default: $TRACEPARENT)", ctl_option_traceparent, 0, 0,
     0},
    {"require", NULL, "do not start COMMAND without a daemon to register it with", option_flag, AT(require), 0, 0},
    {.name = NULL},
};

const struct register_options register_defaults = {
    .weight = 1, .drain_ms = REGISTER_DRAIN_DEFAULT, .protocol = DISCOVER_TCP};

static int refuse(char ret_why[static OPTIONS_WHY_CAP], const char *why)
{
    snprintf(ret_why, OPTIONS_WHY_CAP, "%s", why);
    return -EINVAL;
}

int register_options_check(const struct register_options *o, bool has_command, char ret_why[static OPTIONS_WHY_CAP])
{
    if (!o->port)
        return refuse(ret_why, "--port is missing");
    if ((o->ttl_ms != 0) + (o->pid != 0) + has_command > 1)
        return refuse(ret_why, "--ttl, --pid and a command exclude each other");
    if (!has_command && (o->require || o->drain_ms != REGISTER_DRAIN_DEFAULT))
        return refuse(ret_why, "--drain and --require are for a command");
    return 0;
}

/* What was refused, for the message. */
struct refusal {
    const char *option, *value;
    int err;
    const char *why; /* NULL: the text of err */
};

/* The library refuses with a number only, so the rule that was broken is given in words. */
static void attempt(struct refusal *refusal, const char *option, const char *value, int err, const char *rule)
{
    bool broken = err == -EINVAL || err == DISCOVER_E_NAME;
    if (err < 0 && !refusal->err)
        *refusal = (struct refusal){option, value, err,
                                    broken           ? rule
                                    : err == -EEXIST ? "it is there already"
                                    : err == -E2BIG  ? "it is one too many, or too long with the others"
                                                     : NULL};
}

static void add_addresses(struct refusal *refusal, const struct register_options *o, struct discover_registration *r)
{
    struct record rule;
    const char *why;
    record_init(&rule);
    for (size_t i = 0; i < o->addresses.n && !refusal->err; i++) {
        int err = record_add_endpoint(&rule, o->addresses.items[i], &why);
        if (err < 0)
            *refusal = (struct refusal){"--address", o->addresses.items[i], err, why};
        else
            attempt(refusal, "--address", o->addresses.items[i],
                    discover_registration_add_address(r, o->addresses.items[i]), NULL);
    }
}

static void add_pair(struct refusal *refusal, const char *pair, struct discover_registration *r)
{
    const char *value = strchr(pair, '=') + 1;
    char *key = strndup(pair, (size_t)(value - 1 - pair));
    int err = key ? discover_registration_set_meta(r, key, value) : -ENOMEM;
    attempt(refusal, "--meta", pair, err, err == -EINVAL ? meta_refused(key, value) : NULL);
    free(key);
}

static struct refusal apply(const struct register_options *o, struct discover_registration *r)
{
    struct refusal refusal = {0};
    if (o->instance)
        attempt(&refusal, "--instance", o->instance, discover_registration_set_instance(r, o->instance), NULL);
    add_addresses(&refusal, o, r);
    for (size_t i = 0; i < o->tags.n; i++)
        attempt(&refusal, "--tag", o->tags.items[i], discover_registration_add_tag(r, o->tags.items[i]), TAG_RULE);
    for (size_t i = 0; i < o->meta.n; i++)
        add_pair(&refusal, o->meta.items[i], r);
    for (size_t i = 0; i < o->checks.n; i++)
        attempt(&refusal, "--check", o->checks.items[i], discover_registration_add_check(r, o->checks.items[i]),
                "a check is KEY=VALUE with blanks between, without control characters");
    return refusal;
}

/* What cannot be refused any more: the parser of the options has seen to it. */
static void apply_numbers(const struct register_options *o, bool has_command, struct discover_registration *r)
{
    if (o->ttl_ms)
        (void)!discover_registration_set_ttl(r, o->ttl_ms);
    if (o->pid)
        (void)!discover_registration_set_pid(r, (int32_t)o->pid);
    if (has_command && o->instance) /* a rolling restart: the new one has the name, whatever becomes of the old one */
        (void)!discover_registration_set_take_over(r, 1);
    (void)!discover_registration_set_exported(r, !o->unexported);
    (void)!discover_registration_set_protocol(r, o->protocol);
    (void)!discover_registration_set_weight(r, o->weight);
    (void)!discover_registration_set_priority(r, (uint16_t)o->priority);
}

static void format_refusal(const struct refusal *refusal, char ret_why[static OPTIONS_WHY_CAP])
{
    snprintf(ret_why, OPTIONS_WHY_CAP, "%s %.100s%s: %s", refusal->option, refusal->value,
             strlen(refusal->value) > 100 ? "..." : "", refusal->why ? refusal->why : discover_strerror(refusal->err));
}

int register_options_build(const char *service, const struct register_options *o, bool has_command,
                           struct discover_registration **ret_r, char ret_why[static OPTIONS_WHY_CAP])
{
    struct discover_registration *r;
    int err = discover_registration_new(service, (uint16_t)o->port, &r);
    if (err < 0) {
        snprintf(ret_why, OPTIONS_WHY_CAP, "%.100s: %s", service, discover_strerror(err));
        return err;
    }
    struct refusal refusal = apply(o, r);
    if (!refusal.err) {
        apply_numbers(o, has_command, r);
        *ret_r = r;
        return 0;
    }
    format_refusal(&refusal, ret_why);
    discover_registration_free(r);
    return refusal.err;
}

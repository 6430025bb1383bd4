/* SPDX-License-Identifier: Apache-2.0 */
/* What "discoverctl register" is asked for. */
#include "daemon/ctl/register_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl.h"
#include "libdiscover/core/record.h"
#include "libdiscover/core/words.h"

static int append(const char **list, size_t cap, size_t *n, const char *value)
{
    if (*n == cap)
        return -E2BIG;
    list[(*n)++] = value;
    return 0;
}

static int set_port(void *arg, const char *value)
{
    struct register_options *o = arg;
    return option_number(value, 1, UINT16_MAX, &o->port);
}

static int set_address(void *arg, const char *value)
{
    struct register_options *o = arg;
    return append(o->addresses, REGISTER_ADDRESSES_MAX, &o->n_addresses, value);
}

static int set_instance(void *arg, const char *value)
{
    struct register_options *o = arg;
    o->instance = value;
    return 0;
}

static int set_protocol(void *arg, const char *value)
{
    struct register_options *o = arg;
    uint8_t protocol;
    int err = protocol_of_word(value, &protocol);
    if (!err)
        o->protocol = protocol;
    return err;
}

static int set_weight(void *arg, const char *value)
{
    struct register_options *o = arg;
    return option_number(value, 1, UINT16_MAX, &o->weight);
}

static int set_priority(void *arg, const char *value)
{
    struct register_options *o = arg;
    return option_number(value, 0, UINT16_MAX, &o->priority);
}

static int add_tag(void *arg, const char *value)
{
    struct register_options *o = arg;
    return append(o->tags, REGISTER_LIST_MAX, &o->n_tags, value);
}

static int add_meta(void *arg, const char *value)
{
    struct register_options *o = arg;
    return strchr(value, '=') ? append(o->meta, REGISTER_LIST_MAX, &o->n_meta, value) : -EINVAL;
}

static int add_check(void *arg, const char *value)
{
    struct register_options *o = arg;
    return append(o->checks, REGISTER_LIST_MAX, &o->n_checks, value);
}

static int set_ttl(void *arg, const char *value)
{
    struct register_options *o = arg;
    return option_time_ms(value, &o->ttl_ms);
}

static int set_pid(void *arg, const char *value)
{
    struct register_options *o = arg;
    return option_number(value, 1, INT32_MAX, &o->pid);
}

static int set_drain(void *arg, const char *value)
{
    struct register_options *o = arg;
    if (strcmp(value, "0") != 0 && strcmp(value, "0s") != 0)
        return option_time_ms(value, &o->drain_ms);
    o->drain_ms = 0;
    return 0;
}

static int set_unexported(void *arg, const char *value)
{
    struct register_options *o = arg;
    (void)value;
    o->unexported = true;
    return 0;
}

static int set_require(void *arg, const char *value)
{
    struct register_options *o = arg;
    (void)value;
    o->require = true;
    return 0;
}

const struct option_spec register_specs[] = {
    {"port", "N", "where it listens, 1 to 65535 (needed)", set_port},
    {"address", "A", "an IPv4 or IPv6 address, at most one of each, or a host name (default: the host's)", set_address},
    {"instance", "ID", "a name for this instance (default: the daemon makes one up)", set_instance},
    {"proto", "tcp|udp", "default: tcp", set_protocol},
    {"weight", "N", "its share of the traffic, 1 to 65535 (default: 1)", set_weight},
    {"priority", "N", "0 to 65535, lower is used first (default: 0)", set_priority},
    {"tag", "T", "a text to select by, at most 16; one that is a name has a name in DNS, too", add_tag},
    {"meta", "K=V", "anything else to tell its clients, at most 16", add_meta},
    {"not-exported", NULL, "other regions do not fail over to it; who asks there for this region finds it",
     set_unexported},
    {"check", "SPEC", "have it checked, as \"tcp=127.0.0.1:8080 interval=10s\"; at most 16", add_check},
    {"ttl", "TIME", "it lives that long unless registered again, as 10s or 500ms; returns at once", set_ttl},
    {"pid", "PID", "it lives as long as that process; returns at once", set_pid},
    {"drain", "TIME", "how long COMMAND goes on after SIGTERM, while others stop calling (default: 500ms)", set_drain},
    {"traceparent", "T", "the trace context (W3C) it comes with (default: $TRACEPARENT)", ctl_option_traceparent},
    {"require", NULL, "do not start COMMAND without a daemon to register it with", set_require},
    {NULL, NULL, NULL, NULL},
};

static int refuse(char ret_why[static OPTIONS_WHY_CAP], const char *why)
{
    snprintf(ret_why, OPTIONS_WHY_CAP, "%s", why);
    return -EINVAL;
}

int register_options_parse(char **argv, struct register_options *ret_options, char ret_why[static OPTIONS_WHY_CAP])
{
    struct register_options o = {.weight = 1, .drain_ms = REGISTER_DRAIN_DEFAULT};
    struct words words;
    int err = options_parse(register_specs, &o, argv, &words, ret_why);
    if (err < 0)
        return err;
    if (words.n != 1)
        return refuse(ret_why, "register needs one DOMAIN/SERVICE");
    if (!o.port)
        return refuse(ret_why, "register needs --port");
    if (words.command && !*words.command)
        return refuse(ret_why, "after -- a command must come");
    if ((o.ttl_ms != 0) + (o.pid != 0) + (words.command != NULL) > 1)
        return refuse(ret_why, "--ttl, --pid and a command exclude each other");
    if (!words.command && (o.require || o.drain_ms != REGISTER_DRAIN_DEFAULT))
        return refuse(ret_why, "--drain and --require are for a command");
    o.service = words.word[0];
    o.command = words.command;
    *ret_options = o;
    return 0;
}

/* What was refused, for the message. */
struct refusal {
    const char *option, *value;
    int err;
    const char *why; /* NULL: what the library says of err */
};

/* The library says which rule is broken by a number only; the rule itself has the words. */
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
    for (size_t i = 0; i < o->n_addresses && !refusal->err; i++) {
        int err = record_add_endpoint(&rule, o->addresses[i], &why);
        if (err < 0)
            *refusal = (struct refusal){"--address", o->addresses[i], err, why};
        else
            attempt(refusal, "--address", o->addresses[i], discover_registration_add_address(r, o->addresses[i]), NULL);
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
    for (size_t i = 0; i < o->n_tags; i++)
        attempt(&refusal, "--tag", o->tags[i], discover_registration_add_tag(r, o->tags[i]), TAG_RULE);
    for (size_t i = 0; i < o->n_meta; i++)
        add_pair(&refusal, o->meta[i], r);
    for (size_t i = 0; i < o->n_checks; i++)
        attempt(&refusal, "--check", o->checks[i], discover_registration_add_check(r, o->checks[i]),
                "a check is KEY=VALUE with blanks between, without control characters");
    return refusal;
}

/* What cannot be refused any more: the parser of the options has seen to it. */
static void apply_numbers(const struct register_options *o, struct discover_registration *r)
{
    if (o->ttl_ms)
        (void)!discover_registration_set_ttl(r, o->ttl_ms);
    if (o->pid)
        (void)!discover_registration_set_pid(r, (int32_t)o->pid);
    if (o->command && o->instance) /* a rolling restart: the new one has the name, whatever becomes of the old one */
        (void)!discover_registration_set_take_over(r, 1);
    (void)!discover_registration_set_exported(r, !o->unexported);
    (void)!discover_registration_set_protocol(r, o->protocol);
    (void)!discover_registration_set_weight(r, o->weight);
    (void)!discover_registration_set_priority(r, (uint16_t)o->priority);
}

static void say(const struct refusal *refusal, char ret_why[static OPTIONS_WHY_CAP])
{
    if (refusal->err == DISCOVER_E_NAME && strcmp(refusal->option, "--instance") == 0)
        options_refuse_name(refusal->option, refusal->value, ret_why);
    else
        snprintf(ret_why, OPTIONS_WHY_CAP, "%s %.100s%s: %s", refusal->option, refusal->value,
                 strlen(refusal->value) > 100 ? "..." : "",
                 refusal->why ? refusal->why : discover_strerror(refusal->err));
}

static int refuse_service(const char *service, int err, char ret_why[static OPTIONS_WHY_CAP])
{
    if (err == DISCOVER_E_NAME)
        options_refuse_service(service, ret_why);
    else
        snprintf(ret_why, OPTIONS_WHY_CAP, "%.100s: %s", service, discover_strerror(err));
    return err;
}

int register_options_build(const struct register_options *o, struct discover_registration **ret_r,
                           char ret_why[static OPTIONS_WHY_CAP])
{
    struct discover_registration *r;
    int err = discover_registration_new(o->service, (uint16_t)o->port, &r);
    if (err < 0)
        return refuse_service(o->service, err, ret_why);
    struct refusal refusal = apply(o, r);
    if (!refusal.err) {
        apply_numbers(o, r);
        *ret_r = r;
        return 0;
    }
    say(&refusal, ret_why);
    discover_registration_free(r);
    return refusal.err;
}

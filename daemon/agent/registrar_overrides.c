/* SPDX-License-Identifier: Apache-2.0 */
/* States that an operator sets: stored, then put in force. */
#include <errno.h>
#include <string.h>

#include "daemon/agent/registrar_impl.h"
#include "daemon/agent/stored.h"
#include "libdiscover/core/clock.h"

/* It is shown to people as it stands. */
static bool is_line(const char *text)
{
    struct record rule;
    record_init(&rule);
    return !*text || record_set_meta(&rule, "reason", text) == 0;
}

static int check_override(const struct override *o)
{
    const struct instance_key *k = &o->key;
    bool host = !k->domain[0] && !k->service[0] && !k->instance[0];
    bool named = label_valid(k->domain, strlen(k->domain)) && label_valid(k->service, strlen(k->service)) &&
                 (!k->instance[0] || label_valid(k->instance, strlen(k->instance)));
    bool state = o->state == DISCOVER_DRAINING || o->state == DISCOVER_MAINTENANCE;
    return (host || named) && state && is_line(o->reason) ? 0 : -EINVAL;
}

/* In force, or not any more, once it is stored. */
static int set_override(struct registrar *r, const struct override *override, bool on)
{
    int err = on ? overrides_reserve(&r->overrides, override) : overrides_find(&r->overrides, override);
    r->stats.overrides_limited += err == -ENOSPC;
    if (err < 0)
        return err;
    err = on ? stored_keep_override(r->ops, override) : stored_drop_override(r->ops, override);
    r->stats.store_errors += err < 0;
    if (err < 0)
        return err;
    return on ? overrides_set(&r->overrides, override) : overrides_end(&r->overrides, override);
}

/* What was inherited is not ours to publish before it is claimed. */
static void apply_override(struct registrar *r, const struct override *override, int64_t now_ns)
{
    for (struct registration *reg = registrations_first(r->registrations); reg; reg = registrations_next(reg)) {
        struct record before, after;
        if (!override_covers(override, &reg->key) || reg->owner.kind == OWNER_INHERITED)
            continue;
        registration_effective(reg, &before);
        reg->overridden = overrides_state(&r->overrides, &reg->key);
        registration_effective(reg, &after);
        if (before.state != after.state)
            (void)registrar_publish(r, reg, now_ns); /* -ENOMEM: with the next change */
    }
}

/* left_ms: of its grace. */
static struct override with_grace(const struct override *override, int64_t left_ms, int64_t now_ns)
{
    struct override with = *override;
    with.grace_end_ns = now_ns + left_ms * NS_PER_MS;
    with.over = with.grace_ms && left_ms <= 0;
    return with;
}

int registrar_override(struct registrar *r, const struct override *override, bool on, int64_t now_ns)
{
    int err = check_override(override);
    const struct override with = with_grace(override, override->grace_ms, now_ns);
    if (err == 0)
        err = set_override(r, &with, on);
    if (err == 0)
        apply_override(r, override, now_ns);
    return err;
}

/* The grace went on while no daemon ran. A wall clock that was set does not make it longer than it was. */
static int64_t grace_left_ms(const struct registrar *r, const struct override *override)
{
    int64_t gone_ms = r->options->wall_ms - override->set_ms;
    return gone_ms < 0 ? override->grace_ms : (int64_t) override->grace_ms - gone_ms;
}

int registrar_restore_override(struct registrar *r, const uint8_t *bytes, size_t n, int64_t now_ns)
{
    struct override override;
    int err = stored_override_decode(bytes, n, &override);
    if (err == 0)
        override = with_grace(&override, grace_left_ms(r, &override), now_ns);
    if (err == 0)
        err = check_override(&override) < 0 ? -EBADMSG : overrides_set(&r->overrides, &override);
    if (err == 0)
        apply_override(r, &override, now_ns);
    return err;
}

void registrar_end_graces(struct registrar *r, int64_t now_ns)
{
    const struct override *over;
    while ((over = overrides_end_grace(&r->overrides, now_ns))) {
        const struct override it = *over;
        apply_override(r, &it, now_ns);
        r->ops->grace_over(r->ops->arg, &it);
    }
}

const struct overrides *registrar_overrides(const struct registrar *r)
{
    return &r->overrides;
}

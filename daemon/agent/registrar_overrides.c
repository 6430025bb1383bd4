/* SPDX-License-Identifier: Apache-2.0 */
/* States that an operator sets: stored, then put in force. */
#include <errno.h>
#include <string.h>

#include "daemon/agent/registrar_impl.h"
#include "daemon/agent/stored.h"
#include "libdiscover/core/clock.h"

#define GRACES_AT_ONCE 8

/* Whether a reason is one line of text that can be shown to people as it is. */
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

/* Sets or ends an override; it is stored before it is in force. */
static int set_override(struct registrar *r, const struct override *override, bool on)
{
    int err = on ? overrides_reserve(&r->overrides, override) : overrides_find(&r->overrides, override);
    metric_add(&r->metrics->overrides_limited, err == -ENOSPC);
    if (err < 0)
        return err;
    err = on ? stored_keep_override(r->ops, override) : stored_drop(r->ops, STORED_OVERRIDE, &override->key);
    metric_add(&r->metrics->store_errors, err < 0);
    if (err < 0)
        return err;
    return on ? overrides_set(&r->overrides, override) : overrides_end(&r->overrides, override);
}

/* left_ms: the rest of its grace. */
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
        registrar_round(r, now_ns);
    return err;
}

/* The grace went on while no daemon ran. A wall clock that was set back does not make it longer than it was. */
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
        registrar_round(r, now_ns);
    return err;
}

void registrar_end_graces(struct registrar *r, int64_t now_ns)
{
    const struct override *over = NULL;
    unsigned n = 0;
    for (; n < GRACES_AT_ONCE && (over = overrides_end_grace(&r->overrides, now_ns)); n++)
        r->ops->grace_over(r->ops->arg, over);
    if (n > 0)
        registrar_round(r, now_ns);
}

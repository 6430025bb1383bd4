/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What concerns all registrations: an epoch, an address of the host, a state that an operator has set, the end of the grace in
 * which what an earlier life left is kept. A host may have thousands, so the first ones follow at once, and the others at the
 * next ticks, which are due at once.
 */
#include "daemon/agent/registrar_impl.h"
#include "daemon/agent/stored.h"

/* registrations that change in one tick: each is written into the table and put, some 30 us */
#define CHANGED_AT_ONCE   8
#define LOOKED_AT_AT_ONCE 64 /* registrations that are looked at in one tick: each is compared with all overrides */

/* Whether the record that was published last is what would be published now. */
static bool is_published(const struct registrar *r, const struct registration *reg)
{
    bool there = !reg->record.at_host || reg->published.addresses == r->addresses_round;
    return there && reg->published.epoch == r->epoch && reg->published.state == registration_state(reg);
}

/* An inherited registration is not ours to publish before it is claimed: it keeps its epoch and its address. */
static bool bring_up_to_date(struct registrar *r, struct registration *reg, int64_t now_ns)
{
    bool inherited = reg->owner.kind == OWNER_INHERITED;
    if (inherited && r->dropping)
        registrar_end(r, reg, now_ns);
    if (inherited)
        return r->dropping;
    reg->overridden = overrides_state(&r->overrides, &reg->key);
    if (is_published(r, reg))
        return false;
    (void)registrar_publish(r, reg, now_ns); /* -ENOMEM: with the next round */
    return true;
}

/* Drops one name that was kept for its user; called when all inherited registrations are gone. */
static void drop_name(struct registrar *r)
{
    struct instance_key key;
    if (reserved_names_take(&r->registrations.reserved, &key))
        stored_note_no_name(r->ops, &key);
    else
        r->dropping = false;
}

void registrar_round_on(struct registrar *r, int64_t now_ns)
{
    for (unsigned looked = 0, changed = 0; r->round_next && looked < LOOKED_AT_AT_ONCE && changed < CHANGED_AT_ONCE;
         looked++) {
        struct registration *reg = r->round_next;
        r->round_next = reg->hh.next;
        changed += bring_up_to_date(r, reg, now_ns);
    }
    for (unsigned n = 0; !r->round_next && r->dropping && n < CHANGED_AT_ONCE; n++)
        drop_name(r);
}

bool registrar_round_is_over(const struct registrar *r)
{
    return !r->round_next && !r->dropping;
}

void registrar_round(struct registrar *r, int64_t now_ns)
{
    if (r->closed)
        return;
    r->round_next = r->registrations.by_key;
    registrar_round_on(r, now_ns);
}

void registrar_set_epoch(struct registrar *r, uint64_t epoch, int64_t now_ns)
{
    r->epoch = epoch;
    registrar_round(r, now_ns);
}

void registrar_addresses_changed(struct registrar *r, int64_t now_ns)
{
    r->addresses_round++;
    registrar_round(r, now_ns);
}

void registrar_drop_inherited(struct registrar *r, int64_t now_ns)
{
    r->dropping = !r->closed;
    registrar_round(r, now_ns);
}

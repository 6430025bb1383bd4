/* SPDX-License-Identifier: Apache-2.0 */
/* Decides by which rule an instance is in the answers or out of them, and says it in words. */
#include "daemon/registry/explain/explain_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

const char *rule_word(enum rule rule)
{
    static const char *const words[] = {
        [RULE_SERVED] = "served",         [RULE_GUARD] = "guard",     [RULE_FOREIGN] = "foreign ttl",
        [RULE_STORED] = "stored",         [RULE_STATE] = "state",     [RULE_OVERRIDE] = "override",
        [RULE_CHECK] = "check",           [RULE_LEASE] = "lease",     [RULE_EPOCH] = "epoch",
        [RULE_ADDRESS] = "address",       [RULE_LIMIT] = "limit",     [RULE_CONFLICT] = "conflict",
        [RULE_REFUSED] = "refused value", [RULE_EJECTED] = "ejected", [RULE_PLACE] = "place",
        [RULE_REGION] = "region",
    };
    return words[rule];
}

#define GRACE_TEXT_CAP 64

static double seconds(int64_t ns)
{
    return ns > 0 ? (double)ns / NS_PER_S : 0;
}

__attribute__((format(printf, 4, 5))) static void say(struct explanation *e, bool in, enum rule rule,
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    e->in = in;
    e->rule = rule;
    vsnprintf(e->why, sizeof e->why, format, args);
    va_end(args);
}

__attribute__((format(printf, 2, 3))) static void note(struct explanation *e, const char *format, ...)
{
    va_list args;
    if (e->n_notes == EXPLAIN_NOTES_MAX)
        return;
    va_start(args, format);
    vsnprintf(e->notes[e->n_notes++], EXPLAIN_WHY_CAP, format, args);
    va_end(args);
}

/* --- out --- */

/* What an override covers: an instance, a service, or "" for all of the host. */
static void covered_text(const struct override *o, char ret_text[static SERVICE_CAP + LABEL_CAP])
{
    ret_text[0] = '\0';
    if (o->key.service[0])
        snprintf(ret_text, SERVICE_CAP + LABEL_CAP, "%s/%s%s%s", o->key.domain, o->key.service,
                 o->key.instance[0] ? " " : "", o->key.instance);
}

/* The command of discoverctl that takes an override back. */
static const char *undo_of(uint8_t state)
{
    return state == DISCOVER_DRAINING ? "discoverctl undrain" : "discoverctl maintenance off";
}

static void grace_text(const struct override *o, int64_t now_ns, char ret_text[static GRACE_TEXT_CAP])
{
    double left_s = o->grace_end_ns > now_ns ? (double)(o->grace_end_ns - now_ns) / NS_PER_S : 0;
    ret_text[0] = '\0';
    if (o->over)
        snprintf(ret_text, GRACE_TEXT_CAP, ", and its grace is over: maintenance");
    else if (o->grace_ms)
        snprintf(ret_text, GRACE_TEXT_CAP, ", draining for %.1f s more, then maintenance", left_s);
}

static void by_own_state(const struct explain_facts *f, struct explanation *e)
{
    char covered[SERVICE_CAP + LABEL_CAP], grace[GRACE_TEXT_CAP];
    const struct agent_explained *own = f->own;
    const char *state = state_word(f->facts.state);
    if (own->overridden == f->facts.state) {
        covered_text(&own->by, covered);
        char why[OVERRIDE_REASON_CAP + 16] = "";
        if (*own->by.reason)
            snprintf(why, sizeof why, " (%s)", own->by.reason);
        grace_text(&own->by, f->now_ns, grace);
        say(e, false, RULE_OVERRIDE, "an operator (user %u) has set %s%s for %s%s; `%s%s%s` takes it back",
            (unsigned)own->by.uid, state_word(own->by.state), why, *covered ? covered : "all of this host", grace,
            undo_of(own->by.state), *covered ? " " : "", covered);
    } else if (own->registered != f->facts.state && own->checked == f->facts.state) {
        say(e, false, RULE_CHECK, "its checks say %s; the program itself says %s", state, state_word(own->registered));
    } else {
        say(e, false, RULE_STATE, "the program that registered it says %s", state);
    }
}

static void by_state(const struct explain_facts *f, struct explanation *e)
{
    if (f->own)
        by_own_state(f, e);
    else if (f->facts.foreign)
        say(e, false, RULE_STATE, "whoever put its record says %s", state_word(f->facts.state));
    else
        say(e, false, RULE_STATE, "its host %s says %s; `discoverctl -H %s explain %s/%s %s` shows who does, and why",
            f->host, state_word(f->facts.state), f->host, f->key->domain, f->key->service, f->key->instance);
}

static void by_lease(const struct explain_facts *f, struct explanation *e)
{
    const struct liveness_host *l = f->lease;
    if (!l)
        say(e, false, RULE_LEASE, "no lease of its host %s is known: it has no daemon, or has been away for long",
            f->host);
    else if (l->status == HOST_LEFT)
        say(e, false, RULE_LEASE, "its host %s has left the registry: it said good-bye %.1f s ago", f->host,
            seconds(f->now_ns - l->heard_ns));
    else
        say(e, false, RULE_LEASE,
            "the lease of its host %s has run out: it was heard %.1f s ago, and its leases last %.1f s", f->host,
            seconds(f->now_ns - l->heard_ns), (double)l->lease.ttl_ms / 1000);
}

static void by_epoch(const struct explain_facts *f, struct explanation *e)
{
    say(e, false, RULE_EPOCH,
        "it was registered with an earlier life of the daemon on %s (epoch %llu), and nobody has claimed it since that "
        "restarted (epoch %llu)",
        f->host, (unsigned long long)f->facts.epoch, (unsigned long long)f->facts.min_epoch);
}

static void by_address(const struct explain_facts *f, struct explanation *e)
{
    if (*f->hostname)
        say(e, false, RULE_ADDRESS, "the address of %s is not known yet: the name could not be resolved", f->hostname);
    else
        say(e, false, RULE_ADDRESS,
            "this host has no address that others could use; it is served as soon as there is one");
}

/* --- in --- */

/* Where an instance is that pick goes to later, and where those are that it goes to first. */
static const char *const far_words[] = {[DISCOVER_ZONE] = "elsewhere in this zone",
                                        [DISCOVER_REGION] = "elsewhere in this region",
                                        [DISCOVER_ELSEWHERE] = "in another region"};
static const char *const near_words[] = {
    [DISCOVER_HOST] = "on this host", [DISCOVER_ZONE] = "in this zone", [DISCOVER_REGION] = "in this region"};

static void by_ejection(const struct explain_facts *f, struct explanation *e)
{
    say(e, true, RULE_EJECTED,
        "it is %s, but pickers of %s pass it by for %.1f s more: calls to it failed, a process of user %u has found; "
        "DNS "
        "has it all the same",
        state_word(f->facts.state), f->ejected_for_all ? "this host's processes" : "that user's processes",
        seconds(f->ejected_ns), f->ejected_by);
}

static bool is_behind(const struct explain_facts *f)
{
    return f->n_first > 0 && f->priority == f->first_priority && f->tier > f->first_tier &&
           f->tier <= DISCOVER_ELSEWHERE;
}

static void by_place(const struct explain_facts *f, struct explanation *e)
{
    char others[32] = "one";
    if (f->n_first > 1)
        snprintf(others, sizeof others, "%zu", f->n_first);
    say(e, true, RULE_PLACE,
        "it is %s, and its host %s is alive; but it is %s, and pick goes first to %s %s: calls come to it only when "
        "there is none",
        state_word(f->facts.state), f->host, far_words[f->tier], others, near_words[f->first_tier]);
}

/* An instance of another region is served or not by the same rules; the explanation adds that it is elsewhere. */
static void by_region(const struct explain_facts *f, struct explanation *e)
{
    if (f->region && f->answering && strcmp(f->region, f->answering) == 0)
        say(e, true, RULE_REGION,
            "it is %s, and its host %s is alive in region %s, which answers for the service at present",
            state_word(f->facts.state), f->host, f->region);
    else if (f->region)
        say(e, false, RULE_REGION,
            "it is %s in region %s, which is not the one that answers: ask for it by the region's name",
            state_word(f->facts.state), f->region);
    else
        say(e, false, RULE_REGION, "it is %s, but region %s answers for the service at present",
            state_word(f->facts.state), f->answering);
}

static void served(const struct explain_facts *f, struct explanation *e)
{
    if (!f->has_address)
        by_address(f, e);
    else if (f->answering && !f->region)
        by_region(f, e);
    else if (f->facts.foreign && f->frozen)
        say(e, true, RULE_FOREIGN, "its record is its own lease, which does not run out while NATS cannot be heard");
    else if (f->facts.foreign)
        say(e, true, RULE_FOREIGN, "its record is its own lease: it goes in %.1f s unless it is put again",
            seconds(f->expires_ns - f->now_ns));
    else if (f->facts.from_file)
        say(e, true, RULE_STORED, "the last life of this daemon knew it; NATS has not confirmed it since");
    else if (f->lease && f->lease->status == HOST_HELD)
        say(e, true, RULE_GUARD,
            "the lease of its host %s has run out together with too many others, so it is kept for %.1f s more",
            f->host, seconds(f->lease->deadline_ns - f->now_ns));
    else if (f->region)
        by_region(f, e);
    else if (f->ejected_ns > 0)
        by_ejection(f, e);
    else if (is_behind(f))
        by_place(f, e);
    else
        say(e, true, RULE_SERVED, "it is %s, and its host %s is alive", state_word(f->facts.state), f->host);
}

/* --- whatever it is --- */

static void note_own(const struct explain_facts *f, struct explanation *e)
{
    const struct agent_explained *own = f->own;
    if (f->name_conflict)
        note(e, "only this host knows it: another live host is called %s, so nothing is published from here", f->host);
    else if (own->refused)
        note(e, "only this host knows it: NATS refuses to store it; see discoverctl status");
    else if (!own->confirmed)
        note(e, "NATS has not confirmed its last change yet: other hosts may know it as it was before");
    if (own->owner == OWNER_INHERITED)
        note(e, "an earlier life of this daemon registered it; it goes if nobody registers it again within the grace");
    if (own->owner == OWNER_TTL)
        note(e, "it goes in %.1f s unless there is a heartbeat", seconds(own->ttl_left_ns));
}

static void note_all(const struct explain_facts *f, struct explanation *e)
{
    if (f->own)
        note_own(f, e);
    if (f->unreadable)
        note(e,
             "what was written under its key last was not read, as it cannot be or its host writes too much; what was "
             "known before stays");
    if (f->facts.spared && f->facts.epoch < f->facts.min_epoch)
        note(e, "it is spared because of that: its host does not vouch for the epoch that was known");
    if (f->lease && f->lease->ignored_ns)
        note(e, "another host that calls itself %s was heard %.1f s ago, and is not believed", f->host,
             seconds(f->now_ns - f->lease->ignored_ns));
    if (e->in && f->n_first > 0 && f->priority > f->first_priority)
        note(e, "its priority is %u: pick goes to it only when none of priority %u is usable", f->priority,
             f->first_priority);
    if (f->ejected_ns > 0 && e->rule != RULE_EJECTED)
        note(e, "pickers of %s leave it out for %.1f s more: calls failed, said a process of user %u",
             f->ejected_for_all ? "this host's processes" : "that user's processes", seconds(f->ejected_ns),
             f->ejected_by);
}

void explain_instance(const struct explain_facts *f, struct explanation *ret_explanation)
{
    struct explanation *e = ret_explanation;
    e->n_notes = 0;
    switch (f->served) {
    case NOT_SERVED_STATE:
        by_state(f, e);
        break;
    case NOT_SERVED_HOST:
        by_lease(f, e);
        break;
    case NOT_SERVED_EPOCH:
        by_epoch(f, e);
        break;
    case SERVED:
        served(f, e);
        break;
    }
    note_all(f, e);
}

static bool is_limit(const char *reason)
{
    static const int limits[] = {-EUSERS, -E2BIG, -EDQUOT, -EMLINK, -ENFILE, -ENOBUFS, -EXFULL};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (strcmp(catalog_limit_text(limits[i]), reason) == 0)
            return true;
    return false;
}

enum rule explain_refusal(const char *reason)
{
    if (is_limit(reason))
        return RULE_LIMIT;
    bool conflict = strcmp(reason, strerror(EEXIST)) == 0 || strstr(reason, "two hosts may have it") ||
                    strstr(reason, "of a host that has a daemon");
    return conflict ? RULE_CONFLICT : RULE_REFUSED;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One instance for each way to be in or out: the rule is named, in words. */
#include "daemon/registry/explain/explain_rules.h"

#include <errno.h>
#include <string.h>

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define NOW (1000 * NS_PER_S)

static struct agent_explained own;
static struct liveness_host lease;
static struct explanation e;
static const struct instance_key key = {.domain = "shop", .service = "payment", .host = "web-2", .instance = "p1"};

/* Of another host that is alive, and nothing is wrong with it. */
static struct explain_facts other(void)
{
    lease = (struct liveness_host){.status = HOST_ALIVE,
                                   .heard_ns = NOW - NS_PER_S,
                                   .deadline_ns = NOW + 9 * NS_PER_S,
                                   .lease = {.ttl_ms = 10000}};
    return (struct explain_facts){
        .now_ns = NOW,
        .host = "web-2",
        .key = &key,
        .facts = {.state = DISCOVER_PASSING, .host_alive = true, .epoch = 7, .min_epoch = 7},
        .has_address = true,
        .hostname = "",
        .lease = &lease,
    };
}

static struct explain_facts ours(void)
{
    struct explain_facts f = other();
    own = (struct agent_explained){.owner = OWNER_CONNECTION, .registered = DISCOVER_PASSING, .confirmed = true};
    f.host = "web-1";
    f.lease = NULL;
    f.own = &own;
    return f;
}

/* As the catalog decides by these facts. */
static void expect(struct explain_facts f, bool in, enum rule rule, const char *word, const char *why)
{
    f.served = served_by(&f.facts);
    explain_instance(&f, &e);
    ck_assert_msg(e.in == in && e.rule == rule, "%d %s: %s", e.in, rule_word(e.rule), e.why);
    ck_assert_str_eq(rule_word(e.rule), word);
    ck_assert_msg(strstr(e.why, why), "%s", e.why);
}

static void expect_note(const char *text)
{
    for (unsigned i = 0; i < e.n_notes; i++)
        if (strstr(e.notes[i], text))
            return;
    ck_abort_msg("no note: %s", text);
}

START_TEST(in_by_each_rule)
{
    struct explain_facts f = other();
    expect(f, true, RULE_SERVED, "served", "it is passing, and its host web-2 is alive");
    ck_assert_uint_eq(e.n_notes, 0);
    lease.status = HOST_HELD;
    expect(f, true, RULE_GUARD, "guard", "together with too many others, so it is kept for 9.0 s more");
    f = other(), f.facts.from_file = true, f.facts.epoch = 0, f.lease = NULL;
    expect(f, true, RULE_STORED, "stored", "the last life of this daemon knew it");
    f = other(), f.facts.foreign = true, f.expires_ns = NOW + 3 * NS_PER_S, f.facts.host_alive = false;
    expect(f, true, RULE_FOREIGN, "foreign ttl", "it goes in 3.0 s unless it is put again");
    f.frozen = true;
    expect(f, true, RULE_FOREIGN, "foreign ttl", "does not run out while NATS cannot be heard");
}
END_TEST

START_TEST(out_by_state)
{
    struct explain_facts f = other();
    f.facts.state = DISCOVER_CRITICAL;
    expect(f, false, RULE_STATE, "state",
           "its host web-2 says critical; `discoverctl -H web-2 explain shop/payment p1` shows who");
    f.facts.foreign = true;
    expect(f, false, RULE_STATE, "state", "whoever put its record says critical");
    f = ours(), f.facts.state = own.registered = DISCOVER_DRAINING;
    expect(f, false, RULE_STATE, "state", "the program that registered it says draining");
    f = ours(), f.facts.state = own.checked = DISCOVER_CRITICAL;
    expect(f, false, RULE_CHECK, "check", "its checks say critical; the program itself says passing");
}
END_TEST

START_TEST(out_by_an_operator)
{
    struct explain_facts f = ours();
    f.facts.state = own.overridden = own.by.state = DISCOVER_DRAINING;
    expect(f, false, RULE_OVERRIDE, "override",
           "set draining for all of this host; `discoverctl undrain` takes it back");
    f.facts.state = own.overridden = own.by.state = DISCOVER_MAINTENANCE;
    own.by.key = (struct instance_key){.domain = "shop", .service = "payment", .instance = "p1"};
    expect(f, false, RULE_OVERRIDE, "override",
           "set maintenance for shop/payment p1; `discoverctl maintenance off shop/payment p1`");
    own.checked = DISCOVER_CRITICAL; /* an operator's word is above that */
    own.by.uid = 7;
    strcpy(own.by.reason, "new disk");
    expect(f, false, RULE_OVERRIDE, "override",
           "an operator (user 7) has set maintenance (new disk) for shop/payment p1");
    own.by.state = own.overridden = f.facts.state = DISCOVER_DRAINING;
    own.by.grace_ms = 30000;
    own.by.grace_end_ns = f.now_ns + 12 * NS_PER_S;
    expect(f, false, RULE_OVERRIDE, "override",
           "set draining (new disk) for shop/payment p1, draining for 12.0 s more, then maintenance; `discoverctl "
           "undrain");
    own.by.over = true;
    own.overridden = f.facts.state = DISCOVER_MAINTENANCE;
    expect(f, false, RULE_OVERRIDE, "override",
           "its grace is over: maintenance; `discoverctl undrain shop/payment p1`");
}
END_TEST

START_TEST(out_by_the_lease)
{
    struct explain_facts f = other();
    f.facts.host_alive = false;
    lease.status = HOST_EXPIRED, lease.heard_ns = NOW - 12 * NS_PER_S;
    expect(f, false, RULE_LEASE, "lease", "has run out: it was heard 12.0 s ago, and its leases last 10.0 s");
    lease.status = HOST_LEFT;
    expect(f, false, RULE_LEASE, "lease", "has left the registry: it said good-bye 12.0 s ago");
    f.lease = NULL;
    expect(f, false, RULE_LEASE, "lease", "no lease of its host web-2 is known");
    f = other(), f.facts.epoch = 6;
    expect(f, false, RULE_EPOCH, "epoch", "an earlier life of the daemon on web-2 (epoch 6)");
}
END_TEST

START_TEST(out_for_want_of_an_address)
{
    struct explain_facts f = other();
    f.has_address = false, f.hostname = "db.example.com";
    expect(f, false, RULE_ADDRESS, "address", "the address of db.example.com is not known yet");
    f = ours(), f.has_address = false;
    expect(f, false, RULE_ADDRESS, "address", "this host has no address that others could use");
}
END_TEST

START_TEST(what_else_is_to_be_known)
{
    struct explain_facts f = ours();
    f.name_conflict = true;
    expect(f, true, RULE_SERVED, "served", "");
    expect_note("another live host is called web-1, so nothing is published");
    f.name_conflict = false, own.confirmed = false;
    expect(f, true, RULE_SERVED, "served", "");
    expect_note("NATS has not confirmed its last change yet");
    own.refused = true, own.owner = OWNER_TTL, own.ttl_left_ns = 2 * NS_PER_S;
    expect(f, true, RULE_SERVED, "served", "");
    expect_note("NATS refuses to store it");
    expect_note("it goes in 2.0 s unless there is a heartbeat");
    own.owner = OWNER_INHERITED;
    expect(f, true, RULE_SERVED, "served", "");
    expect_note("an earlier life of this daemon registered it");

    f = other(), f.unreadable = true, f.facts.spared = true, f.facts.epoch = 6;
    lease.ignored_ns = NOW - NS_PER_S;
    f.ejected_ns = 4 * NS_PER_S, f.ejected_by = 1000;
    lease.status = HOST_HELD;
    expect(f, true, RULE_GUARD, "guard", "");
    expect_note("what was written under its key last was not read");
    expect_note("its host does not vouch for the epoch");
    expect_note("another host that calls itself web-2 was heard 1.0 s ago");
    expect_note("pickers of that user's processes leave it out for 4.0 s more");
    expect_note("user 1000");
    f.ejected_for_all = true;
    expect(f, true, RULE_GUARD, "guard", "");
    expect_note("pickers of this host's processes");

    f = other(), f.n_first = 3, f.priority = 2, f.first_priority = 1;
    expect(f, true, RULE_SERVED, "served", "");
    expect_note("its priority is 2: pick goes to it only when none of priority 1 is usable");
}
END_TEST

/* It is served, and yet hardly a call comes to it. */
START_TEST(in_but_passed_by)
{
    struct explain_facts f = other();
    f.ejected_ns = 4 * NS_PER_S, f.ejected_by = 1000;
    expect(f, true, RULE_EJECTED, "ejected", "pickers of that user's processes pass it by for 4.0 s more");
    ck_assert_msg(strstr(e.why, "a process of user 1000 has found; DNS has it all the same"), "%s", e.why);
    f.ejected_for_all = true;
    expect(f, true, RULE_EJECTED, "ejected", "pickers of this host's processes");
    f = other(), f.tier = DISCOVER_REGION, f.first_tier = DISCOVER_ZONE, f.n_first = 2;
    expect(f, true, RULE_PLACE, "place",
           "it is elsewhere in this region, and pick goes first to 2 in this zone: calls");
    f.tier = DISCOVER_ELSEWHERE, f.first_tier = DISCOVER_HOST, f.n_first = 1;
    expect(f, true, RULE_PLACE, "place", "it is in another region, and pick goes first to one on this host");
    f.priority = 1; /* nearer, or not: the priority goes first */
    expect(f, true, RULE_SERVED, "served", "");
    f = other(), f.tier = f.first_tier = DISCOVER_REGION, f.n_first = 2;
    expect(f, true, RULE_SERVED, "served", "");
}
END_TEST

/* The own ones are not asked while another region answers; those are. */
START_TEST(in_and_out_by_region)
{
    struct explain_facts f = other();
    f.answering = "b";
    expect(f, false, RULE_REGION, "region", "it is passing, but region b answers for the service at present");
    f.facts.foreign = true;
    expect(f, false, RULE_REGION, "region", "region b answers");
    f.facts.state = DISCOVER_DRAINING;
    expect(f, false, RULE_STATE, "state", "");
    f = other(), f.answering = "b", f.region = "b";
    expect(f, true, RULE_REGION, "region", "its host web-2 is alive in region b, which answers for the service");
    lease.status = HOST_HELD;
    expect(f, true, RULE_GUARD, "guard", "");
    f = other(), f.region = "b";
    expect(f, false, RULE_REGION, "region", "not the one that answers: ask for it by the region's name");
}
END_TEST

/* --- a table: one instance for each rule, or one refusal --- */

/* What is not as it is with one that nothing is wrong with. */
static void plain(struct explain_facts *f)
{
    (void)f;
}

static void kept(struct explain_facts *f)
{
    (void)f;
    lease.status = HOST_HELD;
}

static void foreign(struct explain_facts *f)
{
    f->facts.foreign = true;
}

static void stored(struct explain_facts *f)
{
    f->facts.from_file = true;
    f->lease = NULL;
}

static void ejected(struct explain_facts *f)
{
    f->ejected_ns = NS_PER_S;
}

static void far(struct explain_facts *f)
{
    f->tier = DISCOVER_REGION;
    f->n_first = 1;
}

static void elsewhere(struct explain_facts *f)
{
    f->region = f->answering = "b";
}

static void unwell(struct explain_facts *f)
{
    f->facts.state = DISCOVER_CRITICAL;
}

static void silent(struct explain_facts *f)
{
    f->facts.host_alive = false;
    lease.status = HOST_EXPIRED;
}

static void unclaimed(struct explain_facts *f)
{
    f->facts.epoch = 6;
}

static void homeless(struct explain_facts *f)
{
    f->has_address = false;
}

static void drained(struct explain_facts *f)
{
    *f = ours();
    f->facts.state = own.overridden = DISCOVER_DRAINING;
}

static void checked(struct explain_facts *f)
{
    *f = ours();
    f->facts.state = own.checked = DISCOVER_CRITICAL;
}

static const struct {
    const char *word;
    bool in;
    void (*change)(struct explain_facts *f);
    const char *refusal;
} table[] = {
    {"served", true, plain, NULL},
    {"guard", true, kept, NULL},
    {"foreign ttl", true, foreign, NULL},
    {"stored", true, stored, NULL},
    {"ejected", true, ejected, NULL},
    {"place", true, far, NULL},
    {"region", true, elsewhere, NULL},
    {"state", false, unwell, NULL},
    {"override", false, drained, NULL},
    {"check", false, checked, NULL},
    {"lease", false, silent, NULL},
    {"epoch", false, unclaimed, NULL},
    {"address", false, homeless, NULL},
    {"limit", false, NULL, "more instances of one host than limits.instances_per_host"},
    {"conflict", false, NULL, "a foreign record under the name of a host that has a daemon"},
    {"refused value", false, NULL, "port: must be a number 1..65535"},
};

START_TEST(each_rule_has_an_instance)
{
    bool reported[RULES] = {false};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        e.in = false;
        if (table[i].change) {
            struct explain_facts f = other();
            table[i].change(&f);
            f.served = served_by(&f.facts);
            explain_instance(&f, &e);
            ck_assert_msg(strlen(e.why) > 20, "%s: %s", table[i].word, e.why);
        } else {
            e.rule = explain_refusal(table[i].refusal);
        }
        ck_assert_str_eq(rule_word(e.rule), table[i].word);
        ck_assert_msg(e.in == table[i].in, "%s", table[i].word);
        reported[e.rule] = true;
    }
    for (int rule = 0; rule < RULES; rule++)
        ck_assert_msg(reported[rule], "nothing is out, or in, by %s", rule_word((enum rule)rule));
}
END_TEST

START_TEST(refusals_have_rules)
{
    ck_assert_int_eq(explain_refusal(catalog_limit_text(-EDQUOT)), RULE_LIMIT);
    ck_assert_int_eq(explain_refusal(catalog_limit_text(-ENOBUFS)), RULE_LIMIT);
    ck_assert_int_eq(explain_refusal("a foreign record under the name of a host that has a daemon"), RULE_CONFLICT);
    ck_assert_int_eq(explain_refusal("port: must be a number 1..65535"), RULE_REFUSED);
    ck_assert_str_eq(rule_word(RULE_REFUSED), "refused value");
    ck_assert_str_eq(rule_word(RULE_LIMIT), "limit");
    ck_assert_str_eq(rule_word(RULE_CONFLICT), "conflict");
}
END_TEST

UNIT_TESTS("registry/explain rules", in_by_each_rule, out_by_state, out_by_an_operator, out_by_the_lease,
           out_for_want_of_an_address, in_but_passed_by, in_and_out_by_region, each_rule_has_an_instance,
           what_else_is_to_be_known, refusals_have_rules)

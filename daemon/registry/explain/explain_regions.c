/* SPDX-License-Identifier: Apache-2.0 */
/* Explains which region answers for a service, and why. */
#include "daemon/registry/explain/explain_regions.h"

#include <stdio.h>
#include <string.h>

#include "daemon/catalog/catalog_explain.h"
#include "libdiscover/core/clock.h"

#define TEXT_CAP 96

static long long seconds(int64_t ns)
{
    return (long long)((ns + NS_PER_S / 2) / NS_PER_S);
}

static void count_text(const struct region_facts *r, char ret_text[static TEXT_CAP])
{
    if (r->total == 0)
        snprintf(ret_text, TEXT_CAP, "it has none");
    else if (r->total == 1)
        snprintf(ret_text, TEXT_CAP, "its one instance is %susable", r->usable ? "" : "not ");
    else if (r->usable == 0)
        snprintf(ret_text, TEXT_CAP, "none of its %zu instances is usable", r->total);
    else
        snprintf(ret_text, TEXT_CAP, "%zu of its %zu instances %s usable", r->usable, r->total,
                 r->usable == 1 ? "is" : "are");
}

/* ", an operator said 20 s ago (user 0)" */
static void operator_text(const struct region_answer *a, char ret_text[static TEXT_CAP])
{
    int n = snprintf(ret_text, TEXT_CAP, "an operator (user %u) said so", (unsigned)a->uid);
    if (a->forced_for_ns > 0)
        snprintf(ret_text + n, TEXT_CAP - (size_t)n, " %lld s ago", seconds(a->forced_for_ns));
}

static void own_why(const struct region_facts *r, const struct region_answer *a, const char *has,
                    char ret_why[static REGION_WHY_CAP])
{
    bool enough = r->usable > 0 && (!a || r->usable >= a->min);
    if (!a || (r->answers && enough))
        snprintf(ret_why, REGION_WHY_CAP, "%s", has);
    else if (r->answers && a->lacking_ns > 0 && a->lacking_ns < a->after_ns)
        snprintf(ret_why, REGION_WHY_CAP,
                 "%s, of %u that are wanted; another region answers if it stays so for %lld s more", has, a->min,
                 seconds(a->after_ns - a->lacking_ns));
    else if (r->answers)
        snprintf(ret_why, REGION_WHY_CAP, "%s, and no other region has any that is", has);
    else if (enough && a->back_in_ns > 0)
        snprintf(ret_why, REGION_WHY_CAP, "%s again; it answers if that is so for %lld s more (failover.back_after)",
                 has, seconds(a->back_in_ns));
    else
        snprintf(ret_why, REGION_WHY_CAP, "%s, and answers from %u usable %s on (failover.min)", has,
                 a->min > 0 ? a->min : 1, a->min > 1 ? "ones" : "one");
}

static void other_why(const struct region_facts *r, const struct region_answer *a, const char *has,
                      char ret_why[static REGION_WHY_CAP])
{
    char state[TEXT_CAP] = "";
    if (!r->live && r->stale_ms >= 0)
        snprintf(state, sizeof state, "; it is %s: that was so %lld s ago", r->state, (long long)(r->stale_ms / 1000));
    else if (!r->live)
        snprintf(state, sizeof state, "; it was never heard");
    if (r->answers && a && a->for_ns > 0)
        snprintf(ret_why, REGION_WHY_CAP, "%s, and it has answered for %lld s%s", has, seconds(a->for_ns), state);
    else
        snprintf(ret_why, REGION_WHY_CAP, "%s%s", has, state);
}

void explain_region_why(const struct region_facts *r, const struct region_answer *answer,
                        char ret_why[static REGION_WHY_CAP])
{
    char has[TEXT_CAP], by_operator[TEXT_CAP];
    count_text(r, has);
    if (answer && answer->forced) {
        operator_text(answer, by_operator);
        snprintf(ret_why, REGION_WHY_CAP, r->answers ? "%s; it answers, for %s" : "%s; another one answers, for %s",
                 has, by_operator);
    } else if (r->own) {
        own_why(r, answer, has, ret_why);
    } else {
        other_why(r, answer, has, ret_why);
    }
}

const struct region *explain_answering(const struct explaining *x, const char *service)
{
    struct region_answer answer;
    bool other = region_failover_explain(x->reach->failover, service, x->now_ns, &answer) && *answer.at;
    return other ? regions_find(x->reach->regions, answer.at) : NULL;
}

static json_t *region_json(const char *name, const struct region_facts *r, const struct region_answer *answer)
{
    char why[REGION_WHY_CAP];
    explain_region_why(r, answer, why);
    return json_pack("{s:s, s:b, s:s, s:I, s:I, s:I, s:b, s:s}", "region", name, "own", r->own, "state", r->state,
                     "stale_ms", (json_int_t)r->stale_ms, "usable", (json_int_t)r->usable, "total",
                     (json_int_t)r->total, "answers", r->answers, "why", why);
}

static struct region_facts facts_of(const struct catalog *c, const char *service)
{
    struct catalog_service_counts counts = {0};
    (void)catalog_count_service(c, service, &counts);
    return (struct region_facts){.usable = counts.usable, .total = counts.instances};
}

static json_t *other_json(const struct explaining *x, const struct region *r, const char *service,
                          const struct region_answer *answer)
{
    struct region_facts facts = facts_of(region_catalog(r), service);
    facts.live = region_state_of(r) == REGION_LIVE;
    facts.state = region_state_text(region_state_of(r));
    facts.stale_ms = region_stale_ms(r, x->now_ns);
    facts.answers = answer && strcmp(answer->at, region_name(r)) == 0;
    return region_json(region_name(r), &facts, answer);
}

json_t *explain_regions(const struct explaining *x, const char *service)
{
    struct region_answer known, *answer = &known;
    const struct regions *regions = x->reach->regions;
    if (regions_count(regions) == 0)
        return NULL;
    if (!region_failover_explain(x->reach->failover, service, x->now_ns, &known))
        answer = NULL;
    json_t *list = json_array();
    struct region_facts own = facts_of(x->catalog, service);
    own.own = own.live = true;
    own.state = "live";
    own.answers = !answer || !*answer->at;
    (void)json_array_append_new(list, region_json(x->reach->config->region, &own, answer));
    for (size_t i = 0; i < regions_count(regions); i++)
        (void)json_array_append_new(list, other_json(x, regions_at(regions, i), service, answer));
    return list;
}

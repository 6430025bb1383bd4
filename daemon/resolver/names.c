/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps what host names resolve to, and when each is to be asked for again. */
#include "daemon/resolver/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/deadlines.h"
#include "daemon/base/hash.h"
#include "libdiscover/core/backoff.h"
#include "libdiscover/core/clock.h"

#define DENIED_AGAIN_NS (30 * NS_PER_S)
#define FAILED_FIRST_NS (1 * NS_PER_S)
#define FAILED_MAX_NS   (60 * NS_PER_S)

struct name;

/* What is known of one family of a name. */
struct side {
    struct name *name;
    struct deadline due;
    struct backoff backoff;
    uint64_t ticket;         /* of the question under way; 0: there is none */
    int64_t denied_since_ns; /* since when the name is denied; 0: it is not */
    enum names_outcome last; /* the last outcome; meaningful once there was one */
    bool heard;
    uint8_t family;
};

struct name {
    UT_hash_handle hh;
    struct side side[2];
    struct addresses address;
    enum names_news reported;
    int64_t asked_ns;   /* when it was asked for last, in whichever family */
    int64_t leaving_ns; /* no record has it any more: when it is forgotten; 0: some record has it */
    char text[RECORD_HOSTNAME_CAP];
};

struct names {
    struct names_options options;
    struct names_counters *counters;
    struct name *names;
    struct deadlines due;
    size_t held; /* names that some record has */
    size_t under_way;
    size_t failing; /* names that were reported as ones that cannot be asked for */
    uint64_t tickets;
};

int names_new(const struct names_options *options, struct names_counters *counters, struct names **ret_names)
{
    struct names *n = calloc(1, sizeof *n);
    if (!n)
        return -ENOMEM;
    n->options = *options;
    n->counters = counters;
    *ret_names = n;
    return 0;
}

static void set_reported(struct names *n, struct name *name, enum names_news reported)
{
    n->failing += (size_t)(reported == NAMES_CANNOT_ASK) - (size_t)(name->reported == NAMES_CANNOT_ASK);
    name->reported = reported;
    metric_set(&n->counters->failing, n->failing);
}

static void set_held(struct names *n, size_t held)
{
    n->held = held;
    metric_set(&n->counters->names, held);
}

static void forget(struct names *n, struct name *name)
{
    set_reported(n, name, NAMES_NO_NEWS);
    if (!name->leaving_ns)
        set_held(n, n->held - 1);
    deadlines_clear(&n->due, &name->side[0].due);
    deadlines_clear(&n->due, &name->side[1].due);
    HASH_DEL(n->names, name);
    free(name);
}

void names_free(struct names *n)
{
    struct name *name, *next;
    if (!n)
        return;
    HASH_ITER(hh, n->names, name, next)
    {
        forget(n, name);
    }
    deadlines_fini(&n->due);
    free(n);
}

static struct name *find(const struct names *n, const char *text)
{
    struct name *name;
    HASH_FIND_STR(n->names, text, name);
    return name;
}

static void side_init(struct names *n, struct name *name, struct side *side, uint8_t family, int64_t now_ns)
{
    side->name = name;
    side->family = family;
    backoff_init(&side->backoff, FAILED_FIRST_NS, FAILED_MAX_NS);
    deadlines_set(&n->due, &side->due, now_ns);
}

/* A name that comes back is asked for when it would have been if it had stayed. */
static void come_back(struct names *n, struct name *name, const struct addresses *last)
{
    for (int i = 0; i < 2; i++) {
        struct side *side = &name->side[i];
        if (side->ticket)
            deadlines_clear(&n->due, &side->due);
        else
            deadlines_set(&n->due, &side->due, name->leaving_ns);
    }
    name->leaving_ns = 0;
    name->reported = NAMES_RESOLVED;
    if (!name->address.families)
        name->address = *last;
    set_held(n, n->held + 1);
}

int names_add(struct names *n, const char *text, const struct addresses *last, int64_t now_ns,
              struct addresses *ret_address)
{
    struct name *known = find(n, text);
    if (known && !known->leaving_ns)
        return -EEXIST;
    if (n->held >= n->options.names_max) {
        metric_inc(&n->counters->refused);
        return -E2BIG;
    }
    if (known) {
        come_back(n, known, last);
        *ret_address = known->address;
        return 1;
    }
    struct name *name =
        deadlines_reserve(&n->due, 2 * (HASH_COUNT(n->names) + 1)) == 0 ? calloc(1, sizeof *name) : NULL;
    if (!name)
        return -ENOMEM;
    strcpy(name->text, text); /* a host name of a record, whose length was checked there */
    name->address = *last;
    name->reported = NAMES_RESOLVED; /* so that a first success is no news */
    HASH_ADD_STR(n->names, text, name);
    if (!hash_added(&name->hh)) {
        free(name);
        return -ENOMEM;
    }
    side_init(n, name, &name->side[0], DISCOVER_HAS_IPV4, now_ns);
    side_init(n, name, &name->side[1], DISCOVER_HAS_IPV6, now_ns);
    set_held(n, n->held + 1);
    return 0;
}

void names_remove(struct names *n, const char *text, int64_t now_ns)
{
    struct name *name = find(n, text);
    if (!name || name->leaving_ns)
        return;
    int64_t again_ns = name->asked_ns + n->options.min_ttl_ns;
    bool many = HASH_COUNT(n->names) - n->held >= n->options.names_max;
    if (!name->asked_ns || again_ns <= now_ns || many) {
        forget(n, name);
        return;
    }
    set_reported(n, name, NAMES_NO_NEWS);
    set_held(n, n->held - 1);
    name->leaving_ns = again_ns;
    deadlines_set(&n->due, &name->side[0].due, again_ns);
    deadlines_clear(&n->due, &name->side[1].due);
}

int64_t names_next_ns(const struct names *n)
{
    return n->under_way < n->options.queries_max ? deadlines_next_ns(&n->due) : INT64_MAX;
}

static struct side *due_side(const struct names *n, int64_t now_ns)
{
    if (names_next_ns(n) > now_ns)
        return NULL;
    struct deadline *first = deadlines_first(&n->due);
    return first ? (struct side *)((char *)first - offsetof(struct side, due)) : NULL;
}

bool names_next(struct names *n, int64_t now_ns, struct names_question *ret_question)
{
    struct side *side = due_side(n, now_ns);
    while (side && side->name->leaving_ns) {
        forget(n, side->name);
        side = due_side(n, now_ns);
    }
    if (!side)
        return false;
    deadlines_clear(&n->due, &side->due);
    side->name->asked_ns = now_ns;
    side->ticket = ++n->tickets;
    n->under_way++;
    metric_inc(&n->counters->queries);
    ret_question->ticket = side->ticket;
    ret_question->family = side->family;
    memcpy(ret_question->name, side->name->text, sizeof ret_question->name);
    return true;
}

/* --- answers --- */

static uint8_t *address_of(struct addresses *a, uint8_t family, size_t *ret_n)
{
    *ret_n = family == DISCOVER_HAS_IPV4 ? sizeof a->ipv4 : sizeof a->ipv6;
    return family == DISCOVER_HAS_IPV4 ? a->ipv4 : a->ipv6;
}

static void choose(struct side *side, const struct names_answer *answer)
{
    size_t n;
    struct addresses *address = &side->name->address;
    uint8_t *present = address_of(address, side->family, &n);
    bool has = address->families & side->family;
    for (size_t i = 0; has && i < answer->n; i++)
        if (memcmp(present, answer->address[i], n) == 0)
            return;
    address->families |= side->family;
    memcpy(present, answer->address[0], n);
}

static void drop(struct side *side)
{
    size_t n;
    uint8_t *present = address_of(&side->name->address, side->family, &n);
    side->name->address.families &= (uint8_t)~side->family;
    memset(present, 0, n);
}

static int64_t clamp_ttl(const struct names *n, int64_t ttl_ns)
{
    if (ttl_ns > n->options.max_ttl_ns)
        ttl_ns = n->options.max_ttl_ns;
    return ttl_ns < n->options.min_ttl_ns ? n->options.min_ttl_ns : ttl_ns;
}

static int64_t found(const struct names *n, struct side *side, const struct names_answer *answer, uint32_t random)
{
    int64_t ttl_ns = clamp_ttl(n, answer->ttl_s * NS_PER_S);
    side->denied_since_ns = 0;
    backoff_reset(&side->backoff);
    choose(side, answer);
    /*
     * Asked again a little before the TTL is over, each time at another moment; but never before the shortest time, in
     * which case a little later.
     */
    int64_t share_ns = (int64_t)((double)ttl_ns / 10 * random / UINT32_MAX);
    return ttl_ns - share_ns < n->options.min_ttl_ns ? n->options.min_ttl_ns + share_ns : ttl_ns - share_ns;
}

static int64_t denied(struct names *n, struct side *side, int64_t now_ns)
{
    int64_t again_ns = DENIED_AGAIN_NS;
    metric_inc(&n->counters->denials);
    backoff_reset(&side->backoff);
    if (!side->denied_since_ns)
        side->denied_since_ns = now_ns;
    if (!(side->name->address.families & side->family))
        return clamp_ttl(n, again_ns);
    int64_t left_ns = side->denied_since_ns + n->options.denied_ns - now_ns;
    if (left_ns <= 0) {
        metric_inc(&n->counters->dropped);
        drop(side);
    } else if (left_ns < again_ns) {
        again_ns = left_ns;
    }
    return clamp_ttl(n, again_ns);
}

static int64_t failed(struct names *n, struct side *side, uint32_t random)
{
    metric_inc(&n->counters->failures);
    return backoff_next(&side->backoff, random);
}

/* A name has no news while its condition is not known: while one side was not answered yet, and the other is denied. */
static enum names_news condition(const struct name *name)
{
    bool heard = true;
    for (int i = 0; i < 2; i++) {
        const struct side *s = &name->side[i];
        heard &= s->heard;
        if (s->heard && s->last == NAMES_FAILED)
            return NAMES_CANNOT_ASK;
        if (s->heard && s->last == NAMES_DENIED && name->address.families & s->family)
            return NAMES_NOT_FOUND;
    }
    if (name->address.families)
        return heard ? NAMES_RESOLVED : NAMES_NO_NEWS;
    return heard ? NAMES_NOT_FOUND : NAMES_NO_NEWS;
}

static enum names_news news(struct names *n, struct name *name)
{
    enum names_news now = condition(name);
    if (now == NAMES_NO_NEWS || now == name->reported)
        return NAMES_NO_NEWS;
    set_reported(n, name, now);
    return now;
}

static struct side *side_of(const struct names *n, const struct names_question *q)
{
    struct name *name = find(n, q->name);
    struct side *side = name ? &name->side[q->family == DISCOVER_HAS_IPV6] : NULL;
    return side && side->ticket == q->ticket ? side : NULL;
}

bool names_answered(struct names *n, const struct names_question *question, const struct names_answer *answer,
                    uint32_t random, int64_t now_ns, struct addresses *ret_address, enum names_news *ret_news)
{
    struct side *side = side_of(n, question);
    int64_t wait_ns;
    n->under_way--;
    *ret_news = NAMES_NO_NEWS;
    if (side && side->name->leaving_ns)
        side->ticket = 0;
    if (!side || side->name->leaving_ns)
        return false;
    struct addresses before = side->name->address;
    side->ticket = 0;
    side->heard = true;
    side->last = answer->outcome == NAMES_FOUND && answer->n == 0 ? NAMES_DENIED : answer->outcome;
    if (side->last == NAMES_FOUND)
        wait_ns = found(n, side, answer, random);
    else if (side->last == NAMES_DENIED)
        wait_ns = denied(n, side, now_ns);
    else
        wait_ns = failed(n, side, random);
    deadlines_set(&n->due, &side->due, now_ns + wait_ns);
    *ret_news = news(n, side->name);
    *ret_address = side->name->address;
    bool changed = memcmp(&before, ret_address, sizeof before) != 0;
    if (changed)
        metric_inc(&n->counters->changes);
    return changed;
}

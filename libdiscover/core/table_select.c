/* SPDX-License-Identifier: Apache-2.0 */
/* Copies the endpoints of a service that pass a filter. */
#include "libdiscover/core/table_select.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/table_label.h"

#define USABLE_STATES (1u << DISCOVER_PASSING | 1u << DISCOVER_WARNING)

/* The details of an instance (entry.h), read in place: a copy of all would cost more than looking at a few
 * lengths. */
struct details {
    const table_word *words;
    uint64_t at, end; /* in bytes */
    bool bad;
};

static uint8_t next_byte(struct details *d)
{
    if (d->at >= d->end) {
        d->bad = true;
        return 0;
    }
    uint64_t word = table_load(&d->words[d->at / 8]);
    uint8_t bytes[sizeof word];
    memcpy(bytes, &word, sizeof word);
    return bytes[d->at++ % 8];
}

/* Moves behind the next text. Returns whether that is this one; NULL is none. */
static bool next_text_is(struct details *d, const char *text)
{
    size_t n = next_byte(d);
    uint64_t end = d->at + n + 1;
    bool same = text && strlen(text) == n;
    for (size_t i = 0; i < n && same; i++)
        same = next_byte(d) == (uint8_t)text[i];
    d->at = end;
    return same;
}

static bool has_tags(struct details *d, const struct table_filter *f)
{
    uint32_t wanted = (1u << f->n_tags) - 1;
    size_t n = next_byte(d);
    for (uint64_t start; n > 0 && wanted && !d->bad; n--) {
        start = d->at;
        for (uint32_t i = 0; i < f->n_tags; i++) {
            d->at = start;
            if (next_text_is(d, f->tags[i]))
                wanted &= ~(1u << i);
        }
    }
    return wanted == 0;
}

/* Whether the details at offset `at` (bytes) pass. */
static bool details_pass(const table_word *words, uint64_t n_words, uint64_t at, const struct table_filter *f)
{
    struct details d = {words, at, n_words * 8, false};
    (void)next_text_is(&d, NULL); /* host */
    bool here = !f->place[0];
    here |= next_text_is(&d, f->place); /* zone */
    here |= next_text_is(&d, f->place); /* region */
    (void)next_text_is(&d, NULL);       /* instance */
    (void)next_text_is(&d, NULL);       /* host name */
    return here && has_tags(&d, f) && !d.bad;
}

/* Whether the details pass whose offset is the i-th of those that begin at word `offsets`. */
static bool nth_details_pass(const table_word *words, uint64_t n_words, uint64_t offsets, uint32_t i,
                             const struct table_filter *f)
{
    if (!f->place[0] && !f->n_tags)
        return true;
    uint64_t pair = table_load(&words[offsets + i / 2]);
    return details_pass(words, n_words, (uint64_t)(uint32_t)(pair >> (i % 2 * 32)) * 8, f);
}

/* i: within the run. */
static bool run_details_pass(const struct table_run *run, uint32_t i, const struct table_filter *f)
{
    return nth_details_pass(run->words, run->n_words, run->endpoints + (uint64_t)run->n * TABLE_ENDPOINT_WORDS, i, f);
}

/* In the order of the table: the usable ones first, by priority, tier, id; then so the others. */
static bool is_behind(const struct discover_endpoint *e, bool usable, const struct discover_endpoint *after)
{
    bool after_usable = USABLE_STATES >> (after->state & 31) & 1;
    if (usable != after_usable)
        return after_usable;
    if (e->priority != after->priority)
        return e->priority > after->priority;
    if (e->tier != after->tier)
        return e->tier > after->tier;
    return e->id > after->id;
}

static bool passes(const struct table_filter *f, const struct discover_endpoint *e, bool usable)
{
    uint32_t states = f->states ? f->states : USABLE_STATES, state = 1u << (e->state & 31);
    if (!(state & states) || (!usable && (state & USABLE_STATES)))
        return false;
    return !f->by_protocol || e->protocol == f->protocol;
}

struct selection {
    const struct table_filter *filter;
    const struct discover_endpoint *after;
    struct discover_endpoint *out;
    size_t cap, n;
    uint64_t labels[RECORD_TAGS_MAX + 2]; /* that an instance must have: a run where one is not marked has none such */
    size_t n_labels;
};

static void add_label(struct selection *to, enum table_label kind, const char *text, size_t n)
{
    to->labels[to->n_labels++] = table_label_hash(kind, text, n);
}

static void add_labels(struct selection *to)
{
    const struct table_filter *f = to->filter;
    const char protocol = (char)f->protocol;
    for (uint32_t i = 0; i < f->n_tags; i++)
        add_label(to, TABLE_LABEL_TAG, f->tags[i], strlen(f->tags[i]));
    if (f->place[0])
        add_label(to, TABLE_LABEL_PLACE, f->place, strlen(f->place));
    if (f->by_protocol)
        add_label(to, TABLE_LABEL_PROTOCOL, &protocol, 1);
}

static bool may_have_some(const struct selection *to, const struct table_run *run)
{
    bool may = true;
    for (size_t i = 0; i < to->n_labels && may && run->marks; i++)
        may = table_is_marked(run->marks, TABLE_PAGE_MARK_BLOCKS, to->labels[i]);
    return may;
}

static void load_endpoint(const table_word *from, struct discover_endpoint *ret_endpoint)
{
    uint64_t words[TABLE_ENDPOINT_WORDS];
    for (int i = 0; i < TABLE_ENDPOINT_WORDS; i++)
        words[i] = table_load(&from[i]);
    memcpy(ret_endpoint, words, sizeof words);
}

/* i: within the run. */
static void load_nth(const struct table_run *run, uint32_t i, struct discover_endpoint *ret_endpoint)
{
    load_endpoint(run->words + run->endpoints + (uint64_t)i * TABLE_ENDPOINT_WORDS, ret_endpoint);
}

static int select_endpoints(const struct table_run *run, void *arg)
{
    struct selection *to = arg;
    if (run->first == 0)
        to->n = 0;
    if (!may_have_some(to, run))
        return 0;
    bool only_usable = !to->filter->states || !(to->filter->states & ~USABLE_STATES);
    for (uint32_t i = 0; i < run->n; i++) {
        struct discover_endpoint e;
        bool usable = run->first + i < run->n_first;
        if (!usable && only_usable)
            break;
        load_nth(run, i, &e);
        if (!passes(to->filter, &e, usable) || (to->after && !is_behind(&e, usable, to->after)) ||
            !run_details_pass(run, i, to->filter))
            continue;
        if (to->n < to->cap)
            to->out[to->n] = e;
        to->n++;
    }
    return 0;
}

int table_select(const struct table *t, const char *key, size_t n, const struct table_filter *filter,
                 const struct discover_endpoint *after, struct discover_endpoint *ret_endpoints, size_t cap,
                 size_t *ret_n)
{
    struct discover_endpoint behind; /* a copy: it may well lie in the buffer */
    struct selection to = {.filter = filter, .out = ret_endpoints, .cap = cap};
    if (after)
        to.after = memcpy(&behind, after, sizeof behind);
    add_labels(&to);
    int err = table_service_read(t, key, n, select_endpoints, &to);
    if (!err)
        *ret_n = to.n;
    return err;
}

bool table_view_passes(const struct table_view *v, uint32_t i, const struct table_filter *filter)
{
    return passes(filter, table_view_endpoint(v, i), i < v->n_first) &&
           nth_details_pass((const table_word *)v->words, v->n_words, v->offsets, i, filter);
}

struct sighting {
    const struct table_filter *filter;
    const struct discover_endpoint *known;
    struct discover_endpoint found;
    bool passes;
};

/* Among the usable ones of the run, which are in order; run->n: not there. */
static uint32_t find_in_run(const struct table_run *run, const struct discover_endpoint *known)
{
    uint32_t low = 0, high = run->first >= run->n_first ? 0 : run->n_first - run->first;
    high = high < run->n ? high : run->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct discover_endpoint e;
        load_nth(run, middle, &e);
        if (e.id == known->id)
            return middle;
        if (is_behind(&e, true, known))
            high = middle;
        else
            low = middle + 1;
    }
    return run->n;
}

static int sight(const struct table_run *run, void *arg)
{
    struct sighting *to = arg;
    if (run->first == 0)
        to->passes = false;
    uint32_t i = to->passes ? run->n : find_in_run(run, to->known);
    if (i == run->n)
        return 0;
    load_nth(run, i, &to->found);
    to->passes = passes(to->filter, &to->found, true) && run_details_pass(run, i, to->filter);
    return 0;
}

int table_select_again(const struct table *t, const char *key, size_t n, const struct table_filter *filter,
                       const struct discover_endpoint *known, struct discover_endpoint *ret_endpoint)
{
    struct sighting to = {.filter = filter, .known = known};
    int err = table_service_read(t, key, n, sight, &to);
    if (!err && !to.passes)
        err = -ESRCH;
    if (!err)
        *ret_endpoint = to.found;
    return err;
}

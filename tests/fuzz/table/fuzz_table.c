/* SPDX-License-Identifier: Apache-2.0 */
/* The input is the mapping: whatever it holds, readers neither crash nor hang nor read outside. */
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/entry.h"
#include "libdiscover/core/table_label.h"
#include "libdiscover/core/table_select.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static uint64_t walk(const struct table_view *v)
{
    uint64_t sum = 0;
    uint32_t details_of = v->kind == TABLE_SERVICE ? v->n_total : 1; /* a host's total is only a number to show */
    for (uint32_t i = 0; i < details_of; i++) {
        const uint8_t *details;
        size_t n;
        struct entry e;
        struct host_entry h;
        if (v->kind == TABLE_SERVICE)
            sum += table_view_endpoint(v, i)->id;
        if (table_view_details(v, i, &details, &n) == 0)
            sum += entry_read(details, n, &e) == 0 ? strlen(e.instance) : (uint64_t)host_entry_read(details, n, &h);
    }
    const char *name;
    size_t n, cursor = 0;
    while (table_view_name(v, &cursor, &name, &n) > 0)
        sum += (uint8_t)name[n - 1];
    return sum;
}

static bool enough(void *arg, const struct table_view *v, uint32_t from)
{
    return v->n_total - from > *(uint64_t *)arg;
}

static uint64_t look_up(const struct table *t, struct table_view *v)
{
    struct discover_endpoint e[16];
    const struct table_filter filter = {.states = 255, .place = "eu", .n_tags = 1, .tags = {"canary"}};
    uint64_t hash = table_label_hash(TABLE_LABEL_TAG, "canary", 6), sum = 0;
    const struct table_page_filter some = {.labels = {hash}, .n_labels = 1, .enough = enough, .arg = &hash};
    size_t found = 0;
    sum += (uint64_t)table_endpoints(t, "shop/pay", 8, e, 16, &found);
    sum += (uint64_t)table_select(t, "shop/pay", 8, &filter, NULL, e, 16, &found);
    for (uint32_t slot = 0; slot < table_slots_used(t) && slot < 256; slot++) {
        if (table_view_read(t, slot, v) == 0)
            sum += walk(v);
        if (table_view_read_some(t, slot, &some, v) == 0)
            sum += walk(v);
    }
    return sum + found;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct table t;
    struct table_view v;
    volatile uint64_t sum = 0;
    uint64_t *words = malloc(n / 8 * 8 + 8);
    memcpy(words, bytes, n / 8 * 8);
    if (table_attach((const table_word *)words, n / 8, &t) == 0) {
        table_view_init(&v);
        if (table_view_find(&t, "shop/", 5, &v) == 0)
            sum += walk(&v);
        sum += look_up(&t, &v);
        sum += (uint64_t)table_age_ns(&t, 1) + table_serial(&t) + table_sync(&t);
        table_view_fini(&v);
    }
    free(words);
    (void)sum;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A stack of keys, and when to go on with it. */
#include "daemon/agent/name_notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"

#define LATER_NS (20 * NS_PER_MS) /* behind whatever the registration has set in motion */
#define PAUSE_NS (2 * NS_PER_MS)

void name_notes_fini(struct name_notes *notes)
{
    free(notes->due);
    *notes = (struct name_notes){.n = 0};
}

static int grow(struct name_notes *notes)
{
    size_t cap = notes->cap ? 2 * notes->cap : 16;
    struct instance_key *due = realloc(notes->due, cap * sizeof *due);
    if (!due)
        return -ENOMEM;
    notes->due = due;
    notes->cap = cap;
    return 0;
}

int name_notes_add(struct name_notes *notes, const struct instance_key *key, int64_t now_ns)
{
    if (notes->n == notes->cap && grow(notes) < 0)
        return -ENOMEM;
    if (notes->n == 0)
        notes->due_ns = now_ns + LATER_NS;
    notes->due[notes->n++] = *key;
    return 0;
}

bool name_notes_take(struct name_notes *notes, struct instance_key *ret_key)
{
    if (notes->n == 0)
        return false;
    *ret_key = notes->due[--notes->n];
    if (notes->n == 0)
        name_notes_fini(notes);
    return true;
}

void name_notes_pause(struct name_notes *notes, int64_t now_ns)
{
    notes->due_ns = now_ns + PAUSE_NS;
}

int64_t name_notes_deadline(const struct name_notes *notes)
{
    return notes->n ? notes->due_ns : INT64_MAX;
}

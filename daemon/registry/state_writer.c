/* SPDX-License-Identifier: Apache-2.0 */
/* Writes files of the state directory on a thread: those that wait are a table, those under way a list of some of them. */
#include "daemon/registry/state_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/agent/stored.h"
#include "daemon/base/background.h"
#include "daemon/base/hash.h"

#define LATER_NS (20 * NS_PER_MS) /* so that the other work of the same change comes first */
/* most notes that wait to be forgotten; those to be kept are limited by the number of registrations */
#define DUE_MAX 16384
#define BATCH   512 /* at most at a time: so many are taken and freed between two events of the loop */

struct note {
    UT_hash_handle hh; /* in due, by name */
    struct note *next; /* in batch */
    char name[STORED_NAME_CAP];
    size_t n; /* 0: the name is to be forgotten */
    uint8_t bytes[];
};

struct state_writer {
    struct state_dir *state_dir;
    state_writer_fn *written;
    void *arg;
    struct background background;
    struct loop_timer timer;
    bool armed;
    /* batch belongs to the thread until it is done; only looking for a name in it is allowed */
    struct note *due, *batch;
    int err; /* the first failure of the batch */
};

static struct note *find_due(const struct state_writer *w, const char *name)
{
    struct note *note;
    HASH_FIND_STR(w->due, name, note);
    return note;
}

static bool is_under_way(const struct state_writer *w, const char *name)
{
    const struct note *note = w->batch;
    while (note && strcmp(note->name, name) != 0)
        note = note->next;
    return note != NULL;
}

static int write_one(struct state_writer *w, const char *name, const uint8_t *bytes, size_t n)
{
    return n ? state_dir_store(w->state_dir, name, bytes, n) : state_dir_forget(w->state_dir, name);
}

static void write_batch(void *arg)
{
    struct state_writer *w = arg;
    w->err = 0;
    for (const struct note *note = w->batch; note; note = note->next) {
        int err = write_one(w, note->name, note->bytes, note->n);
        w->err = err ? err : w->err;
    }
}

static void drop_due(struct state_writer *w, struct note *note)
{
    HASH_DEL(w->due, note);
    free(note);
}

static void arm(struct state_writer *w)
{
    int64_t now_ns = clock_now_ns();
    if (!w->armed && !w->batch && w->due)
        loop_timer_arm(&w->timer, now_ns + LATER_NS, now_ns);
    w->armed = !w->batch && w->due;
}

static void batch_done(void *arg)
{
    struct state_writer *w = arg;
    while (w->batch) {
        struct note *note = w->batch;
        LL_DELETE(w->batch, note);
        free(note);
    }
    w->written(w->arg, w->err);
    arm(w);
}

static void begin(void *arg)
{
    struct state_writer *w = arg;
    w->armed = false;
    for (int n = 0; w->due && n < BATCH; n++) {
        struct note *note = w->due;
        HASH_DEL(w->due, note);
        LL_PREPEND(w->batch, note); /* their order does not matter: each name is there once */
    }
    background_run(&w->background, write_batch, batch_done, w);
}

/* Waits for the batch if that has the same name, so that no older note is written over this one. */
static void write_now(struct state_writer *w, const char *name, const uint8_t *bytes, size_t n)
{
    if (is_under_way(w, name))
        background_finish(&w->background);
    w->written(w->arg, write_one(w, name, bytes, n));
}

static struct note *note_new(const char *name, const uint8_t *bytes, size_t n)
{
    struct note *note = calloc(1, sizeof *note + n);
    if (!note)
        return NULL;
    memcpy(note->name, name, strnlen(name, sizeof note->name - 1));
    if (n)
        memcpy(note->bytes, bytes, n);
    note->n = n;
    return note;
}

void state_writer_put(struct state_writer *w, const char *name, const uint8_t *bytes, size_t n)
{
    struct note *note = find_due(w, name);
    if (note)
        drop_due(w, note);
    bool full = n == 0 && HASH_COUNT(w->due) >= DUE_MAX && !is_under_way(w, name);
    note = full ? NULL : note_new(name, bytes, n);
    if (note)
        HASH_ADD_STR(w->due, name, note);
    if (note && hash_added(&note->hh)) {
        arm(w);
        return;
    }
    free(note);
    write_now(w, name, bytes, n);
}

int state_writer_new(struct event_base *base, struct state_dir *state_dir, state_writer_fn *written, void *arg,
                     struct state_writer **ret_w)
{
    struct state_writer *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    w->state_dir = state_dir;
    w->written = written;
    w->arg = arg;
    w->background.done_fd = -1;
    int err = loop_timer_init(&w->timer, base, begin, w);
    if (!err)
        err = background_init(&w->background, base);
    if (err)
        state_writer_free(w);
    else
        *ret_w = w;
    return err;
}

void state_writer_free(struct state_writer *w)
{
    if (!w)
        return;
    background_finish(&w->background);
    while (w->due) {
        begin(w);
        background_finish(&w->background);
    }
    background_fini(&w->background);
    loop_timer_fini(&w->timer);
    free(w);
}

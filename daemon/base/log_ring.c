/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines that were logged. */
#include "daemon/base/log_ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct line {
    int64_t time_ms;
    int level;
    char text[];
};

static struct {
    pthread_mutex_t lock;
    struct line *lines[LOG_RING_LINES]; /* the line of a number is at its remainder; NULL: there was no memory for it */
    uint64_t last;                      /* number of the newest; 0: none yet */
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_int wanted_level;
static atomic_llong wanted_until_ns;

void log_ring_want(int level, int64_t until_ns)
{
    atomic_store_explicit(&wanted_level, level, memory_order_relaxed);
    atomic_store_explicit(&wanted_until_ns, until_ns, memory_order_relaxed);
}

int log_ring_level(int64_t now_ns)
{
    bool wanted = now_ns < atomic_load_explicit(&wanted_until_ns, memory_order_relaxed);
    return wanted ? atomic_load_explicit(&wanted_level, memory_order_relaxed) : 0;
}

void log_ring_put(int level, int64_t time_ms, const char *text, size_t n)
{
    struct line *line = malloc(sizeof *line + n + 1), *old;
    if (line) {
        line->time_ms = time_ms;
        line->level = level;
        memcpy(line->text, text, n);
        line->text[n] = '\0';
    }
    pthread_mutex_lock(&ring.lock);
    struct line **slot = &ring.lines[++ring.last % LOG_RING_LINES];
    old = *slot;
    *slot = line;
    pthread_mutex_unlock(&ring.lock);
    free(old);
}

uint64_t log_ring_read(uint64_t after, int level, size_t max, log_ring_fn *fn, void *arg, uint64_t *ret_missed)
{
    pthread_mutex_lock(&ring.lock);
    uint64_t first = ring.last > LOG_RING_LINES ? ring.last - LOG_RING_LINES + 1 : 1;
    uint64_t at = after > ring.last ? ring.last : after; /* a number of an earlier life */
    *ret_missed = at + 1 < first ? first - at - 1 : 0;
    at = at + 1 < first ? first - 1 : at;
    while (at < ring.last && max > 0) {
        const struct line *line = ring.lines[++at % LOG_RING_LINES];
        if (!line || line->level > level)
            continue;
        fn(arg, &(struct log_ring_line){at, line->time_ms, line->level, line->text});
        max--;
    }
    pthread_mutex_unlock(&ring.lock);
    return at;
}

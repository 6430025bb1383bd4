/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines that were logged. */
#include "daemon/base/log_ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* A line, and its text with a NUL. Its size is a multiple of LINE_UNIT, so that a header always fits before the end of the ring. */
struct line {
    uint64_t number; /* 0: no line, but the rest of the ring, which was too short for the next one */
    int64_t time_ms;
    int level;
    uint32_t bytes;
    char text[];
};

#define LINE_UNIT 32
_Static_assert(sizeof(struct line) <= LINE_UNIT && LOG_RING_BYTES % LINE_UNIT == 0, "the ring ends between two lines");

/* One piece of memory: lines that live for long and lie between others' would keep the heap from ever shrinking. */
static struct {
    pthread_mutex_t lock;
    uint64_t begin, end; /* of what is kept: positions, which only grow */
    uint64_t last, n;    /* number of the newest; lines that are kept */
    _Alignas(LINE_UNIT) uint8_t bytes[LOG_RING_BYTES];
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

static struct line *line_at(uint64_t position)
{
    return (struct line *)(ring.bytes + position % LOG_RING_BYTES);
}

/* Makes room for a line at the end; the oldest lines go for it. */
static struct line *append(uint32_t bytes)
{
    struct line *line = line_at(ring.end);
    while (ring.end + bytes - ring.begin > LOG_RING_BYTES) {
        ring.n -= line_at(ring.begin)->number != 0;
        ring.begin += line_at(ring.begin)->bytes;
    }
    ring.end += bytes;
    line->bytes = bytes;
    line->number = 0;
    return line;
}

void log_ring_put(int level, int64_t time_ms, const char *text, size_t n)
{
    n = n < LOG_RING_LINE_MAX ? n : LOG_RING_LINE_MAX;
    uint32_t bytes = (uint32_t)(sizeof(struct line) + n + LINE_UNIT) / LINE_UNIT * LINE_UNIT;
    pthread_mutex_lock(&ring.lock);
    uint32_t rest = (uint32_t)(LOG_RING_BYTES - ring.end % LOG_RING_BYTES);
    if (rest < bytes)
        (void)append(rest);
    struct line *line = append(bytes);
    line->number = ++ring.last;
    line->time_ms = time_ms;
    line->level = level;
    memcpy(line->text, text, n);
    line->text[n] = '\0';
    ring.n++;
    pthread_mutex_unlock(&ring.lock);
}

uint64_t log_ring_read(uint64_t after, int level, size_t max, log_ring_fn *fn, void *arg, uint64_t *ret_missed)
{
    pthread_mutex_lock(&ring.lock);
    uint64_t at = after > ring.last ? ring.last : after; /* a number of an earlier life */
    uint64_t before = ring.last - ring.n;
    *ret_missed = at < before ? before - at : 0;
    at = at < before ? before : at;
    for (uint64_t position = ring.begin; position < ring.end && max > 0; position += line_at(position)->bytes) {
        const struct line *line = line_at(position);
        if (line->number <= at)
            continue;
        at = line->number;
        if (line->level > level)
            continue;
        fn(arg, &(struct log_ring_line){at, line->time_ms, line->level, line->text});
        max--;
    }
    pthread_mutex_unlock(&ring.lock);
    return at;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How many puts may be on their way to NATS at once: grows and shrinks with the time an acknowledgement takes. */
#include "daemon/agent/window.h"

#include "libdiscover/core/clock.h"

#define SLOW_FACTOR 4
/* answers quicker than this are never slow: a disk's hiccup on a quick server is no congestion */
#define SLOW_FLOOR_NS (20 * NS_PER_MS)

void window_init(struct window *w, uint32_t max)
{
    *w = (struct window){.max = max < WINDOW_MIN ? WINDOW_MIN : max};
    window_reset(w);
}

void window_reset(struct window *w)
{
    w->size = w->max < WINDOW_START ? w->max : WINDOW_START;
    w->in_flight = w->acked = 0;
    w->base_ns = 0;
    w->cut_ns = INT64_MIN;
}

static void landed(struct window *w)
{
    if (w->in_flight > 0)
        w->in_flight--;
}

void window_cut(struct window *w, int64_t now_ns)
{
    w->size = w->size / 2 > WINDOW_MIN ? w->size / 2 : WINDOW_MIN;
    w->acked = 0;
    w->cut_ns = now_ns;
}

static void grow(struct window *w)
{
    if (++w->acked < w->size)
        return;
    w->acked = 0;
    w->base_ns += w->base_ns / 64;
    bool starting = w->cut_ns == INT64_MIN;
    uint32_t size = w->size + (starting ? w->size : WINDOW_STEP);
    w->size = size < w->max ? size : w->max;
}

void window_acked(struct window *w, int64_t sent_ns, int64_t rtt_ns, int64_t now_ns)
{
    landed(w);
    if (w->base_ns == 0 || rtt_ns < w->base_ns)
        w->base_ns = rtt_ns > 0 ? rtt_ns : 1;
    if (rtt_ns <= SLOW_FACTOR * w->base_ns + SLOW_FLOOR_NS)
        grow(w);
    else if (sent_ns > w->cut_ns)
        window_cut(w, now_ns);
}

void window_lost(struct window *w, int64_t sent_ns, int64_t now_ns)
{
    landed(w);
    if (sent_ns > w->cut_ns)
        window_cut(w, now_ns);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Times of one kind, their median and p99, and the line of JSON they become. One thread. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLES_MAX 4000

struct samples {
    size_t n;
    int64_t ns[SAMPLES_MAX];
};

void samples_add(struct samples *s, int64_t time_ns); /* beyond SAMPLES_MAX: ignored */

/* The value below which that share (0..1) of the samples lies. 0 without samples. */
int64_t samples_quantile(struct samples *s, double share);

/* Against another measurement: reached when the ratio of the medians is at most target. */
void samples_print_ratio(const char *name, struct samples *s, struct samples *floor, double target);

/* In microseconds: reached when the median is at most target_us; the other is told beside it. */
void samples_print_us(const char *name, struct samples *s, struct samples *floor, double target_us);

/* Against a time: reached when the p99 is at most target_ms. */
void samples_print_limit(const char *name, struct samples *s, double target_ms);

#endif

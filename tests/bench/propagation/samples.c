/* SPDX-License-Identifier: Apache-2.0 */
/* Medians and their lines of JSON. */
#include "tests/bench/propagation/samples.h"

#include <stdio.h>
#include <stdlib.h>

void samples_add(struct samples *s, int64_t time_ns)
{
    if (s->n < SAMPLES_MAX)
        s->ns[s->n++] = time_ns;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int64_t samples_quantile(struct samples *s, double share)
{
    if (s->n == 0)
        return 0;
    qsort(s->ns, s->n, sizeof s->ns[0], by_size);
    return s->ns[(size_t)(share * (double)(s->n - 1) + 0.5)];
}

static double ms(int64_t ns)
{
    return (double)ns / 1e6;
}

void samples_print_ratio(const char *name, struct samples *s, struct samples *floor, double target)
{
    double value = ms(samples_quantile(s, 0.5)), base = ms(samples_quantile(floor, 0.5)), ratio = value / base;

    printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"ms\",\"p99\":%.3f,\"floor\":%.3f,\"ratio\":%.2f,"
           "\"target\":%.2f,\"ok\":%s}\n",
           name, value, ms(samples_quantile(s, 0.99)), base, ratio, target, ratio <= target ? "true" : "false");
    fflush(stdout);
}

void samples_print_limit(const char *name, struct samples *s, double target_ms)
{
    double p99 = ms(samples_quantile(s, 0.99));

    printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"ms\",\"p99\":%.3f,\"floor\":null,\"ratio\":null,"
           "\"target\":%.0f,\"ok\":%s}\n",
           name, ms(samples_quantile(s, 0.5)), p99, target_ms, p99 <= target_ms ? "true" : "false");
    fflush(stdout);
}

void samples_print_us(const char *name, struct samples *s, struct samples *floor, double target_us)
{
    double value = ms(samples_quantile(s, 0.5)) * 1e3, base = ms(samples_quantile(floor, 0.5)) * 1e3;

    printf("{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"us\",\"p99\":%.1f,\"floor\":%.1f,\"ratio\":%.2f,"
           "\"target\":%.0f,\"ok\":%s}\n",
           name, value, ms(samples_quantile(s, 0.99)) * 1e3, base, value / base, target_us,
           value <= target_us ? "true" : "false");
    fflush(stdout);
}

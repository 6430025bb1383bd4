/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of /proc/PID/smaps_rollup. */
#include "tests/soak/soak_memory.h"

#include <math.h>
#include <stdio.h>

#include "libdiscover/core/clock.h"

#define SAMPLES_MAX 10000
#define WARM_UP_H   (10.0 / 60)

static double hours[SAMPLES_MAX], used[SOAK_LASTING][SAMPLES_MAX];
static size_t n;

double soak_memory_now(const struct soak_fleet *fleet, unsigned host)
{
    char path[64], line[256];
    unsigned long kb = 0, value;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)fleet->host[host].proc.pid);
    FILE *in = fopen(path, "r");
    while (in && fgets(line, sizeof line, in))
        if (sscanf(line, "Anonymous: %lu kB", &value) == 1)
            kb = value;
    if (in)
        fclose(in);
    return (double)kb / 1024;
}

void soak_memory_sample(const struct soak_fleet *fleet, int64_t since_start_ns)
{
    double at = (double)since_start_ns / 1e9 / 3600;
    if (at < WARM_UP_H || n == SAMPLES_MAX)
        return;
    hours[n] = at;
    for (unsigned host = 0; host < SOAK_LASTING; host++)
        used[host][n] = soak_memory_now(fleet, host);
    n++;
}

static double slope(const double *y)
{
    double mean_x = 0, mean_y = 0, up = 0, down = 0;
    for (size_t i = 0; i < n; i++) {
        mean_x += hours[i] / (double)n;
        mean_y += y[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        up += (hours[i] - mean_x) * (y[i] - mean_y);
        down += (hours[i] - mean_x) * (hours[i] - mean_x);
    }
    return up / down;
}

double soak_memory_growth(void)
{
    double worst = NAN;
    for (unsigned host = 0; host < SOAK_LASTING && n >= 3; host++)
        worst = fmax(worst, slope(used[host]));
    return worst;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How evenly pickers balance. */
#include <stdio.h>
#include "tests/support/simulation/simulation.h"
int main(void)
{
    const struct {
        size_t n, c;
    } loads[] = {{16, 1}, {16, 8}, {16, 32}, {3, 1}, {3, 8}, {3, 32}, {3, 128}};
    for (size_t i = 0; i < 7; i++)
        for (enum policy p = 0; p <= POLICY_PEAK_EWMA; p++) {
            struct simulation *s = simulation_new(loads[i].n, p, loads[i].c);
            simulation_run(s, 5, loads[i].n * .8 / 1.78 * 1000);
            simulation_run(s, 20, loads[i].n * .8 / 1.78 * 1000);
            printf("%zu servers %zu clients policy %d: mean %.2f p99 %.2f lost %lu\n", loads[i].n, loads[i].c, p,
                   s->results.mean_ms, s->results.p99_ms, s->results.lost);
            simulation_free(s);
        }
}

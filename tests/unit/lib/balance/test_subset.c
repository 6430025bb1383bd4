/* SPDX-License-Identifier: Apache-2.0 */
/* Subsets are even over the instances, and stay when others come and go. */
#include "libdiscover/balance/subset.h"

#include <string.h>

#include "tests/support/unit.h"

#define N    100
#define SIZE 10

static struct discover_endpoint endpoints[N];

static void setup(void)
{
    memset(endpoints, 0, sizeof endpoints);
    for (uint32_t i = 0; i < N; i++) {
        endpoints[i].families = DISCOVER_HAS_IPV4;
        endpoints[i].ipv4[3] = (uint8_t)i;
        endpoints[i].port = 8080;
    }
}

START_TEST(every_instance_gets_its_share_of_clients)
{
    for (uint32_t clients = 20; clients <= 1000; clients *= 7) {
        uint32_t counts[N] = {0}, chosen[SIZE];
        for (uint32_t client = 0; client < clients; client++) {
            ck_assert_int_eq(subset_choose(endpoints, N, SIZE, client, chosen), 0);
            for (size_t i = 0; i < SIZE; i++) {
                ck_assert(i == 0 || chosen[i] > chosen[i - 1]);
                counts[chosen[i]]++;
            }
        }
        for (size_t i = 0; i < N; i++) {
            ck_assert_uint_ge(counts[i] + 2, clients * SIZE / N);
            ck_assert_uint_le(counts[i], clients * SIZE / N + 2);
        }
    }
}
END_TEST

START_TEST(one_that_goes_moves_a_client_by_two_at_most)
{
    uint32_t before[SIZE], after[SIZE];
    for (uint32_t client = 0; client < 200; client++) {
        size_t kept = 0;
        ck_assert_int_eq(subset_choose(endpoints, N, SIZE, client, before), 0);
        ck_assert_int_eq(subset_choose(endpoints + 1, N - 1, SIZE, client, after), 0);
        for (size_t i = 0; i < SIZE; i++)
            for (size_t k = 0; k < SIZE; k++)
                kept += before[i] == after[k] + 1;
        ck_assert_uint_ge(kept, SIZE - 2);
    }
}
END_TEST

UNIT_TESTS_IN(setup, NULL, "subset", every_instance_gets_its_share_of_clients,
              one_that_goes_moves_a_client_by_two_at_most)

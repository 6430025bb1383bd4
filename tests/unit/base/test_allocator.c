/* SPDX-License-Identifier: Apache-2.0 */
/* What many small blocks once took is given back, though others behind them are still in use. */
#include "daemon/base/allocator.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/unit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_MALLOC true /* the sanitizer's */
#else
#define OTHER_MALLOC false
#endif

enum { BLOCKS = 2500, BYTES = 1000, MINUTE_S = 60 };

static long resident_bytes(void)
{
    long size, resident = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_int_eq(fscanf(in, "%ld %ld", &size, &resident), 2);
    fclose(in);
    return resident * sysconf(_SC_PAGESIZE);
}

START_TEST(free_blocks_between_others_take_no_memory)
{
    static char *block[BLOCKS];
    if (OTHER_MALLOC)
        return;
    allocator_init();
    for (size_t i = 0; i < BLOCKS; i++) {
        block[i] = malloc(BYTES);
        ck_assert_ptr_nonnull(block[i]);
        memset(block[i], 1, BYTES);
    }
    for (size_t i = 0; i < BLOCKS - 1; i++)
        if (i % 50)
            free(block[i]);
    long before = resident_bytes();
    for (int s = 0; s < MINUTE_S; s++)
        allocator_second();
    ck_assert_int_gt(before - resident_bytes(), BLOCKS * BYTES / 2);
    for (size_t i = 0; i < BLOCKS - 1; i += 50)
        free(block[i]);
    free(block[BLOCKS - 1]);
}
END_TEST

UNIT_TESTS("base/allocator", free_blocks_between_others_take_no_memory)

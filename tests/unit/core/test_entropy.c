/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers without a kernel that can say any yet: hosts that start together must not come at the same one. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libdiscover/core/entropy.h"
#include "tests/support/unit.h"

#define NUMBERS 2000

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(numbers_of_clocks_differ)
{
    uint64_t numbers[NUMBERS];
    unsigned ones = 0;
    for (size_t i = 0; i < NUMBERS; i++) {
        numbers[i] = entropy_of_clocks();
        ones += (unsigned)__builtin_popcountll(numbers[i]);
    }
    qsort(numbers, NUMBERS, sizeof *numbers, compare);
    for (size_t i = 1; i < NUMBERS; i++)
        ck_assert_uint_ne(numbers[i - 1], numbers[i]);
    ck_assert_uint_gt(ones, NUMBERS * 31); /* over all bits */
    ck_assert_uint_lt(ones, NUMBERS * 33);
}
END_TEST

/* Also of two processes that are the same but for their number. */
START_TEST(numbers_of_processes_differ)
{
    int to_us[2];
    uint64_t own, other;
    ck_assert_int_eq(pipe(to_us), 0);
    pid_t child = fork();
    if (child == 0) {
        uint64_t number = entropy_of_clocks();
        _exit(write(to_us[1], &number, sizeof number) != sizeof number);
    }
    own = entropy_of_clocks();
    ck_assert_int_eq(read(to_us[0], &other, sizeof other), sizeof other);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_uint_ne(own, other);
    ck_assert_uint_ne(entropy_64(), entropy_64());
}
END_TEST

UNIT_TESTS("core/entropy", numbers_of_clocks_differ, numbers_of_processes_differ)

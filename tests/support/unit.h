/* SPDX-License-Identifier: Apache-2.0 */
/* The main function of a unit test: runs one suite, prints Check's summary line, exits 1 on a failure. */
#ifndef SUPPORT_UNIT_H
#define SUPPORT_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Usage: UNIT_TESTS("label", test_a, test_b, ...) at the end of the file. */
#define UNIT_TESTS(name, ...) UNIT_TESTS_IN(NULL, NULL, name, __VA_ARGS__)

/* The same, with what is done before and after each test, in its process; NULL: nothing. */
#define UNIT_TESTS_IN(before, after, name, ...)                                                                        \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const TTest *const tests[] = {__VA_ARGS__};                                                                    \
        Suite *suite = suite_create(name);                                                                             \
        TCase *tcase = tcase_create(name);                                                                             \
        tcase_set_timeout(tcase, 300);                                                                                 \
        tcase_add_checked_fixture(tcase, before, after);                                                               \
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)                                                      \
            tcase_add_test(tcase, tests[i]);                                                                           \
        suite_add_tcase(suite, tcase);                                                                                 \
        SRunner *runner = srunner_create(suite);                                                                       \
        srunner_run_all(runner, CK_NORMAL);                                                                            \
        int failed = srunner_ntests_failed(runner);                                                                    \
        srunner_free(runner);                                                                                          \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                                                   \
    }

#endif

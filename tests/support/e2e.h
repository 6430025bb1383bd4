/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of an end-to-end test: a main function that runs each test (or only the one that E2E_TEST names) in a
 * process of its own with a fresh folder. When tests fail, what was wrong with each is printed first, and then the last
 * lines of the logs of everything they started, those of nats-server behind the others: reports of failures are cut. The
 * folder is removed unless DISCOVER_KEEP=1. At the end of a test that did not fail, the daemons that still run are
 * asked to stop and must do so cleanly: a leak or a crash at the end fails the test as well.
 */
#ifndef SUPPORT_E2E_H
#define SUPPORT_E2E_H

#include <check.h>
#include <stddef.h>

struct e2e_test {
    const char *name;
    const TTest *test;
};

int e2e_main(const char *name, const struct e2e_test *tests, size_t n_tests, int timeout_s);

/* The fresh folder of the running test; absolute. */
const char *e2e_folder(void);

/* What to do at the end of a test that did not fail, last registered first. At most 32. */
void e2e_at_end(void (*fn)(void *arg), void *arg);

/* Where discoverd and discoverctl are: $DISCOVER_BIN_DIR, else this build's. Static. */
const char *e2e_binary(const char *program);

/* Usage: E2E_TESTS("label", 60, {"test_a", test_a}, ...) at the end of the file. */
#define E2E_TESTS(label, timeout_s, ...)                                                                               \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct e2e_test tests[] = {__VA_ARGS__};                                                                 \
        return e2e_main(label, tests, sizeof tests / sizeof *tests, timeout_s);                                        \
    }

#endif

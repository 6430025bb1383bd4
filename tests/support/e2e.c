/* SPDX-License-Identifier: Apache-2.0 */
/* Runs end-to-end tests: one process and one fresh folder each, logs on failure, a clean end on success. */
#include "tests/support/e2e.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT_END_MAX 32
#define LOG_TAIL   (16 * 1024)

/* Of the running test; each test is a process of its own. */
static char folder[256];
static struct {
    void (*fn)(void *);
    void *arg;
} at_end[AT_END_MAX];
static size_t n_at_end;

const char *e2e_folder(void)
{
    ck_assert_msg(folder[0], "no test runs");
    return folder;
}

void e2e_at_end(void (*fn)(void *arg), void *arg)
{
    ck_assert_uint_lt(n_at_end, AT_END_MAX);
    at_end[n_at_end].fn = fn;
    at_end[n_at_end++].arg = arg;
}

const char *e2e_binary(const char *program)
{
    static char path[2][512];
    char *ret = path[strcmp(program, "discoverd") == 0];
    const char *from = getenv("DISCOVER_BIN_DIR");

    snprintf(ret, sizeof path[0], "%s/%s", from ? from : DISCOVER_BIN_DIR, program);
    return ret;
}

/* Unchecked fixtures run in the parent, around the test's process. */
static void folder_make(void)
{
    const char *top = getenv("TMPDIR");

    snprintf(folder, sizeof folder, "%s/discover-test-XXXXXX", top ? top : "/tmp");
    if (!mkdtemp(folder)) {
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
        exit(EXIT_FAILURE);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void print_log(const char *name)
{
    char path[sizeof folder + 300], line[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *log = fopen(path, "r");
    if (!log)
        return;
    printf("---- %s\n", name);
    if (fseek(log, -LOG_TAIL, SEEK_END) == 0)
        printf("...\n");
    else
        rewind(log);
    while (fgets(line, sizeof line, log))
        fputs(line, stdout);
    fclose(log);
}

static void print_logs(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);
        if (n > 4 && strcmp(entry->d_name + n - 4, ".log") == 0)
            print_log(entry->d_name);
    }
    if (dir)
        closedir(dir);
    fflush(stdout);
}

static void folder_end(void)
{
    char passed[sizeof folder + 8];

    snprintf(passed, sizeof passed, "%s/passed", folder);
    if (access(passed, F_OK) != 0)
        print_logs();
    if (getenv("DISCOVER_KEEP"))
        printf("-- kept %s\n", folder);
    else
        (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = 0;
}

/* Checked fixtures run in the test's process; the second only when the test came to its end. */
static void test_begin(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
}

static void test_end(void)
{
    char passed[sizeof folder + 8];

    while (n_at_end > 0) {
        n_at_end--;
        at_end[n_at_end].fn(at_end[n_at_end].arg);
    }
    snprintf(passed, sizeof passed, "%s/passed", folder);
    FILE *mark = fopen(passed, "w");
    ck_assert_ptr_nonnull(mark);
    fclose(mark);
}

int e2e_main(const char *name, const struct e2e_test *tests, size_t n_tests, int timeout_s)
{
    Suite *suite = suite_create(name);
    const char *only = getenv("E2E_TEST");
    bool found = false;

    /* One test case a test: unchecked fixtures are run once a case. */
    for (size_t i = 0; i < n_tests; i++) {
        if (only && strcmp(only, tests[i].name) != 0)
            continue;
        found = true;
        TCase *tcase = tcase_create(tests[i].name);
        tcase_set_timeout(tcase, timeout_s);
        tcase_add_unchecked_fixture(tcase, folder_make, folder_end);
        tcase_add_checked_fixture(tcase, test_begin, test_end);
        tcase_add_test(tcase, tests[i].test);
        suite_add_tcase(suite, tcase);
    }
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (!found)
        fprintf(stderr, "there is no test %s\n", only ? only : "at all");
    return failed || !found ? EXIT_FAILURE : EXIT_SUCCESS;
}

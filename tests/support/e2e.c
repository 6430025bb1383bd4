/* SPDX-License-Identifier: Apache-2.0 */
/* Runs end-to-end tests: one process and one fresh folder each, logs on failure, a clean end on success. */
#include "tests/support/e2e.h"

#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT_END_MAX 32
#define FOLDER_CAP 256
#define BUSY       3 /* so many times as long may it take on a busy machine */
#define FAILED_MAX 32
#define LOG_TAIL   (16 * 1024)

/* Of what is printed of each log when a test fails. */
#define OWN_LINES    60
#define SERVER_LINES 30

/* Of the running test; each test is a process of its own. */
static char folder[FOLDER_CAP];
static struct {
    void (*fn)(void *);
    void *arg;
} at_end[AT_END_MAX];
static size_t n_at_end;

/* Of the program: folders of tests that failed, in the order in which Check reports them. */
static char failed[FAILED_MAX][FOLDER_CAP];
static size_t n_failed;

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

/* The last lines of it, at most so many. */
static void print_log(const char *path, int lines)
{
    static char tail[LOG_TAIL];
    FILE *log = fopen(path, "r");

    if (!log)
        return;
    bool whole = fseek(log, -LOG_TAIL, SEEK_END) < 0; /* then it stays where it is */
    size_t n = fread(tail, 1, sizeof tail, log), at = n;
    while (at > 0 && (lines -= tail[at - 1] == '\n') >= 0)
        at--;
    printf("---- %s\n%s%.*s", strrchr(path, '/') + 1, whole && at == 0 ? "" : "...\n", (int)(n - at), tail + at);
    fclose(log);
}

/* Those of our programs first: a report that is cut has them, and nats-server says little in many lines. */
static void print_logs(const char *of)
{
    char pattern[FOLDER_CAP + 8];
    glob_t logs = {0};

    snprintf(pattern, sizeof pattern, "%s/*.log", of);
    (void)glob(pattern, 0, NULL, &logs);
    for (int servers = 0; servers <= 1; servers++)
        for (size_t i = 0; i < logs.gl_pathc; i++)
            if ((strncmp(strrchr(logs.gl_pathv[i], '/'), "/nats-", 6) == 0) == servers)
                print_log(logs.gl_pathv[i], servers ? SERVER_LINES : OWN_LINES);
    globfree(&logs);
}

static void folder_remove(const char *path)
{
    if (getenv("DISCOVER_KEEP"))
        printf("-- kept %s\n", path);
    else
        (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The logs of what failed come after Check's own report: what was seen stands in the first lines. */
static void folder_end(void)
{
    char passed[sizeof folder + 8];

    snprintf(passed, sizeof passed, "%s/passed", folder);
    if (access(passed, F_OK) == 0)
        folder_remove(folder);
    else if (n_failed < FAILED_MAX)
        memcpy(failed[n_failed++], folder, sizeof folder);
    folder[0] = 0;
}

static void print_failed(void)
{
    for (size_t i = 0; i < n_failed; i++) {
        printf("==== logs of the failed test %zu\n", i + 1);
        print_logs(failed[i]);
        folder_remove(failed[i]);
    }
    fflush(stdout);
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
        tcase_set_timeout(tcase, BUSY * timeout_s);
        tcase_add_unchecked_fixture(tcase, folder_make, folder_end);
        tcase_add_checked_fixture(tcase, test_begin, test_end);
        tcase_add_test(tcase, tests[i].test);
        suite_add_tcase(suite, tcase);
    }
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_NORMAL);
    print_failed();
    bool ok = found && srunner_ntests_failed(runner) == 0;
    srunner_free(runner);
    if (!found)
        fprintf(stderr, "there is no test %s\n", only ? only : "at all");
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

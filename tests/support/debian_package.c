/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches programs out of packages of other Debian suites, to test with their versions. */
#include "tests/support/debian_package.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/support/proc.h"

#define FETCH_MS 120000

const char *debian_package_file(const char *suite, const char *package, const char *file)
{
    static char path[512];
    struct proc fetch;

    snprintf(path, sizeof path, "%s/%s/%s/%s", PACKAGES_DIR, suite, package, file);
    proc_start(&fetch, "fetch-package", (const char *const[]){FETCH_PACKAGE, suite, package, PACKAGES_DIR, NULL}, NULL);
    if (proc_wait(&fetch, FETCH_MS) == 0 && access(path, F_OK) == 0)
        return path;
    printf("-- skipped: %s of Debian %s cannot be had\n", package, suite);
    return NULL;
}

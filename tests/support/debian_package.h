/* SPDX-License-Identifier: Apache-2.0 */
/* Programs as another suite of Debian packages them, fetched once for each build folder. The test's main thread. */
#ifndef SUPPORT_DEBIAN_PACKAGE_H
#define SUPPORT_DEBIAN_PACKAGE_H

#include <stddef.h>

/* Where the package has that file ("usr/bin/x") unpacked; NULL when it cannot be had, and says so as what is skipped. Static. */
const char *debian_package_file(const char *suite, const char *package, const char *file);

#endif

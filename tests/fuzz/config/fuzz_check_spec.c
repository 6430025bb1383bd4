/* SPDX-License-Identifier: Apache-2.0 */
/* The input is the text of a check: it is refused with a reason, or says the same of itself again. */
#include <stdlib.h>
#include <string.h>

#include "daemon/config/check_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char why[CONFIG_WHY_CAP] = "", first[CHECK_SPEC_CAP], second[CHECK_SPEC_CAP];
    char *text = strndup((const char *)bytes, n);
    struct check_spec spec;
    int err = text ? check_spec_parse(text, &spec, why) : -1;
    free(text);
    if (err)
        return 0;
    if (check_spec_format(&spec, first) < 0)
        abort();
    check_spec_fini(&spec);
    if (check_spec_parse(first, &spec, why) < 0 || check_spec_format(&spec, second) < 0 || strcmp(first, second) != 0)
        abort();
    check_spec_fini(&spec);
    return 0;
}

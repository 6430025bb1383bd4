/* SPDX-License-Identifier: Apache-2.0 */
/* The input is what the daemon sends: whatever it is, the library goes on or drops the connection. */
#include "tests/fuzz/lib/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct client c;
    if (n == 0)
        return 0;
    client_open(&c, bytes[0] & 1);
    for (size_t at = 1, part = n / 3 + 1; at < n; at += part) {
        client_hear(&c, bytes + at, part < n - at ? part : n - at);
        client_call(&c);
    }
    client_close(&c);
    return 0;
}

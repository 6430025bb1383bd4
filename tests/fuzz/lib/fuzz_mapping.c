/* SPDX-License-Identifier: Apache-2.0 */
/* The input is the table that the daemon shares: every kind of look-up gives an answer or an error. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/lib/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct client c;
    struct table t;
    uint64_t *words = malloc(n / 8 * 8 + 8);
    memcpy(words, bytes, n / 8 * 8);
    client_open(&c, false);
    if (table_attach((const table_word *)words, n / 8, &t) == 0 && mappings_install(&c.d->mappings, &t) == 0) {
        client_look_up(&c);
        if (discover_dispatch(c.d) == 0) /* its watch looks */
            client_look_up(&c);
        c.d->mappings.current->table.words = NULL; /* ours, not to be unmapped */
    }
    client_close(&c);
    free(words);
    return 0;
}

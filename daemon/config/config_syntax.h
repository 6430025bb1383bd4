/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of value is called, how it is kept, and what its text must look like. Const data, pure functions; any thread. */
#ifndef CONFIG_CONFIG_SYNTAX_H
#define CONFIG_CONFIG_SYNTAX_H

#include <stdbool.h>

#include "libdiscover/core/label.h"

enum value_store { STORE_TEXT, STORE_NUMBER, STORE_WORD, STORE_NS, STORE_BOOL, STORE_BLOCKS, STORE_PAIRS };

struct value_rules {
    const char *name, *plural;
    enum value_store store;
    /*
     * What is wrong with the form of a text that is not empty; NULL: nothing. A static text that says what it must be,
     * or is instead, to be read after the text itself. Whether what it names exists is not looked at.
     */
    const char *(*check)(const char *text);
    /* Guesses what a wrong text may have meant; false: no guess. NULL: this kind has no guesses. */
    bool (*nearest)(const char *text, char ret_text[static SERVICE_CAP]);
};

extern const struct value_rules value_kinds[]; /* by enum value_kind */

#endif

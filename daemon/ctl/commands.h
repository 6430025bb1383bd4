/* SPDX-License-Identifier: Apache-2.0 */
/* The table of discoverctl's subcommands: help, and completion for shells, come from it. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/options.h"

/* What a shell completes words with that are no options. */
enum command_words {
    WORDS_NONE,
    WORDS_SERVICES,
    WORDS_SERVICES_OR_HOSTS,
    WORDS_HOSTS,
    WORDS_FILES,
};

struct command {
    const char *name;
    command_fn *run;
    const char *summary;
    const struct option_spec *options; /* NULL: it has none */
    enum command_words words;
    const char *choices; /* fixed words that come first, one blank apart; NULL: there are none */
};

/* The last one has no name. */
extern const struct command commands[];

/* Options of subcommands, each in its file. */
extern const struct option_spec deregister_specs[], resolve_specs[], status_specs[], monitor_specs[], check_specs[],
    override_specs[], events_specs[];

#endif

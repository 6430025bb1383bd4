/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discoverctl's subcommands: each is a row, in its own file. How it is called, its help, what is wrong with a command line, and
 * completion for shells come from the rows. One thread.
 */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/options.h"

/* What a word that is no option must be, and what a shell completes it with. */
enum word_kind {
    WORD_NONE,
    WORD_ANY,
    WORD_CHOICE,  /* one of the command's choices */
    WORD_SERVICE, /* DOMAIN/SERVICE */
    WORD_LOOKUP,  /* the same, or with "@REGION" behind it */
    WORD_PART,    /* a service, or an instance of it; whoever is asked checks it */
    WORD_SUBJECT, /* the same, or a host */
    WORD_DOMAIN,
    WORD_INSTANCE,
    WORD_REGION,
    WORD_HOST,
    WORD_FILE,
    WORD_MAY = 64, /* added: it, and all that follow, may be missing */
};

/* A subcommand's command line. */
struct call {
    const struct ctl *ctl;
    const struct command *command;
    struct discover *d; /* connected; NULL: the command itself connects */
    struct words words; /* as many as the command takes, and each what it must be */
    const void *options;
};

struct command {
    const char *name, *summary;
    const char *usage; /* how it is called, with its name; other ways, if any, in lines of their own */
    const char *help;
    void (*more_help)(void); /* behind the options; NULL: nothing */

    int takes[OPTIONS_WORDS_MAX + 1];  /* enum word_kind */
    bool takes_command;                /* behind "--" */
    const char *choices;               /* one blank apart */
    const struct option_spec *options; /* NULL: it has none */
    size_t options_size;               /* of the structure that they are for */
    const void *defaults;              /* what is in it before; NULL: zeros */

    bool alone;                          /* it connects by itself, if at all */
    int (*run)(const struct call *call); /* the exit status */

    /* The daemon's document that it shows, and how; with -H that of another host. document NULL: there is none. */
    const char *document;
    const char *key; /* of what the words name, in a request over NATS; NULL: they name nothing */
    void (*print)(const json_t *document, FILE *out);
};

/* The last one is NULL. */
extern const struct command *const commands[];

/* NULL: there is none of that name. */
const struct command *command_find(const char *name);

/* Whether the words are those that it takes. -EINVAL with the reason in ret_why. */
int command_check_words(const struct command *c, const struct words *words, char ret_why[static OPTIONS_WHY_CAP]);

void command_print_help(const struct command *c);

/* The words with a slash between them, behind what comes before: "explain/shop/payment/p1". -EINVAL: too long. */
#define COMMAND_NAME_CAP 512
int command_join(const char *before, const struct words *words, char ret_name[static COMMAND_NAME_CAP]);

/* For rows: prints the document of the daemon here. */
int command_show(const struct call *call);

extern const struct command register_command, deregister_command, resolve_command, watch_command, list_command,
    hosts_command, regions_command, explain_command, check_command, checks_command, drain_command, undrain_command,
    maintenance_command, failover_command, reload_command, leave_command, forget_command, status_command,
    events_command, monitor_command, debug_command, completion_command;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of discoverctl's subcommands, and what is the same for all of them. */
#include "daemon/ctl/commands.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/label.h"

const struct command *const commands[] = {
    &register_command,
    &deregister_command,
    &resolve_command,
    &watch_command,
    &list_command,
    &hosts_command,
    &regions_command,
    &explain_command,
    &check_command,
    &checks_command,
    &drain_command,
    &undrain_command,
    &maintenance_command,
    &failover_command,
    &reload_command,
    &leave_command,
    &forget_command,
    &status_command,
    &events_command,
    &monitor_command,
    &debug_command,
    &completion_command,
    NULL,
};

const struct command *command_find(const char *name)
{
    const struct command *const *c = commands;
    while (*c && strcmp((*c)->name, name) != 0)
        c++;
    return *c;
}

/* --- words --- */

static bool is_choice(const char *choices, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = choices; n > 0 && (at = strstr(at, word)); at += n)
        if ((at == choices || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
            return true;
    return false;
}

static int refuse_lookup(const char *word, char ret_why[static OPTIONS_WHY_CAP])
{
    snprintf(ret_why, OPTIONS_WHY_CAP,
             "%.100s: not a service, which is written DOMAIN/SERVICE or DOMAIN/SERVICE@REGION", word);
    return -EINVAL;
}

static int check_word(const struct command *c, int kind, const char *word, char ret_why[static OPTIONS_WHY_CAP])
{
    static const char *const names[] = {
        [WORD_DOMAIN] = "domain", [WORD_INSTANCE] = "instance", [WORD_REGION] = "region", [WORD_HOST] = "host"};
    char domain[LABEL_CAP], service[LABEL_CAP], region[LABEL_CAP];
    if (kind == WORD_LOOKUP)
        return service_ref_parse(word, domain, service, region) < 0 ? refuse_lookup(word, ret_why) : 0;
    if (kind == WORD_CHOICE && !is_choice(c->choices, word))
        snprintf(ret_why, OPTIONS_WHY_CAP, "%.100s: must be one of: %s", word, c->choices);
    else if (kind == WORD_SERVICE && service_parse(word, domain, service) < 0)
        options_refuse_service(word, ret_why);
    else if (kind >= WORD_DOMAIN && kind <= WORD_HOST && !label_valid(word, strlen(word)))
        options_refuse_name(names[kind], word, ret_why);
    else
        return 0;
    return -EINVAL;
}

int command_check_words(const struct command *c, const struct words *words, char ret_why[static OPTIONS_WHY_CAP])
{
    bool may = false;
    size_t i = 0;
    for (; c->takes[i]; i++) {
        may |= c->takes[i] & WORD_MAY;
        if (i < words->n && check_word(c, c->takes[i] & ~WORD_MAY, words->word[i], ret_why) < 0)
            return -EINVAL;
        if (i >= words->n && !may) {
            snprintf(ret_why, OPTIONS_WHY_CAP, "a word is missing: discoverctl %.*s", (int)strcspn(c->usage, "\n"),
                     c->usage);
            return -EINVAL;
        }
    }
    bool no_command = words->command && (!c->takes_command || !*words->command);
    if (words->n > i)
        snprintf(ret_why, OPTIONS_WHY_CAP, "%.100s: one word too many", words->word[i]);
    else if (no_command)
        snprintf(ret_why, OPTIONS_WHY_CAP, c->takes_command ? "after -- a command must come" : "--: %s runs no command",
                 c->name);
    return words->n > i || no_command ? -EINVAL : 0;
}

void command_print_help(const struct command *c)
{
    printf("Usage: discoverctl %s\n\n%s", c->usage, c->help);
    if (c->options)
        putchar('\n');
    if (c->options)
        options_print(c->options, stdout);
    if (c->more_help)
        c->more_help();
}

/* --- documents --- */

int command_join(const char *before, const struct words *words, char ret_name[static COMMAND_NAME_CAP])
{
    size_t used = (size_t)snprintf(ret_name, COMMAND_NAME_CAP, "%s", before);
    for (size_t i = 0; i < words->n && used < COMMAND_NAME_CAP; i++)
        used += (size_t)snprintf(ret_name + used, COMMAND_NAME_CAP - used, "%s%s", used ? "/" : "", words->word[i]);
    return used < COMMAND_NAME_CAP ? 0 : -EINVAL;
}

int command_show(const struct call *call)
{
    const char *what = call->words.n ? call->words.word[0] : call->command->name;
    json_t *document;
    char name[COMMAND_NAME_CAP];
    if (command_join(call->command->document, &call->words, name) < 0)
        return ctl_usage_error("%.100s...: not a name", what);
    int err = ctl_document(call->d, name, &document);
    return err < 0 ? ctl_failed(call->d, what, err) : ctl_print_document(call->ctl, document, call->command->print);
}

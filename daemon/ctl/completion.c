/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts that complete discoverctl's words in a shell. */
#include <string.h>

#include "daemon/ctl/commands.h"

/* What is known by name is asked of the daemon; where there is none, nothing is offered. */
#define SERVICES "discoverctl list 2>/dev/null | cut -d' ' -f1"
#define HOSTS    "discoverctl hosts --all 2>/dev/null | cut -d' ' -f1"

static bool takes(const struct command *c, int kind, int other)
{
    for (const int *k = c->takes; *k; k++)
        if ((*k & ~WORD_MAY) == kind || (*k & ~WORD_MAY) == other)
            return true;
    return false;
}

static bool takes_service(const struct command *c)
{
    return takes(c, WORD_SERVICE, WORD_LOOKUP) || takes(c, WORD_PART, WORD_SUBJECT);
}

static bool takes_host(const struct command *c)
{
    return takes(c, WORD_HOST, WORD_SUBJECT);
}

static void print_names(FILE *out)
{
    for (const struct command *const *c = commands; *c; c++)
        fprintf(out, "%s ", (*c)->name);
}

static void print_options(const struct option_spec *specs, FILE *out)
{
    for (; specs && specs->name; specs++)
        fprintf(out, "--%s ", specs->name);
}

/* Options that take a value: what stands behind one is no word of the command. */
static void print_valued(FILE *out)
{
    fputs("-H|--host", out);
    for (const struct command *const *c = commands; *c; c++)
        for (const struct option_spec *s = (*c)->options; s && s->name; s++)
            if (s->value)
                fprintf(out, "|--%s", s->name);
}

/* --- bash; zsh runs the same by bashcompinit --- */

static void print_cases(FILE *out)
{
    for (const struct command *const *at = commands; *at; at++) {
        const struct command *c = *at;
        fprintf(out, "    %s) options=\"", c->name);
        print_options(c->options, out);
        fprintf(out, "--help\"; words=\"%s%s%s\"%s ;;\n", c->choices ? c->choices : "",
                takes_service(c) ? " $(" SERVICES ")" : "", takes_host(c) ? " $(" HOSTS ")" : "",
                takes(c, WORD_FILE, WORD_FILE) ? "; files=1" : "");
    }
}

static void print_bash(FILE *out)
{
    fputs("# bash completion for discoverctl; made by: discoverctl completion bash\n"
          "_discoverctl() {\n"
          "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= options= words= "
          "files= i\n"
          "  COMPREPLY=()\n"
          "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "    case ${COMP_WORDS[i]} in\n"
          "      -s|--socket|-H|--host|-N|--nats) ((i++)) ;;\n"
          "      -*) ;;\n"
          "      *) command=${COMP_WORDS[i]}; break ;;\n"
          "    esac\n"
          "  done\n"
          "  case $previous in\n"
          "    -s|--socket|-N|--nats) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n    ",
          out);
    print_valued(out);
    fputs(") return ;;\n"
          "  esac\n"
          "  case $command in\n"
          "    '') options=\"--socket --host --nats --json --help --version\"; words=\"",
          out);
    print_names(out);
    fputs("\" ;;\n", out);
    print_cases(out);
    fputs("  esac\n"
          "  if [[ $current == -* ]]; then words=$options; fi\n"
          "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
          "  if [[ -n $files ]]; then COMPREPLY+=($(compgen -f -- \"$current\")); fi\n"
          "}\n"
          "complete -F _discoverctl discoverctl\n",
          out);
}

static void print_zsh(FILE *out)
{
    fputs("# zsh completion for discoverctl; source it, or: source <(discoverctl completion zsh)\n"
          "autoload -Uz bashcompinit && bashcompinit\n",
          out);
    print_bash(out);
}

/* --- fish --- */

static void print_fish_text(const char *text, FILE *out)
{
    for (; *text; text++)
        fprintf(out, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
}

static void print_fish_command(const struct command *c, FILE *out)
{
    fprintf(out, "complete -c discoverctl -n __fish_use_subcommand -a %s -d '", c->name);
    print_fish_text(c->summary, out);
    fputs("'\n", out);
    for (const struct option_spec *s = c->options; s && s->name; s++) {
        fprintf(out, "complete -c discoverctl -n '__fish_seen_subcommand_from %s' -l %s%s -d '", c->name, s->name,
                s->value ? " -r" : "");
        print_fish_text(s->help, out);
        fputs("'\n", out);
    }
    const char *seen = "complete -c discoverctl -n '__fish_seen_subcommand_from";
    if (c->choices)
        fprintf(out, "%s %s' -a '%s'\n", seen, c->name, c->choices);
    if (takes(c, WORD_FILE, WORD_FILE))
        fprintf(out, "%s %s' -F\n", seen, c->name);
    if (takes_service(c))
        fprintf(out, "%s %s' -a \"(" SERVICES ")\"\n", seen, c->name);
    if (takes_host(c))
        fprintf(out, "%s %s' -a \"(" HOSTS ")\"\n", seen, c->name);
}

static void print_fish(FILE *out)
{
    fputs("# fish completion for discoverctl; made by: discoverctl completion fish\n"
          "complete -c discoverctl -f\n"
          "complete -c discoverctl -s s -l socket -r -F -d 'where the daemon listens'\n"
          "complete -c discoverctl -s H -l host -x -d 'ask the daemon of that host instead'\n"
          "complete -c discoverctl -s N -l nats -r -F -d 'how NATS is reached'\n"
          "complete -c discoverctl -l json -d 'results as JSON'\n"
          "complete -c discoverctl -s h -l help -d 'help'\n"
          "complete -c discoverctl -s V -l version -d 'the version'\n",
          out);
    for (const struct command *const *c = commands; *c; c++)
        print_fish_command(*c, out);
}

static const struct {
    const char *name;
    void (*print)(FILE *out);
} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

static int run(const struct call *call)
{
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shells[i].name, call->words.word[0]) == 0)
            shells[i].print(stdout);
    return ctl_flush();
}

const struct command completion_command = {
    .name = "completion",
    .summary = "print what completes these commands in a shell",
    .usage = "completion bash|zsh|fish",
    .help = "What completes the words of discoverctl in that shell: source it, or put it where that shell looks.\n",
    .takes = {WORD_CHOICE},
    .choices = "bash zsh fish",
    .alone = true,
    .run = run,
};

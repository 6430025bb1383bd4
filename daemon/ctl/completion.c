/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts that complete discoverctl's words in a shell. */
#include "daemon/ctl/completion.h"

#include <errno.h>
#include <string.h>

#include "daemon/ctl/commands.h"

/* What is known by name is asked of the daemon; where there is none, nothing is offered. */
#define SERVICES "discoverctl list 2>/dev/null | cut -d' ' -f1"
#define HOSTS    "discoverctl hosts --all 2>/dev/null | cut -d' ' -f1"

static const char *const sources[] = {
    [WORDS_NONE] = "",
    [WORDS_SERVICES] = "$(" SERVICES ")",
    [WORDS_SERVICES_OR_HOSTS] = "$(" SERVICES "; " HOSTS ")",
    [WORDS_HOSTS] = "$(" HOSTS ")",
    [WORDS_FILES] = "",
};

static void print_names(FILE *out)
{
    for (const struct command *c = commands; c->name; c++)
        fprintf(out, "%s ", c->name);
}

static void print_options(const struct option_spec *specs, FILE *out)
{
    for (; specs && specs->name; specs++)
        fprintf(out, "--%s ", specs->name);
}

/* Options that take a value: what stands behind one is no word of the command. */
static void print_valued(FILE *out)
{
    const char *sep = "";
    for (const struct command *c = commands; c->name; c++)
        for (const struct option_spec *s = c->options; s && s->name; s++) {
            if (!s->value)
                continue;
            fprintf(out, "%s--%s", sep, s->name);
            sep = "|";
        }
}

/* --- bash; zsh runs the same by bashcompinit --- */

static void print_cases(FILE *out)
{
    for (const struct command *c = commands; c->name; c++) {
        fprintf(out, "    %s) options=\"", c->name);
        print_options(c->options, out);
        fprintf(out, "--help\"; words=\"%s %s\"", c->choices ? c->choices : "", sources[c->words]);
        fprintf(out, "%s ;;\n", c->words == WORDS_FILES ? "; files=1" : "");
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
          "      -s|--socket) ((i++)) ;;\n"
          "      -*) ;;\n"
          "      *) command=${COMP_WORDS[i]}; break ;;\n"
          "    esac\n"
          "  done\n"
          "  case $previous in\n"
          "    -s|--socket) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n    ",
          out);
    print_valued(out);
    fputs(") return ;;\n"
          "  esac\n"
          "  case $command in\n"
          "    '') options=\"--socket --json --help --version\"; words=\"",
          out);
    print_names(out);
    fputs("\" ;;\n", out);
    print_cases(out);
    fputs("  esac\n"
          "  if [[ $current == -* ]]; then words=$options; fi\n"
          "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
          "  if [[ -n $files ]]; then COMPREPLY+=($(compgen -f -- \"$current\")); fi\n"
          "}\n",
          out);
}

static void print_bash_whole(FILE *out)
{
    print_bash(out);
    fputs("complete -F _discoverctl discoverctl\n", out);
}

static void print_zsh(FILE *out)
{
    fputs("# zsh completion for discoverctl; source it, or: source <(discoverctl completion zsh)\n"
          "autoload -Uz bashcompinit && bashcompinit\n",
          out);
    print_bash(out);
    fputs("complete -F _discoverctl discoverctl\n", out);
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
    if (c->choices)
        fprintf(out, "complete -c discoverctl -n '__fish_seen_subcommand_from %s' -a '%s'\n", c->name, c->choices);
    if (c->words == WORDS_FILES)
        fprintf(out, "complete -c discoverctl -n '__fish_seen_subcommand_from %s' -F\n", c->name);
    if (c->words == WORDS_SERVICES || c->words == WORDS_SERVICES_OR_HOSTS)
        fprintf(out, "complete -c discoverctl -n '__fish_seen_subcommand_from %s' -a \"(" SERVICES ")\"\n", c->name);
    if (c->words == WORDS_HOSTS || c->words == WORDS_SERVICES_OR_HOSTS)
        fprintf(out, "complete -c discoverctl -n '__fish_seen_subcommand_from %s' -a \"(" HOSTS ")\"\n", c->name);
}

static void print_fish(FILE *out)
{
    fputs("# fish completion for discoverctl; made by: discoverctl completion fish\n"
          "complete -c discoverctl -f\n"
          "complete -c discoverctl -s s -l socket -r -F -d 'where the daemon listens'\n"
          "complete -c discoverctl -l json -d 'results as JSON'\n"
          "complete -c discoverctl -s h -l help -d 'help'\n"
          "complete -c discoverctl -s V -l version -d 'the version'\n",
          out);
    for (const struct command *c = commands; c->name; c++)
        print_fish_command(c, out);
}

static const struct {
    const char *name;
    void (*print)(FILE *out);
} shells[] = {{"bash", print_bash_whole}, {"zsh", print_zsh}, {"fish", print_fish}};

int completion_print(const char *shell, FILE *out)
{
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].print(out);
            return 0;
        }
    return -EINVAL;
}

int cmd_completion(const struct ctl *ctl, char **argv)
{
    (void)ctl;
    if (ctl_wants_help(argv)) {
        fputs("Usage: discoverctl completion bash|zsh|fish\n\n"
              "What completes the words of discoverctl in that shell: source it, or put it where that shell looks.\n",
              stdout);
        return CTL_DONE;
    }
    if (!argv[0] || argv[1] || completion_print(argv[0], stdout) < 0)
        return ctl_usage_error("completion needs one of bash, zsh, fish");
    return fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

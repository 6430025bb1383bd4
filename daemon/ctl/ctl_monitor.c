/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl monitor: the daemon's log, as it is written. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/terminal.h"

#define LOOK_MS 200

struct monitor_options {
    const char *level;
    uint32_t lines; /* of before, that are shown first */
};

static int set_level(void *arg, const char *value)
{
    static const char *const levels[] = {"error", "warning", "notice", "info", "debug"};
    struct monitor_options *o = arg;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(levels[i], value) == 0) {
            o->level = value;
            return 0;
        }
    return -1;
}

static int set_lines(void *arg, const char *value)
{
    struct monitor_options *o = arg;
    return option_number(value, 0, 1000, &o->lines);
}

const struct option_spec monitor_specs[] = {
    {"level", "LEVEL", "error, warning, notice, info or debug; also below the log's own level. Default: info",
     set_level},
    {"lines", "N", "lines of before that are shown first, 0 to 1000. Default: 10", set_lines},
    {NULL, NULL, NULL, NULL},
};

struct monitoring {
    const struct ctl *ctl;
    const struct monitor_options *options;
    json_int_t last;
    bool begun;
    int status; /* -1: it goes on */
};

static void print_line(const struct ctl *ctl, const json_t *line)
{
    char time_text[32];
    const char *level = json_string_value(json_object_get(line, "level"));
    json_int_t ms = json_integer_value(json_object_get(line, "time_ms"));
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (ctl->json) {
        (void)json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        return;
    }
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
    printf("%s.%03dZ ", time_text, (int)(ms % 1000));
    bool error = level && strcmp(level, "error") == 0, warning = level && strcmp(level, "warning") == 0;
    styled(stdout, error ? STYLE_BAD : warning ? STYLE_WARNING : STYLE_DIM, "%s:", level ? level : "");
    printf(" %s\n", json_string_value(json_object_get(line, "text")));
}

static void print_lines(struct monitoring *m, const json_t *document)
{
    const json_t *lines = json_object_get(document, "lines");
    size_t n = json_array_size(lines), from = 0;
    json_int_t missed = json_integer_value(json_object_get(document, "missed"));
    if (!m->begun && n > m->options->lines)
        from = n - m->options->lines;
    else if (m->begun && missed > 0)
        ctl_note("%lld lines are missing: the daemon keeps the last 1024", (long long)missed);
    for (size_t i = from; i < n; i++)
        print_line(m->ctl, json_array_get(lines, i));
    if (fflush(stdout) != 0)
        m->status = CTL_FAILED;
}

static void take(void *arg, const char *text, size_t n)
{
    struct monitoring *m = arg;
    json_error_t error;
    json_t *document = json_loadb(text, n, 0, &error);
    json_int_t last = json_integer_value(json_object_get(document, "last"));
    bool more = last > m->last && json_array_size(json_object_get(document, "lines")) > 0;
    print_lines(m, document);
    m->begun |= !more; /* what was there before comes in pieces */
    m->last = last;
    json_decref(document);
}

/* A daemon that restarts is waited for. */
static void look(struct monitoring *m, struct discover *d)
{
    char name[64];
    snprintf(name, sizeof name, "log/%s/%lld", m->options->level, (long long)m->last);
    int err = discover_document(d, name, take, m);
    if (err < 0 && err != DISCOVER_E_UNSYNCED && err != -ETIMEDOUT)
        m->status = ctl_failed(d, "monitor", err);
}

static int print_help(void)
{
    fputs("Usage: discoverctl monitor [OPTION]...\n\n"
          "The daemon's log as it is written, until a signal. Only root and the daemon's user may.\n\n",
          stdout);
    options_print(monitor_specs, stdout);
    return CTL_DONE;
}

int cmd_monitor(const struct ctl *ctl, char **argv)
{
    struct monitor_options o = {.level = "info", .lines = 10};
    struct monitoring m = {.ctl = ctl, .options = &o, .status = -1};
    struct words words;
    char why[OPTIONS_WHY_CAP];
    int status;
    if (ctl_wants_help(argv))
        return print_help();
    if (options_parse(monitor_specs, &o, argv, &words, why) < 0)
        return ctl_usage_error("%s", why);
    if (words.n || words.command)
        return ctl_usage_error("monitor takes nothing but options");
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    while (m.status < 0) {
        look(&m, d);
        if (m.begun)
            (void)poll(NULL, 0, LOOK_MS);
    }
    discover_free(d);
    return m.status;
}

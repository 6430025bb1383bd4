/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl monitor: the daemon's log, as it is written. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/document_words.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/terminal.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

#define LOOK_MS 200

struct monitor_options {
    const char *level;
    uint32_t lines; /* of before, that are shown first */
};

static int set_level(const struct option_spec *spec, void *field, const char *value)
{
    uint8_t level;
    (void)spec;
    *(const char **)field = value;
    return level_of_word(value, &level);
}

static const struct option_spec specs[] = {
    {"level", "LEVEL", "error, warning, notice, info or debug; also below the log's own level. Default: info",
     set_level, offsetof(struct monitor_options, level), 0, 0},
    {"lines", "N", "lines of before that are shown first, 0 to 1000. Default: 10", option_number,
     offsetof(struct monitor_options, lines), 0, 1000},
    {.name = NULL},
};

struct monitoring {
    const struct ctl *ctl;
    const struct monitor_options *options;
    int64_t last;
    bool begun;
    int status; /* -1: it goes on */
};

static void print_line(const struct ctl *ctl, const json_t *line)
{
    char time[CLOCK_TEXT_CAP];
    const char *level = text_of(line, "level");
    bool error = strcmp(level, "error") == 0, warning = strcmp(level, "warning") == 0;
    if (ctl->json) {
        (void)printable_json(line, JSON_COMPACT, stdout);
        putchar('\n');
        return;
    }
    clock_wall_text(number_of(line, "time_ms"), time);
    printf("%s ", time);
    styled(stdout, error ? STYLE_BAD : warning ? STYLE_WARNING : STYLE_DIM, "%s:", level);
    printf(" %s\n", text_of(line, "text"));
}

static void print_lines(struct monitoring *m, const json_t *document)
{
    const json_t *lines = json_object_get(document, "lines");
    size_t n = json_array_size(lines), from = 0;
    int64_t missed = number_of(document, "missed");
    if (!m->begun && n > m->options->lines)
        from = n - m->options->lines;
    else if (m->begun && missed > 0)
        ctl_note("%s missing: the daemon keeps the last 1024", count(missed, "line"));
    for (size_t i = from; i < n; i++)
        print_line(m->ctl, json_array_get(lines, i));
    if (fflush(stdout) != 0)
        m->status = CTL_FAILED;
}

static void take(struct monitoring *m, json_t *document)
{
    int64_t last = number_of(document, "last");
    bool more = last > m->last && json_array_size(json_object_get(document, "lines")) > 0;
    if (!m->ctl->json)
        printable_document(document);
    print_lines(m, document);
    m->begun |= !more; /* what was there before comes in pieces */
    m->last = last;
    json_decref(document);
}

/* A daemon that restarts is waited for. */
static void look(struct monitoring *m, struct discover *d)
{
    char name[64];
    json_t *document;
    snprintf(name, sizeof name, "log/%s/%" PRId64, m->options->level, m->last);
    int err = ctl_document(d, name, &document);
    if (err >= 0)
        take(m, document);
    else if (err != DISCOVER_E_UNSYNCED && err != -ETIMEDOUT)
        m->status = ctl_failed(d, "monitor", err);
}

static int run(const struct call *call)
{
    struct monitoring m = {.ctl = call->ctl, .options = call->options, .status = -1};
    while (m.status < 0) {
        look(&m, call->d);
        if (m.begun)
            (void)poll(NULL, 0, LOOK_MS);
    }
    return m.status;
}

const struct command monitor_command = {
    .name = "monitor",
    .summary = "show the daemon's log as it is written",
    .usage = "monitor [OPTION]...",
    .help = "The daemon's log as it is written, until a signal. Only root and the daemon's user may.\n",
    .options = specs,
    .options_size = sizeof(struct monitor_options),
    .defaults = &(const struct monitor_options){.level = "info", .lines = 10},
    .run = run,
};

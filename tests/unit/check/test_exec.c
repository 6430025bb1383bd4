/* SPDX-License-Identifier: Apache-2.0 */
/* Commands as checks: what they may do, and that nothing is left of them. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/check/checks.h"
#include "libdiscover/core/clock.h"
#include "tests/support/marked.h"
#include "tests/support/unit.h"

static struct event_base *base;
static struct metrics *metrics;
static struct checks *checks;
static struct check_subject subject = {{.domain = "shop", .service = "payment", .host = "web-1", .instance = "a"},
                                       8080};
static struct check_view seen;
static char output[CHECK_OUTPUT_MAX + 1];

static void ignore_state(void *arg, const struct instance_key *of, enum discover_state now)
{
    (void)arg, (void)of, (void)now;
}

static void setup(void)
{
    const struct checks_options options = {
        .all_max = 20, .per_instance_max = 4, .running_max = 10, .recoveries = 1000, .seed = 1};
    const struct checks_ops ops = {.state = ignore_state};
    base = event_base_new();
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(checks_new(base, metrics, &options, &ops, &checks), 0);
}

static void teardown(void)
{
    checks_free(checks);
    metrics_free(metrics);
    event_base_free(base);
}

static bool keep(void *arg, const struct instance_key *of, const struct check_view *view)
{
    (void)arg, (void)of;
    seen = *view;
    snprintf(output, sizeof output, "%s", view->output);
    return true;
}

static void look(void)
{
    (void)checks_each(checks, &subject.key, keep, NULL);
}

/* Runs a line of shell until it has ended so many times. */
static void run_line(const char *line, const char *more, uint64_t times)
{
    char text[1024], *texts[] = {text}, why[CONFIG_WHY_CAP] = "";
    enum discover_state now;
    int64_t give_up_ns = clock_now_ns() + 20 * NS_PER_S;
    snprintf(text, sizeof text, "exec=/bin/sh args=-c args=\"%s\" rise=1 fall=1 interval=%s", line, more);
    ck_assert_msg(checks_set(checks, &subject, texts, 1, 0, &now, why) == 0, "%s", why);
    for (look(); seen.runs < times && clock_now_ns() < give_up_ns; look())
        ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert_uint_ge(seen.runs, times);
}

static void expect(const char *line, enum discover_state state, const char *text)
{
    run_line(line, "1h timeout=5s", 1);
    ck_assert_msg(seen.state == state, "%s: %s", line, output);
    ck_assert_str_eq(output, text);
}

START_TEST(how_they_end)
{
    expect("echo fine", DISCOVER_PASSING, "fine");
    expect("echo so; echo lala >&2; exit 1", DISCOVER_WARNING, "so\nlala");
    expect("exit 2", DISCOVER_CRITICAL, "it ended with 2");
    expect("kill -9 $$", DISCOVER_CRITICAL, "it was ended by signal 9");
    char text[] = "exec=/no/such/command interval=1h", *texts[] = {text}, why[CONFIG_WHY_CAP];
    enum discover_state now;
    ck_assert_int_eq(checks_set(checks, &subject, texts, 1, 0, &now, why), 0);
    for (look(); seen.runs < 1; look())
        ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert_str_eq(output, "it cannot be run: No such file or directory");
}
END_TEST

START_TEST(what_they_find)
{
    int extra = open("/dev/zero", O_RDONLY); /* inherited, if it could be */
    ck_assert_int_ge(extra, 3);
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(setenv("SECRET", "4711", 1), 0);
    expect("env | grep -v CHECK_RUN | grep -v ^PWD | grep -v ^_ | grep -v ^OLDPWD | sort", DISCOVER_PASSING,
           "DISCOVER_CHECK=exec\nDISCOVER_HOST=web-1\nDISCOVER_INSTANCE=a\nDISCOVER_PORT=8080\n"
           "DISCOVER_SERVICE=shop/payment\nLANG=C.UTF-8\n"
           "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    expect("pwd; cat; ls /proc/self/fd | tr '\\\\n' ' '", DISCOVER_PASSING, "/\n0 1 2 3"); /* 3 is ls's own */
    expect("grep -E 'Sig(Ign|Blk)' /proc/self/status | sed s/180000000/000000000/",
           DISCOVER_PASSING, /* glibc's own two */
           "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000");
    close(extra);
}
END_TEST

/* By which whatever a command of this test starts is known: others may run the same test just now. */
static const char *mark(void)
{
    static char text[64];
    snprintf(text, sizeof text, "MARK=left_of_test_%d", (int)getpid());
    return text;
}

static unsigned count_children(void)
{
    char path[64], text[4096] = "";
    unsigned n = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    if (fgets(text, sizeof text, f))
        for (const char *c = text; *c; c++)
            n += *c == ' ';
    fclose(f);
    return n;
}

/* Each of these leaves something behind, or does not want to end. */
START_TEST(nothing_is_left)
{
    static const struct {
        const char *line, *more, *output;
    } rows[] = {
        {"sleep 1000", "100ms timeout=50ms", "not done within 0.05 s: it was ended, having written nothing"},
        {"trap '' TERM INT HUP; echo here; while :; do sleep 1000; done", "100ms timeout=50ms",
         "not done within 0.05 s: it was ended, having written: here"},
        {"sleep 1000 & sleep 1000 & exit 0", "100ms", "it ended with 0"},
        {"setsid sleep 1000 & setsid sleep 1001 & sleep 0.02", "100ms", "it ended with 0"},
        {"setsid sh -c 'setsid sleep 1000 & sleep 1000' & sleep 0.02", "100ms", "it ended with 0"},
        {"setsid env -i MARK=$MARK sh -c 'setsid sleep 1000 & sleep 1000' & sleep 0.02", "100ms", "it ended with 0"},
        {"setsid sleep 1000 & setsid sleep 1000 & sleep 1000", "100ms timeout=60ms",
         "not done within 0.06 s: it was ended, having written nothing"},
        {"for i in 1 2 3 4 5 6 7 8; do (setsid sleep 1000 &) ; done; wait", "100ms", "it ended with 0"},
        {"yes", "100ms", "it wrote more than 1048576 bytes, and was ended"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[512];
        snprintf(line, sizeof line, "export %s; %s", mark(), rows[i].line);
        run_line(line, rows[i].more, 2);
        /* How far one came by then, a busy machine decides; that its time was up, the check. */
        bool hangs = strncmp(rows[i].output, "not done", 8) == 0;
        ck_assert_msg(!hangs || strncmp(output, rows[i].output, strlen("not done within 0.05 s")) == 0, "%s: %s",
                      rows[i].line, output);
        (void)checks_remove(checks, &subject.key);
        int64_t give_up_ns = clock_now_ns() + 3 * NS_PER_S;
        while ((marked_processes(mark()) > 0 || count_children() > 0) && clock_now_ns() < give_up_ns)
            ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
        ck_assert_msg(marked_processes(mark()) == 0, "left of: %s", rows[i].line);
        ck_assert_msg(count_children() == 0, "zombies of: %s", rows[i].line);
    }
}
END_TEST

/* One that is stopped in the middle: by then all have ended. */
START_TEST(nothing_is_left_at_the_end)
{
    char line[128];
    snprintf(line, sizeof line, "export %s; (setsid sleep 1000 &); sleep 0.03", mark());
    run_line(line, "100ms", 1);
    while (marked_processes(mark()) == 0)
        ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
    teardown();
    ck_assert_uint_eq(marked_processes(mark()), 0);
    setup();
}
END_TEST

/*
 * What a command that runs has started itself, and orphaned, is left to it; also while others come and go. The shell waits for
 * both: for the orphan by reading until nobody can write any more.
 */
START_TEST(nobody_is_ended_too_early)
{
    char slow[] = "exec=/bin/sh args=-c args=\"(sleep 0.3; echo done) & wait; "
                  "echo $( (setsid sh -c 'sleep 0.3; echo twice' &) )\" timeout=20s interval=20s";
    char quick[] = "exec=/bin/true interval=100ms", *texts[] = {slow}, *others[] = {quick}, why[CONFIG_WHY_CAP];
    struct check_subject other = subject;
    enum discover_state now;
    strcpy(other.key.instance, "b");
    ck_assert_int_eq(checks_set(checks, &subject, texts, 1, 0, &now, why), 0);
    ck_assert_int_eq(checks_set(checks, &other, others, 1, 0, &now, why), 0);
    for (look(); seen.runs < 1; look())
        ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert_str_eq(output, "done\ntwice");
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "check/exec", how_they_end, what_they_find, nothing_is_left, nothing_is_left_at_the_end,
              nobody_is_ended_too_early)

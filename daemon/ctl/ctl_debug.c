/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl debug: one archive with what a bug report needs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/tar_file.h"

static const struct {
    const char *document, *file;
} parts[] = {
    {"status", "status.json"},    {"explain", "explain.json"}, {"metrics", "metrics.txt"},
    {"config", "discoverd.conf"}, {"log", "log.txt"},
};

struct archive {
    FILE *out;
    const char *file;
    time_t now;
};

static void take(void *arg, const char *text, size_t n)
{
    struct archive *a = arg;
    char name[100];
    snprintf(name, sizeof name, "discoverd-debug/%s", a->file);
    tar_add(a->out, name, text, n, a->now);
}

/* Who made it, and on what. */
static void add_versions(struct archive *a)
{
    struct utsname u;
    char text[600];
    bool known = uname(&u) == 0;
    int n = snprintf(text, sizeof text, "discoverctl %s\nkernel %.100s %.100s %.100s\n", discover_version(),
                     known ? u.sysname : "?", known ? u.release : "?", known ? u.machine : "?");
    a->file = "versions.txt";
    take(a, text, (size_t)n);
}

static int add_all(struct discover *d, struct archive *a)
{
    int status = CTL_DONE;
    add_versions(a);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        a->file = parts[i].file;
        int err = discover_document(d, parts[i].document, take, a);
        if (err < 0) {
            ctl_note("%s is left out", parts[i].file);
            status = ctl_failed(d, parts[i].document, err);
        }
    }
    tar_end(a->out);
    return status;
}

/* What it holds is for the one who made it: others may not read it. */
static FILE *create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out && fd >= 0)
        close(fd);
    return out;
}

static int write_archive(struct discover *d, const char *path)
{
    struct archive a = {.out = create(path), .now = time(NULL)};
    if (!a.out) {
        ctl_note("%s: %s", path, strerror(errno));
        return CTL_FAILED;
    }
    int status = add_all(d, &a);
    bool failed = ferror(a.out) != 0;
    if (fclose(a.out) != 0 || failed) {
        ctl_note("%s: cannot be written", path);
        return CTL_FAILED;
    }
    printf("%s\n", path);
    return status;
}

int cmd_debug(const struct ctl *ctl, char **argv)
{
    int status;
    if (ctl_wants_help(argv)) {
        fputs("Usage: discoverctl debug FILE\n\n"
              "Writes one tar archive for a bug report: status, counters, what is out and why, the configuration\n"
              "without secrets, the last lines of the log. FILE must not be there yet. Configuration and log are for\n"
              "root and the daemon's user.\n",
              stdout);
        return CTL_DONE;
    }
    if (!argv[0] || argv[1])
        return ctl_usage_error("debug needs a file to write");
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    status = write_archive(d, argv[0]);
    discover_free(d);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl debug: one archive with what a bug report needs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl/commands.h"

/* --- a tar archive (POSIX ustar) of a few texts --- */

#define BLOCK 512

/* IEEE Std 1003.1, pax: "ustar Interchange Format". */
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, linked[100], magic[6], version[2];
    char owner[32], group[32], major[8], minor[8], prefix[155], unused[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

static void set_checksum(struct header *h)
{
    unsigned sum = 0;
    memset(h->checksum, ' ', sizeof h->checksum);
    for (size_t i = 0; i < sizeof *h; i++)
        sum += ((const unsigned char *)h)[i];
    snprintf(h->checksum, sizeof h->checksum, "%06o",
             sum); /* six digits and a NUL; the blank of the memset stays behind them */
}

/* name: at most 99 bytes. Errors stay with the stream (ferror). */
static void tar_add(FILE *out, const char *name, const char *text, size_t n, time_t now)
{
    static const char padding[BLOCK];
    struct header h = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    snprintf(h.name, sizeof h.name, "%s", name);
    snprintf(h.mode, sizeof h.mode, "%07o", 0600);
    snprintf(h.uid, sizeof h.uid, "%07o", 0);
    snprintf(h.gid, sizeof h.gid, "%07o", 0);
    snprintf(h.size, sizeof h.size, "%011zo", n);
    snprintf(h.mtime, sizeof h.mtime, "%011llo", (unsigned long long)now);
    set_checksum(&h);
    (void)fwrite(&h, 1, sizeof h, out);
    (void)fwrite(text, 1, n, out);
    (void)fwrite(padding, 1, (BLOCK - n % BLOCK) % BLOCK, out);
}

static void tar_end(FILE *out)
{
    static const char zeros[2 * BLOCK];
    (void)fwrite(zeros, 1, sizeof zeros, out);
}

/* --- what is in it --- */

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

static int run(const struct call *call)
{
    return write_archive(call->d, call->words.word[0]);
}

const struct command debug_command = {
    .name = "debug",
    .summary = "write an archive for a bug report",
    .usage = "debug FILE",
    .help = "Writes one tar archive for a bug report: status, counters, what is out and why, the configuration\n"
            "without secrets, the last lines of the log. FILE must not be there yet. Configuration and log are for\n"
            "root and the daemon's user.\n",
    .takes = {WORD_FILE},
    .run = run,
};

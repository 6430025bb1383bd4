/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files of services_dir, and keeps copies of those that are right. */
#include "daemon/config/service_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/file.h"
#include "daemon/config/config_keys.h"

#define COPIES "services.d" /* below state_dir */

/* An editor's backup or a package manager's leftover does not end in .conf; a hidden file is not meant either. */
static int is_conf(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void copy_path(const struct config *config, const char *name, char ret_path[static PATH_MAX])
{
    snprintf(ret_path, PATH_MAX, "%s/" COPIES "%s%s", config->state_dir, *name ? "/" : "", name);
}

/* Adds what the file says; -EINVAL: something in it is wrong, which was reported, and nothing was added. */
static int read_file(struct service_set *set, const char *path, const struct config *config,
                     struct config_report *report, char **ret_text)
{
    const struct config_table only = {config_table_find(&config_keys, "services"), 1, ""};
    struct config_source source;
    size_t before = set->n, complaints = report->n;
    int err = config_source_open(path, report, &source);
    if (err)
        return err;
    err = config_source_apply(&source, config_root_setting(&source.tree), &only, NULL);
    if (!err)
        err = service_set_read(set, &source);
    if (!err)
        err = service_set_check(set, before, report, config);
    if (!err && report->n > complaints)
        err = -EINVAL;
    if (!err && ret_text) {
        *ret_text = strdup(source.text.bytes); /* with the files that it includes */
        err = *ret_text ? 0 : -ENOMEM;
    }
    config_source_close(&source);
    if (err)
        service_set_cut(set, before);
    return err;
}

static void ignore(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

static void report_refused(const char *path, size_t n, bool copied, struct config_report *report)
{
    char text[PATH_MAX + 128];
    if (copied)
        snprintf(text, sizeof text, "%s: refused; what it said when it was last right stays in force (services: %zu)",
                 path, n);
    else
        snprintf(text, sizeof text, "%s: refused; none of its services is registered", path);
    report->fn(report->arg, text);
}

/* What is wrong with such a file is reported, and is not the configuration's fault: it is not counted in report. */
static int read_one(struct service_set *set, struct service_file *file, const struct config *config,
                    struct config_report *report)
{
    char path[PATH_MAX], copy[PATH_MAX];
    struct config_report own = {report->fn, report->arg, 0}, silent = {ignore, NULL, 0};
    size_t before = set->n;
    snprintf(path, sizeof path, "%s/%s", config->services_dir, file->name);
    int err = read_file(set, path, config, &own, &file->text);
    if (err != -EINVAL)
        return err;
    file->refused = true;
    copy_path(config, file->name, copy);
    err = access(copy, R_OK) == 0 ? read_file(set, copy, config, &silent, NULL) : -EINVAL;
    if (err == -ENOMEM)
        return err;
    report_refused(path, set->n - before, !err, report);
    return 0;
}

static int read_entries(struct service_set *set, struct dirent **entries, size_t n, struct config *config,
                        struct config_report *report)
{
    int err = 0;
    config->service_files = calloc(n + 1, sizeof *config->service_files);
    for (size_t i = 0; i < n && config->service_files && !err; i++) {
        struct service_file *file = &config->service_files[config->n_service_files];
        file->name = strdup(entries[i]->d_name);
        if (!file->name)
            return -ENOMEM;
        config->n_service_files++;
        err = read_one(set, file, config, report);
    }
    return config->service_files ? err : -ENOMEM;
}

int service_files_read(struct service_set *set, struct config *config, struct config_report *report)
{
    struct dirent **entries;
    const char *folder = config->services_dir;
    int n = scandir(folder, &entries, is_conf, by_bytes);
    if (n < 0 && errno == ENOENT)
        return 0;
    if (n < 0 && errno == ENOMEM)
        return -ENOMEM;
    if (n < 0) {
        config_report(report, (struct config_place){folder, 0}, "", "cannot be read: %s", strerror(errno));
        return 0;
    }
    int err = read_entries(set, entries, (size_t)n, config, report);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    return err;
}

void service_files_fini(struct config *config)
{
    for (size_t i = 0; i < config->n_service_files; i++) {
        free(config->service_files[i].name);
        free(config->service_files[i].text);
    }
    free(config->service_files);
    config->service_files = NULL;
    config->n_service_files = 0;
}

static bool same(const char *path, const char *text)
{
    char *bytes;
    size_t n;
    if (file_read(path, CONFIG_TEXT_MAX, &bytes, &n) < 0)
        return false;
    bool is = strlen(text) == n && memcmp(bytes, text, n) == 0;
    free(bytes);
    return is;
}

static int copy_one(const struct config *config, const struct service_file *file)
{
    char path[PATH_MAX];
    copy_path(config, file->name, path);
    return !file->text || same(path, file->text) ? 0 : file_write(path, file->text, strlen(file->text), 0640);
}

static bool has(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_service_files; i++)
        if (strcmp(config->service_files[i].name, name) == 0)
            return true;
    return false;
}

/* A file that was removed takes its services along, now and later. */
static void remove_others(const struct config *config, const char *folder)
{
    char path[PATH_MAX];
    struct dirent **entries;
    int n = scandir(folder, &entries, is_conf, NULL);
    for (int i = 0; i < n; i++) {
        copy_path(config, entries[i]->d_name, path);
        if (!has(config, entries[i]->d_name))
            (void)unlink(path);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

int config_keep_service_files(const struct config *config)
{
    char folder[PATH_MAX];
    int err = 0;
    copy_path(config, "", folder);
    if (config->n_service_files > 0 && mkdir(folder, 0750) < 0 && errno != EEXIST)
        return -errno;
    for (size_t i = 0; i < config->n_service_files; i++) {
        int one = copy_one(config, &config->service_files[i]);
        err = err ? err : one;
    }
    remove_others(config, folder);
    return err;
}

size_t config_refused_files(const struct config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->n_service_files; i++)
        n += config->service_files[i].refused;
    return n;
}

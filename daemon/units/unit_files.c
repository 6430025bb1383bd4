/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files in the folders of systemd's units, and keeps those with a section [X-Discover]. */
#include "daemon/units/unit_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/file.h"
#include "daemon/units/unit_template.h"

struct search {
    struct unit_files *files;
    struct string_list seen; /* names of units whose file was found: those of later folders do not count */
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static bool has_section(const char *text)
{
    const char *at = strstr(text, UNIT_FILES_SECTION);
    while (at && at != text && at[-1] != '\n')
        at = strstr(at + 1, UNIT_FILES_SECTION);
    return at != NULL;
}

static int add_file(struct unit_files *files, const char *unit, const char *path, char *text)
{
    if (array_grow(&files->items, files->n, &files->cap, sizeof *files->items) < 0)
        return -ENOMEM;
    struct unit_file *f = &files->items[files->n];
    *f = (struct unit_file){strdup(unit), strdup(path), text};
    if (f->unit && f->path) {
        files->n++;
        return 0;
    }
    free(f->unit);
    free(f->path);
    return -ENOMEM;
}

static int read_one(struct unit_files *files, const char *unit, const char *path)
{
    char *text;
    size_t n;
    if (files->n == UNIT_FILES_MAX || file_read(path, UNIT_FILE_BYTES, &text, &n) < 0)
        return 0;
    int err = has_section(text) ? add_file(files, unit, path, text) : -ENOENT;
    if (err)
        free(text);
    return err == -ENOENT ? 0 : err;
}

/* "" where it is too long for a path. */
static void join(const char *folder, const char *name, char ret_path[static PATH_MAX])
{
    if (snprintf(ret_path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
        ret_path[0] = '\0';
}

typedef int entry_fn(struct search *s, const char *folder, const char *name);

/* Calls fn for each entry whose name ends like that, by name, until it fails. */
static int each(struct search *s, const char *folder, const char *end, entry_fn *fn)
{
    struct dirent **entries;
    int err = 0, n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (!err && name[0] != '.' && ends_with(name, end))
            err = fn(s, folder, name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return err;
}

static int take_service(struct search *s, const char *folder, const char *name)
{
    char path[PATH_MAX];
    if (string_list_has(&s->seen, name))
        return 0;
    int err = string_list_add(&s->seen, name);
    join(folder, name, path);
    return err ? err : read_one(s->files, name, path);
}

static int take_drop_in(struct search *s, const char *folder, const char *name)
{
    char path[PATH_MAX], unit[NAME_MAX + 1];
    const char *base = strrchr(folder, '/') + 1;
    snprintf(unit, sizeof unit, "%.*s", (int)(strlen(base) - strlen(".d")), base);
    join(folder, name, path);
    return read_one(s->files, unit, path);
}

static int take_drop_ins(struct search *s, const char *folder, const char *name)
{
    char path[PATH_MAX];
    join(folder, name, path);
    return each(s, path, ".conf", take_drop_in);
}

static int expand_one(struct search *s, const struct unit_file *template, const char *unit)
{
    char *text;
    bool own_file = ends_with(template->path, ".service") && string_list_has(&s->seen, unit);
    if (own_file || s->files->n == UNIT_FILES_MAX || !unit_is_instance_of(unit, template->unit))
        return 0;
    int err = unit_template_expand(template->text, unit, &text);
    if (!err && (err = add_file(s->files, unit, template->path, text)))
        free(text);
    return err;
}

/* Each template's file makes way for what it says of its instances. */
static int expand(struct search *s, const struct string_list *instances)
{
    struct unit_files all = *s->files;
    int err = 0;
    *s->files = (struct unit_files){.n = 0};
    for (size_t i = 0; i < all.n && !err; i++) {
        struct unit_file *file = &all.items[i];
        if (!unit_is_template(file->unit)) {
            err = add_file(s->files, file->unit, file->path, file->text);
            file->text = err ? file->text : NULL; /* kept */
            continue;
        }
        if (!string_list_has(&s->files->templates, file->unit))
            err = string_list_add(&s->files->templates, file->unit);
        for (size_t k = 0; k < instances->n && !err; k++)
            err = expand_one(s, file, instances->items[k]);
    }
    unit_files_fini(&all);
    return err;
}

int unit_files_read(const char *const *folders, size_t n, const struct string_list *instances,
                    struct unit_files *ret_files)
{
    struct search s = {.files = ret_files};
    int err = 0;
    *ret_files = (struct unit_files){.n = 0};
    for (size_t i = 0; i < n && !err; i++)
        err = each(&s, folders[i], ".service", take_service);
    for (size_t i = 0; i < n && !err; i++)
        err = each(&s, folders[i], ".service.d", take_drop_ins);
    if (!err)
        err = expand(&s, instances);
    string_list_fini(&s.seen);
    if (err)
        unit_files_fini(ret_files);
    return err;
}

void unit_files_fini(struct unit_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        free(files->items[i].unit);
        free(files->items[i].path);
        free(files->items[i].text);
    }
    free(files->items);
    string_list_fini(&files->templates);
    *files = (struct unit_files){.n = 0};
}

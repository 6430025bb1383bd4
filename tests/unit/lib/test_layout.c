/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs and bindings that were built with an older header go on with a newer library: where each member of the public
 * structures lies and what each constant means stays as layout.txt has it. What is new goes to the end of a structure
 * that says that it grows there, and into that file.
 */
#include <discover/discover.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

#define CAP      512
#define LINE_CAP 128

static char lines[CAP][LINE_CAP];
static size_t n_lines;

static void add_line(const char *kind, const char *name, long long value, size_t size)
{
    ck_assert_uint_lt(n_lines, CAP);
    int n = snprintf(lines[n_lines++], LINE_CAP, "%s %s %lld %zu", kind, name, value, size);
    ck_assert_int_lt(n, LINE_CAP);
}

#define STRUCTURE(structure)                                                                                           \
    ck_assert_uint_eq(discover_sizeof_##structure(), sizeof(struct discover_##structure));                             \
    add_line("structure", #structure, _Alignof(struct discover_##structure), 0);
#define MEMBER(structure, member)                                                                                      \
    add_line("member", #structure "." #member, offsetof(struct discover_##structure, member),                          \
             sizeof((struct discover_##structure){0}.member));
#define CONSTANT(name) add_line("constant", #name, name, sizeof name);

static bool has_line(const char *line)
{
    for (size_t i = 0; i < n_lines; i++)
        if (strcmp(lines[i], line) == 0)
            return true;
    return false;
}

START_TEST(what_was_stays)
{
    static char known[1 << 16];
    static char wrong[1 << 15];
#include "members.inc"
    FILE *in = fopen(LAYOUT, "r");
    ck_assert_ptr_nonnull(in);
    char line[LINE_CAP];
    while (fgets(line, sizeof line, in)) {
        ck_assert_uint_lt(strlen(known) + strlen(line), sizeof known);
        strcat(known, line);
        line[strcspn(line, "\n")] = '\0';
        if (!has_line(line) && strlen(wrong) + strlen(line) + 64 < sizeof wrong)
            sprintf(wrong + strlen(wrong), "no longer so: %s\n", line);
    }
    fclose(in);
    for (size_t i = 0; i < n_lines; i++) {
        char whole[LINE_CAP + 1];
        snprintf(whole, sizeof whole, "%.*s\n", LINE_CAP - 1, lines[i]);
        if (!strstr(known, whole) && strlen(wrong) + strlen(whole) + 64 < sizeof wrong)
            sprintf(wrong + strlen(wrong), "new, and not in layout.txt: %s", whole);
    }
    fprintf(stderr, "%s", wrong); /* longer than what a failure can say */
    ck_assert(sizeof(void *) != 8 || *wrong == '\0');
}
END_TEST

UNIT_TESTS("lib_layout", what_was_stays)

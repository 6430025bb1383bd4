/* SPDX-License-Identifier: Apache-2.0 */
/* One text of many files: the way back to the places, and what is not even handed to the parser. */
#include "daemon/config/config_text.h"

#include <errno.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

struct reported {
    unsigned n;
    char first[512];
};

static void on_report(void *arg, const char *message)
{
    struct reported *reported = arg;
    if (reported->n++ == 0)
        snprintf(reported->first, sizeof reported->first, "%s", message);
}

static void assert_text(const char *file, const char *expected)
{
    struct config_text text;
    struct reported reported = {.n = 0};
    ck_assert_msg(config_text_read(file, &(struct config_report){on_report, &reported, 0}, &text) == 0, "%s",
                  reported.first);
    ck_assert_str_eq(text.bytes, expected);
    ck_assert_uint_eq(text.n, strlen(expected));
    config_text_fini(&text);
}

static void assert_refused(const char *file, const char *expected)
{
    struct config_text text;
    struct reported reported = {.n = 0};
    ck_assert_int_eq(config_text_read(file, &(struct config_report){on_report, &reported, 0}, &text), -EINVAL);
    ck_assert_uint_eq(reported.n, 1);
    ck_assert_str_eq(reported.first, expected);
    config_text_fini(&text);
}

START_TEST(test_places)
{
    static const struct {
        const char *needle, *file;
        unsigned line;
    } rows[] = {{"1;", "a", 1},     {"4;", "sub/b", 1}, {"6;", "sub/c", 1}, {"7;", "sub/c", 2},
                {"5;", "sub/b", 3}, {"2;", "a", 2},     {"3;", "a", 3}};
    struct config_text text;
    struct reported reported = {.n = 0};
    folder_enter();
    folder_write("a", "1;\n  @include \"sub/b\" 2;\n3;");
    folder_write("sub/b", "4;\n@include \"c\"\n5;\n");
    folder_write("sub/c", "6;\n7;");
    assert_text("a", "1;\n  4;\n6;\n7;\n\n5;\n\n 2;\n3;\n");
    ck_assert_int_eq(config_text_read("a", &(struct config_report){on_report, &reported, 0}, &text), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(text.bytes, rows[i].needle);
        unsigned line = 1;
        for (const char *c = text.bytes; c < at; c++)
            line += *c == '\n';
        struct config_place place = config_text_place(&text, line);
        ck_assert_str_eq(place.file, rows[i].file);
        ck_assert_msg(place.line == rows[i].line, "%s: line %u", rows[i].needle, place.line);
    }
    ck_assert_str_eq(config_text_place(&text, 1000).file, "a");
    config_text_fini(&text);
    folder_write("marked", "\xef\xbb\xbf"
                           "1;");
    assert_text("marked", "1;\n");
    folder_remove();
}
END_TEST

START_TEST(test_what_is_no_directive)
{
    folder_enter();
    folder_write("a", "# @include \"x\"\n// \"\n/* @include \"x\"\n@include \"x\"\n\" */ s = \"@include "
                      "\\\"x\\\" # /* \\\\\";\n"
                      "/**/ t = \"//\"; /*/ \" */\n");
    assert_text("a", "# @include \"x\"\n// \"\n/* @include \"x\"\n@include \"x\"\n\" */ s = \"@include "
                     "\\\"x\\\" # /* \\\\\";\n"
                     "/**/ t = \"//\"; /*/ \" */\n\n");
    folder_remove();
}
END_TEST

START_TEST(test_long_integers)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"a=999999999;", "a=999999999;\n"},
        {"a=9999999999;", "a=9999999999L;\n"},
        {"a=-9999999999;", "a=-9999999999L;\n"},
        {"a=9999999999L;", "a=9999999999L;\n"},
        {"a=0xffffffffff;", "a=0xffffffffffL;\n"},
        {"a=1234567890.5;", "a=1234567890.5;\n"},
        {"a=12345678901e5;", "a=12345678901e5;\n"},
        {"build-1234567890=1;", "build-1234567890=1;\n"},
        {"b1234567890=\"1234567890\";#1234567890", "b1234567890=\"1234567890\";#1234567890\n"},
    };
    folder_enter();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        folder_write("a", rows[i].text);
        assert_text("a", rows[i].expected);
    }
    folder_remove();
}
END_TEST

START_TEST(test_refused)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"a = \"x\nb = 1;", "a:1: a string is not closed on its line"},
        {"\na = \"x", "a:2: a string is not closed on its line"},
        {"\na = \"x\\", "a:2: a string is not closed on its line"},
        {"a = \"x\\\n\";", "a:1: a string is not closed on its line"},
        {"\n/* x\n\na = 1;", "a:2: a comment is not closed"},
        {"/*/", "a:1: a comment is not closed"},
        {"@include", "a:1: @include needs a file name in quotes"},
        {"@include x", "a:1: @include needs a file name in quotes"},
        {"@include \"\"", "a:1: @include needs a file name in quotes"},
        {"@include \"x\n\"", "a:1: @include needs a file name in quotes"},
        {"\n@include \"none\"", "a:2: cannot read none: No such file or directory"},
        {"@include \"/none\"", "a:1: cannot read /none: No such file or directory"},
        {"@include \".\"", "a:1: cannot read .: Is a directory"},
        {"@include \"/dev/null\"", "a:1: cannot read /dev/null: not a file"},
        {"\n@include \"a\"", "a:2: files include each other more than 10 deep"},
        {"@include \"inner\"", "inner:2: a comment is not closed"},
    };
    folder_enter();
    folder_write("inner", "x = 1;\n/*");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        folder_write("a", rows[i].text);
        assert_refused("a", rows[i].expected);
    }
    assert_refused("none", "none: cannot be read: No such file or directory");
    assert_refused(".", ".: cannot be read: Is a directory");
    folder_remove();
}
END_TEST

START_TEST(test_sizes)
{
    folder_enter();
    char *large = malloc(CONFIG_FILE_MAX + 2);
    memset(large, '\n', CONFIG_FILE_MAX + 1);
    large[CONFIG_FILE_MAX + 1] = '\0';
    folder_write("large", large);
    assert_refused("large", "large: cannot be read: larger than 1048576 bytes");
    large[CONFIG_FILE_MAX] = '\0';
    folder_write("large", large);
    folder_write("a", "@include \"large\"\n@include \"large\"\n@include \"large\"\n@include \"large\"\n");
    assert_refused("a", "large:1048571: more than 4194304 bytes with what is included");
    FILE *out = fopen("nul", "w");
    ck_assert_uint_eq(fwrite("a = 1;\n\0b", 1, 9, out), 9);
    ck_assert_int_eq(fclose(out), 0);
    assert_refused("nul", "nul:2: a NUL byte");
    free(large);
    folder_remove();
}
END_TEST

UNIT_TESTS("config_text", test_places, test_what_is_no_directive, test_long_integers, test_refused, test_sizes)

/* SPDX-License-Identifier: Apache-2.0 */
/* What others have written does nothing to a terminal. */
#include "daemon/ctl/printable.h"

#include <string.h>

#include "tests/support/unit.h"

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

START_TEST(nothing_that_a_terminal_would_act_on)
{
    json_t *d = json_pack("{s:s, s:[s, {s:s}], s:i}", "why", "a\x1b[31m\nb\x7f", "list",
                          "\xc2\x9b"
                          "2J",
                          "reason", "\xc3\xa4\t\xe2\x80\xa6", "n", 7);
    printable_document(d);
    const json_t *list = json_object_get(d, "list");
    ck_assert_str_eq(text_at(d, "why"), "a?[31m?b?");
    ck_assert_str_eq(json_string_value(json_array_get(list, 0)), "??2J");
    ck_assert_str_eq(text_at(json_array_get(list, 1), "reason"), "\xc3\xa4?\xe2\x80\xa6");
    ck_assert_int_eq(json_integer_value(json_object_get(d, "n")), 7);
    json_decref(d);
    printable_document(NULL);
}
END_TEST

START_TEST(only_output_has_lines)
{
    json_t *d = json_pack("{s:[{s:s, s:s#}]}", "checks", "output", "one\n\ttwo\x1b", "name", "a\0b", (size_t)3);
    printable_document(d);
    const json_t *check = json_array_get(json_object_get(d, "checks"), 0);
    ck_assert_str_eq(text_at(check, "output"), "one\n\ttwo?");
    ck_assert_str_eq(text_at(check, "name"), "a?b");
    json_decref(d);
}
END_TEST

/* Those of UAX #9, and their neighbours, which are none. */
START_TEST(nothing_that_turns_a_line_around)
{
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"\u061c", "??"},
        {"a\u200eb\u200fc", "a???b???c"},
        {"\u202a\u202b\u202c\u202d\u202e", "???????????????"},
        {"\u2066\u2067\u2068\u2069", "????????????"},
        {"\u061b\u061d\u200d\u2010\u2029\u202f\u2065\u206a", "\u061b\u061d\u200d\u2010\u2029\u202f\u2065\u206a"},
        {"\U0001202e", "\U0001202e"},
    };
    char text[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        strcpy(text, rows[i].text);
        printable_text(text, strlen(text), true);
        ck_assert_str_eq(text, rows[i].shown);
    }
}
END_TEST

static void expect_printed(FILE *out, char *const *printed, const char *expected)
{
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(*printed, expected);
    free(*printed);
}

START_TEST(formatted_text)
{
    char *printed;
    size_t n;
    FILE *out = open_memstream(&printed, &n);
    printable_print(out, false, "%s: %d", "\u202e\n", 7);
    expect_printed(out, &printed, "????: 7");
}
END_TEST

/* Whoever reads it as JSON gets it as it was. */
START_TEST(json_has_it_escaped)
{
    static const char text[] = "a\x1b\x7f\xc2\x9b\u061c\u202e\u00e4\U0001202e\n";
    char *printed;
    size_t n;
    FILE *out = open_memstream(&printed, &n);
    json_t *d = json_pack("{s:s}", "text", text), *back;
    ck_assert(printable_json(d, JSON_INDENT(1), out));
    ck_assert_int_eq(fflush(out), 0);
    back = json_loads(printed, 0, NULL);
    ck_assert(json_equal(d, back));
    expect_printed(out, &printed, "{\n \"text\": \"a\\u001B\\u007F\\u009B\\u061C\\u202E\u00e4\U0001202e\\n\"\n}");
    json_decref(d);
    json_decref(back);
    ck_assert(!printable_json(NULL, 0, stdout));
}
END_TEST

UNIT_TESTS("printable", nothing_that_a_terminal_would_act_on, only_output_has_lines, nothing_that_turns_a_line_around,
           formatted_text, json_has_it_escaped)

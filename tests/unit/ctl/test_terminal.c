/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that fit, and colours that do not get into files. */
#include "daemon/ctl/terminal.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

static char *printed;
static size_t printed_n;

static const char *print(size_t max_width)
{
    struct rows r;
    free(printed);
    FILE *out = open_memstream(&printed, &printed_n);
    rows_init(&r, 2);
    rows_add(&r, STYLE_PLAIN, (const char *const[]){"shop/a-service-of-a-long-name", "1/2"});
    rows_add(&r, STYLE_PLAIN, (const char *const[]){"shop/\u00e4", "10/10"});
    rows_print(&r, out, max_width);
    rows_fini(&r);
    fclose(out);
    return printed;
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
    ck_assert_str_eq(print(0), "shop/a-service-of-a-long-name  1/2\n"
                               "shop/\u00e4                         10/10\n");
}
END_TEST

START_TEST(the_first_column_gives_way)
{
    ck_assert_str_eq(print(20), "shop/a-servi\u2026  1/2\n"
                                "shop/\u00e4         10/10\n");
    ck_assert_str_eq(print(3), "shop/a-serv\u2026  1/2\n"
                               "shop/\u00e4        10/10\n");
}
END_TEST

START_TEST(a_file_has_no_colours_and_no_width)
{
    FILE *out = tmpfile();
    char text[64] = "";
    styled(out, STYLE_BAD, "critical");
    ck_assert_uint_eq(terminal_width(out), 0);
    rewind(out);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, out));
    ck_assert_str_eq(text, "critical");
    fclose(out);
}
END_TEST

static const char *wrap(size_t max_width, const char *text)
{
    free(printed);
    FILE *out = open_memstream(&printed, &printed_n);
    wrapped(out, 4, max_width, text);
    fclose(out);
    return printed;
}

START_TEST(a_text_is_broken_at_blanks)
{
    static const char text[] = "it is p\u00e4ssing, and  its host web-1 is alive and well";
    ck_assert_str_eq(wrap(0, text), text); /* a file gets it as it is */
    ck_assert_str_eq(wrap(200, text), text);
    ck_assert_str_eq(wrap(39, text), "it is p\u00e4ssing, and  its host web-1\n    is alive and well");
    ck_assert_str_eq(wrap(3, "no room for it: it takes 30 columns all the same"),
                     "no room for it: it takes 30\n    columns all the same");
    ck_assert_str_eq(wrap(20, "short/and-a-name-that-is-longer-than-a-whole-line-is end"),
                     "short/and-a-name-that-is-longer-than-a-whole-line-is\n    end");
    ck_assert_str_eq(wrap(20, ""), "");
}
END_TEST

UNIT_TESTS("ctl/terminal", a_text_is_broken_at_blanks, columns_are_as_wide_as_their_widest_cell,
           the_first_column_gives_way, a_file_has_no_colours_and_no_width)

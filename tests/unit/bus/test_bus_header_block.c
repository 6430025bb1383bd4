/* SPDX-License-Identifier: Apache-2.0 */
/* The header block of a message, where it lies between subject and value, and what its last lines say. */
#include "daemon/bus/bus_header_block.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

#define SERVER "Nats-Subject: $KV.SERVICES.a.b.c.d\r\nNats-Sequence: 7\r\n"

/* A message as nats.c keeps it: subject, reply, block and value, each with a NUL behind it. */
static struct {
    char bytes[16384];
    const char *subject, *reply, *value;
} m;

static const char *append(const char *at, const char *text)
{
    strcpy((char *)at, text);
    return at + strlen(text) + 1;
}

static struct bus_header_block block_of(const char *reply, const char *block, const char *value)
{
    const char *at = append(m.subject = m.bytes, "subject");
    m.reply = reply ? at : NULL;
    at = reply ? append(at, reply) : at;
    m.value = block ? append(at, block) : at;
    (void)append(m.value, value);
    return bus_header_block_between(m.subject, m.reply, m.value);
}

static const char *crowd(size_t lines, const char *line)
{
    static char block[12000];
    strcpy(block, "NATS/1.0\r\n");
    for (char *at = block + strlen(block); lines > 0; at += strlen(line), lines--)
        strcpy(at, line);
    return strcat(block, SERVER "\r\n");
}

START_TEST(it_lies_between_subject_and_value)
{
    const char *block = "NATS/1.0\r\n" SERVER "\r\n";
    struct bus_header_block b = block_of(NULL, block, "value");
    ck_assert(b.at && b.n == strlen(block));
    ck_assert_ptr_nonnull(block_of("reply", block, "").at);
    ck_assert_ptr_nonnull(block_of(NULL, "NATS/1.0 404 No Messages\r\nDescription: x\r\n\r\n", "").at);
}
END_TEST

START_TEST(where_none_is_there_is_none)
{
    static const char elsewhere[] = "elsewhere";
    ck_assert_ptr_null(block_of(NULL, NULL, "value").at);
    ck_assert_ptr_null(block_of("reply", NULL, "").at);
    ck_assert_ptr_null(block_of(NULL, "", "").at);
    ck_assert_ptr_null(block_of(NULL, "NATS/1.0", "").at);
    ck_assert_ptr_null(block_of(NULL, "NATS/1.0\r\na: b\r\n", "").at);
    ck_assert_ptr_null(block_of(NULL, "HTTP/1.0\r\na: b\r\n\r\n", "").at);
    ck_assert_ptr_nonnull(block_of(NULL, "NATS/1.0\r\na: b\r\n\r\n", "").at);
    ck_assert_ptr_null(bus_header_block_between(m.subject, elsewhere, m.value).at);
    ck_assert_ptr_null(bus_header_block_between(m.subject, NULL, NULL).at);
    ck_assert_ptr_null(bus_header_block_between(m.value, NULL, m.subject).at);
    ck_assert(!bus_header_block_is_crowded(&(struct bus_header_block){NULL, 0}));
}
END_TEST

START_TEST(how_many_lines_are_a_crowd)
{
    struct bus_header_block b = block_of(NULL, crowd(10, "a:b\r\n"), "value");
    ck_assert(b.at && !bus_header_block_is_crowded(&b));
    b = block_of(NULL, crowd(BUS_HEADER_LINES_MAX - 4, "a:b\r\n"), "value"); /* the first, the server's, the end */
    ck_assert(!bus_header_block_is_crowded(&b));
    b = block_of(NULL, crowd(BUS_HEADER_LINES_MAX - 3, "a:b\r\n"), "value");
    ck_assert(bus_header_block_is_crowded(&b));
    b = block_of(NULL, crowd(1000, " folded\r\n"), "value");
    ck_assert(bus_header_block_is_crowded(&b));
    b = block_of(NULL, crowd(2000, ":\n"), "");
    ck_assert(bus_header_block_is_crowded(&b));
}
END_TEST

/* Whoever wrote the message has only the lines before the server's. */
START_TEST(the_last_line_of_a_name_counts)
{
    struct bus_header_block b = block_of(NULL, crowd(100, "Nats-Sequence: 9\r\n"), "Nats-Sequence: 8\r\n");
    for (int twice = 0; twice < 2; twice++) {
        ck_assert_str_eq(bus_header_block_last(&b, "Nats-Sequence"), "7");
        ck_assert_str_eq(bus_header_block_last(&b, "Nats-Subject"), "$KV.SERVICES.a.b.c.d");
        ck_assert_ptr_null(bus_header_block_last(&b, "Nats-Seq"));
        ck_assert_ptr_null(bus_header_block_last(&b, "nats-sequence"));
        ck_assert_ptr_null(bus_header_block_last(&b, "Nats-Time-Stamp"));
        b = bus_header_block_between(m.subject, m.reply, m.value); /* it is still one after it was read */
        ck_assert(bus_header_block_is_crowded(&b));
    }
    b = block_of(NULL, "NATS/1.0\r\na\r\nNats-Sequence:\r\n\r\n", "");
    ck_assert_str_eq(bus_header_block_last(&b, "Nats-Sequence"), "");
    ck_assert_ptr_null(bus_header_block_last(&b, "a"));
    ck_assert_ptr_null(bus_header_block_last(&b, "NATS/1.0"));
}
END_TEST

UNIT_TESTS("bus/header_block", it_lies_between_subject_and_value, where_none_is_there_is_none,
           how_many_lines_are_a_crowd, the_last_line_of_a_name_counts)

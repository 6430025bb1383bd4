/* SPDX-License-Identifier: Apache-2.0 */
/* Header and form of messages: octets in, octets out. Each test is named after the requirement it is for. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

static void with_payment(void)
{
    put("shop.payment.web-1.p1", 8080, NULL);
    flush();
}

static const char payment[] = "payment.shop." ZONE;

START_TEST(test_r01_header_of_a_reply)
{
    with_payment();
    const struct reply *r = ask(payment, SRV);
    ck_assert_uint_eq(r->id, 0x1234);
    ck_assert_uint_eq(r->flags, 0x8500); /* QR, AA, RD copied; opcode, TC, RA, Z, AD, CD and rcode 0 */
    ck_assert_uint_eq(r->questions, 1);
}
END_TEST

START_TEST(test_r02_rd_is_copied)
{
    uint8_t query[512];
    with_payment();
    size_t n = build(payment, SRV, query);
    ck_assert(ask_raw(query, n)->rd);
    query[2] = 0;
    ck_assert(!ask_raw(query, n)->rd);
}
END_TEST

START_TEST(test_r03_other_flags_of_a_query_are_ignored)
{
    uint8_t query[512];
    with_payment();
    size_t n = build(payment, SRV, query);
    query[2] |= 0x06; /* AA, TC */
    query[3] = 0xff;  /* RA, Z, AD, CD, and an rcode */
    const struct reply *r = ask_raw(query, n);
    ck_assert_uint_eq(r->flags, 0x8500);
    ck_assert_uint_eq(count(r, 0, SRV), 1);
}
END_TEST

START_TEST(test_r04_question_is_copied_bit_for_bit)
{
    uint8_t query[512];
    with_payment();
    size_t n = build("PayMENT.sHOp.DisCOVER.Internal", SRV, query);
    const struct reply *r = ask_raw(query, n);
    ck_assert_uint_eq(r->question_at_end, n);
    ck_assert_mem_eq(r->bytes + 12, query + 12, n - 12);
    const struct record_seen *srv = first(r, 0, SRV);
    ck_assert_str_eq(srv->owner, "PayMENT.sHOp.DisCOVER.Internal");
    ck_assert_str_eq(srv->target, "0a001f90.addr.shop." ZONE);
}
END_TEST

/* Only A to Z have another case; '@' and '[', beside them, and octets above 127 do not (RFC 4343 3). */
START_TEST(test_r04_only_letters_have_case)
{
    with_payment();
    ck_assert_uint_eq(ask("PAYMENT.SHOP." ZONE, SRV)->rcode, NOERROR);
    ck_assert_uint_eq(ask("pa\x19ment.shop." ZONE, SRV)->rcode, NXDOMAIN);
    ck_assert_uint_eq(ask("p\xc1yment.shop." ZONE, SRV)->rcode, NXDOMAIN);
    put("shop.a-b.web-1.p1", 1, NULL);
    flush();
    ck_assert_uint_eq(ask("A-B.shop." ZONE, SRV)->rcode, NOERROR);
    ck_assert_uint_eq(ask("a\rb.shop." ZONE, SRV)->rcode, NXDOMAIN); /* '-' without bit 5 */
}
END_TEST

/* What is prepared for one spelling must not be given to a question that differs in more than case. */
START_TEST(test_r04_types_are_not_folded)
{
    with_payment();
    ck_assert_uint_eq(ask(payment, 0x0141)->rcode, NOERROR);
    const struct reply *r = ask(payment, 0x0161);
    ck_assert_uint_eq(r->bytes[r->question_at_end - 3], 0x61);
}
END_TEST

START_TEST(test_r05_unknown_opcodes_are_notimp)
{
    uint8_t query[512];
    with_payment();
    size_t n = build(payment, SRV, query);
    for (unsigned opcode = 1; opcode < 16; opcode++) {
        query[2] = (uint8_t)(opcode << 3 | 0x07);
        query[3] = 0xf0;
        const struct reply *r = ask_raw(query, n);
        ck_assert_uint_eq(r->rcode, NOTIMP);
        ck_assert_uint_eq(r->flags, 0x8000u | opcode << 11 | 0x0100 | NOTIMP);
        ck_assert_uint_eq(r->n_records, 0);
        const uint8_t header[12] = {0x12, 0x34, (uint8_t)(opcode << 3)};
        ck_assert_uint_eq(ask_raw(header, 12)->n, 12); /* alone */
        ck_assert_uint_eq(ask_raw(header, 12)->rcode, NOTIMP);
    }
}
END_TEST

START_TEST(test_r06_question_count_other_than_one_is_formerr)
{
    uint8_t query[512], two[512];
    with_payment();
    size_t n = build(payment, SRV, query);
    const uint8_t none[12] = {0x12, 0x34, 0x01};
    const struct reply *r = ask_raw(none, 12);
    ck_assert_uint_eq(r->rcode, FORMERR);
    ck_assert_uint_eq(r->n, 12);
    memcpy(two, query, n);
    memcpy(two + n, query + 12, n - 12);
    two[5] = 2;
    r = ask_raw(two, 2 * n - 12);
    ck_assert_uint_eq(r->rcode, FORMERR);
    ck_assert_uint_eq(r->n, 12);
    ck_assert(!r->aa);
}
END_TEST

START_TEST(test_r07_responses_are_never_answered)
{
    uint8_t query[512];
    with_payment();
    size_t n = build(payment, SRV, query);
    query[2] |= 0x80;
    ck_assert_uint_eq(ask_raw(query, n)->n, 0);
    query[2] = 0xf8; /* whatever the opcode */
    ck_assert_uint_eq(ask_raw(query, n)->n, 0);
    ck_assert_uint_eq(ask_raw(query, 12)->n, 0);
    ck_assert_uint_eq(metric_get(&counters.ignored), 3);
}
END_TEST

START_TEST(test_r07_fewer_than_12_octets_are_not_answered)
{
    uint8_t query[512];
    with_payment();
    size_t n = build(payment, SRV, query);
    for (size_t i = 0; i < 12; i++)
        ck_assert_uint_eq(ask_raw(query, i)->n, 0);
    for (size_t i = 12; i < n; i++)
        ck_assert_uint_eq(ask_raw(query, i)->rcode, FORMERR); /* the rest can be answered */
}
END_TEST

/* The name of the first question, in octets, and what is wrong with it. */
static void check_name(const uint8_t *name, size_t n, uint16_t rcode)
{
    uint8_t query[1024] = {0x12, 0x34, 0x01, 0, 0, 1};
    const uint8_t end[] = {0, SRV, 0, 1};
    memcpy(query + 12, name, n);
    memcpy(query + 12 + n, end, sizeof end);
    const struct reply *r = ask_raw(query, 12 + n + sizeof end);
    ck_assert_uint_eq(r->rcode, rcode);
    if (rcode == FORMERR)
        ck_assert_uint_eq(r->n, 12);
}

START_TEST(test_r08_pointers_in_the_question_are_formerr)
{
    with_payment();
    check_name((const uint8_t *)"\xc0\x0c", 2, FORMERR);           /* at itself */
    check_name((const uint8_t *)"\3www\xc0\x0c", 6, FORMERR);      /* a loop */
    check_name((const uint8_t *)"\xc0\x12\0\0\0\0\0", 7, FORMERR); /* forward */
    check_name((const uint8_t *)"\xc0\x00", 2, FORMERR);           /* into the header */
    check_name((const uint8_t *)"\xff\xff", 2, FORMERR);           /* behind the end */
    check_name((const uint8_t *)"\x40"
                                "a\0",
               3, FORMERR); /* reserved label types */
    check_name((const uint8_t *)"\x80"
                                "a\0",
               3, FORMERR);
}
END_TEST

/* A name of 255 octets is one, of 256 not. */
START_TEST(test_r08_length_of_names)
{
    uint8_t name[300];
    memset(name, 'a', sizeof name);
    name[0] = name[64] = name[128] = 63;
    name[192] = 61;
    name[254] = 0;
    with_payment();
    check_name(name, 255, REFUSED);
    name[192] = 62;
    name[255] = 0;
    check_name(name, 256, FORMERR);
}
END_TEST

START_TEST(test_r08_labels_are_counted_octets)
{
    with_payment();
    static const uint8_t dot[] = "\14payment.shop\10discover\10internal";
    static const uint8_t nul[] = "\7pay\0ent\4shop\10discover\10internal";
    check_name(dot, sizeof dot, NXDOMAIN);
    check_name(nul, sizeof nul, NXDOMAIN);
}
END_TEST

START_TEST(test_r09_octets_behind_the_message)
{
    uint8_t query[512] = {0};
    with_payment();
    size_t n = build(payment, SRV, query);
    const struct reply *r = ask_raw(query, n + 100);
    ck_assert_uint_eq(r->rcode, NOERROR);
    ck_assert_uint_eq(r->question_at_end, n);
}
END_TEST

START_TEST(test_r10_counts_are_not_trusted)
{
    uint8_t query[512];
    static const uint8_t record[] = {0xc0, 12, 0, A, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4};
    with_payment();
    size_t n = build(payment, SRV, query);
    for (int section = 6; section <= 10; section += 2) {
        query[section] = query[section + 1] = 0xff;
        ck_assert_uint_eq(ask_raw(query, n)->rcode, FORMERR);
        query[section] = 0;
        query[section + 1] = 1;
        memcpy(query + n, record, sizeof record);
        ck_assert_uint_eq(ask_raw(query, n + sizeof record)->rcode, NOERROR); /* there, and ignored */
        ck_assert_uint_eq(ask_raw(query, n + sizeof record - 1)->rcode, FORMERR);
        query[section + 1] = 0;
    }
}
END_TEST

/* Names of further records may end in a pointer anywhere; it is not followed. */
START_TEST(test_r10_pointer_loops_in_further_records_do_no_harm)
{
    uint8_t query[512];
    with_payment();
    size_t n = build(payment, SRV, query);
    const uint8_t record[] = {0xc0, (uint8_t)n, 0, A, 0, 1, 0, 0, 0, 9, 0, 0};
    memcpy(query + n, record, sizeof record);
    query[11] = 1;
    ck_assert_uint_eq(ask_raw(query, n + sizeof record)->rcode, NOERROR);
}
END_TEST

/* Every prefix and every single-bit change of a query gives a reply that can be read, or none. */
START_TEST(test_r48_whatever_comes_is_answered_or_ignored)
{
    uint8_t query[512];
    with_payment();
    size_t n = build(payment, SRV, query);
    static const uint8_t opt[] = {0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 8, 0, 10, 0, 4, 1, 2, 3, 4};
    memcpy(query + n, opt, sizeof opt);
    query[11] = 1;
    n += sizeof opt;
    for (size_t bit = 0; bit < 8 * n; bit++) {
        query[bit / 8] ^= (uint8_t)(1 << bit % 8);
        const struct reply *r = ask_raw(query, n);
        ck_assert_int_eq(r->n == 0, (query[2] & 0x80) != 0);
        query[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
END_TEST

/* Nothing is dropped for being unknown: that would look like a lost packet, and cost its client seconds (RFC 8906). */
START_TEST(test_r49_the_unknown_is_answered)
{
    uint8_t query[512], with_opt[512];
    with_payment();
    size_t n = build(payment, SRV, query);
    for (uint32_t type = 0; type < 65536; type += 7) {
        query[n - 4] = (uint8_t)(type >> 8);
        query[n - 3] = (uint8_t)type;
        ck_assert_uint_ne(ask_raw(query, n)->n, 0);
    }
    n = build(payment, SRV, query);
    for (uint32_t class = 0; class < 65536; class += 7) {
        query[n - 2] = (uint8_t)(class >> 8);
        query[n - 1] = (uint8_t) class;
        ck_assert_uint_ne(ask_raw(query, n)->n, 0);
    }
    n = build(payment, SRV, query);
    for (uint32_t i = 0; i < 65536; i += 7) { /* version and flags, and an option's code */
        const uint8_t opt[] = {0,          0, 41, 4, 0xd0, 0, (uint8_t)(i >> 8), (uint8_t)i, 0, 0, 6, (uint8_t)(i >> 8),
                               (uint8_t)i, 0, 2,  1, 2};
        memcpy(with_opt, query, n);
        memcpy(with_opt + n, opt, sizeof opt);
        with_opt[11] = 1;
        const struct reply *r = ask_raw(with_opt, n + sizeof opt);
        ck_assert_uint_ne(r->n, 0);
        ck_assert_uint_eq(r->rcode, i >> 8 ? BADVERS : NOERROR);
    }
    for (unsigned flags = 0; flags < 0x8000; flags += 3) {
        query[2] = (uint8_t)(flags >> 8);
        query[3] = (uint8_t)flags;
        ck_assert_uint_ne(ask_raw(query, n)->n, 0);
    }
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns message", test_r01_header_of_a_reply, test_r02_rd_is_copied,
              test_r03_other_flags_of_a_query_are_ignored, test_r04_question_is_copied_bit_for_bit,
              test_r04_only_letters_have_case, test_r04_types_are_not_folded, test_r05_unknown_opcodes_are_notimp,
              test_r06_question_count_other_than_one_is_formerr, test_r07_responses_are_never_answered,
              test_r07_fewer_than_12_octets_are_not_answered, test_r08_pointers_in_the_question_are_formerr,
              test_r08_length_of_names, test_r08_labels_are_counted_octets, test_r09_octets_behind_the_message,
              test_r10_counts_are_not_trusted, test_r10_pointer_loops_in_further_records_do_no_harm,
              test_r48_whatever_comes_is_answered_or_ignored, test_r49_the_unknown_is_answered)

/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into a mail comes out of it. */
#include "daemon/bus/bus_mail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

#define CAP 4096

static struct kv_message message(const char *key, const char *value, uint64_t seq)
{
    return (struct kv_message){
        .kind = value[0] ? KV_PUT : KV_DELETE,
        .key = key,
        .key_len = strlen(key),
        .value = (const uint8_t *)value,
        .n = strlen(value),
        .seq = seq,
        .age_ns = (int64_t)seq * 1000,
        .stored_ns = (int64_t)seq + 1,
    };
}

START_TEST(entries_come_out_as_they_went_in)
{
    struct entries_mail *mail = calloc(1, sizeof *mail + CAP);
    struct kv_message in = message("shop.payment.a.p1", "one", 7), out;
    size_t n = 0;
    while (entries_add(mail, CAP, &in)) {
        in = n % 2 ? message("shop.payment.a.p1", "one", 7 + n) : message("x", "", 7 + n);
        n++;
    }
    ck_assert_uint_eq(mail->count, n);
    ck_assert_uint_gt(n, 10);
    ck_assert_uint_le(mail->used, CAP);
    out = *entries_next(mail);
    ck_assert_uint_eq(out.seq, 7);
    ck_assert_int_eq(out.age_ns, 7000);
    ck_assert_int_eq(out.stored_ns, 8);
    ck_assert(out.kind == KV_PUT && out.n == 3 && memcmp(out.value, "one", 3) == 0);
    ck_assert(out.key_len == 17 && memcmp(out.key, "shop.payment.a.p1", 17) == 0);
    out = *entries_next(mail);
    ck_assert(out.kind == KV_DELETE && out.n == 0 && out.key_len == 1);
    for (size_t i = 2; i < n; i++)
        out = *entries_next(mail);
    ck_assert_ptr_null(entries_next(mail));
    free(mail);
}
END_TEST

/* Beside one that has none. What is longer than any is cut, for whoever reads it to refuse. */
START_TEST(trace_contexts_go_along)
{
    char endless[2 * KV_TRACE_MAX];
    struct entries_mail *mail = calloc(1, sizeof *mail + 8 * CAP);
    struct kv_message in = message("k", "one", 7), out;
    memset(endless, 'x', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    in.traceparent = "00-parent";
    in.stored_ns = 42;
    in.ttl_ns = 43;
    ck_assert(entries_add(mail, 8 * CAP, &in));
    in.tracestate = endless;
    ck_assert(entries_add(mail, 8 * CAP, &in));
    in = message("k", "two", 8);
    ck_assert(entries_add(mail, 8 * CAP, &in));
    out = *entries_next(mail);
    ck_assert_str_eq(out.traceparent, "00-parent");
    ck_assert(!out.tracestate && out.stored_ns == 42 && out.ttl_ns == 43 && out.n == 3);
    out = *entries_next(mail);
    ck_assert_str_eq(out.traceparent, "00-parent");
    ck_assert_uint_eq(strlen(out.tracestate), KV_TRACE_MAX);
    out = *entries_next(mail);
    ck_assert(!out.traceparent && !out.tracestate && memcmp(out.value, "two", 3) == 0);
    ck_assert_ptr_null(entries_next(mail));
    free(mail);
}
END_TEST

START_TEST(a_live_message_has_its_trace_context)
{
    struct mailbox *box;
    struct kv_message in = message("k", "v", 1);
    in.traceparent = "00-parent";
    in.tracestate = "a=1";
    ck_assert_int_eq(mailbox_new(2, &box), 0);
    ck_assert_int_eq(bus_mail_live(box, BUS_SERVICES, &in, true), 0);
    struct live_mail *mail = (struct live_mail *)mailbox_take(box);
    ck_assert_str_eq(mail->m.traceparent, "00-parent");
    ck_assert_str_eq(mail->m.tracestate, "a=1");
    ck_assert(mail->m.traceparent != in.traceparent && mail->m.n == 1 && mail->m.value[0] == 'v');
    free(mail);
    mailbox_free(box);
}
END_TEST

START_TEST(live_is_refused_when_full_and_texts_are_not)
{
    struct mailbox *box;
    struct kv_message in = message("k", "v", 1);
    ck_assert_int_eq(mailbox_new(2, &box), 0);
    ck_assert_int_eq(bus_mail_live(box, BUS_HOSTS, &in, true), 0);
    ck_assert_int_eq(bus_mail_live(box, BUS_HOSTS, &in, true), 0);
    ck_assert_int_eq(bus_mail_live(box, BUS_HOSTS, &in, true), -ENOBUFS);
    bus_mail_text(box, BUS_MAIL_PROBLEM, BUS_SERVICES, 0, "lost");
    bus_mail_text(box, BUS_MAIL_END, BUS_HOSTS, -ETIMEDOUT, "the end");
    bus_mail_info(box, BUS_HOSTS, &(struct bus_info){.last_seq = 5});
    static const enum bus_mail_kind kinds[] = {BUS_MAIL_LIVE, BUS_MAIL_LIVE, BUS_MAIL_END, BUS_MAIL_INFO};
    struct mail *mail = mailbox_take(box);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct mail *next = mail->next;
        struct bus_mail *b = (struct bus_mail *)mail;
        ck_assert_int_eq(b->kind, kinds[i]);
        ck_assert_int_eq(b->bucket, BUS_HOSTS);
        if (b->kind == BUS_MAIL_LIVE)
            ck_assert(((struct live_mail *)b)->m.key[0] == 'k' && ((struct live_mail *)b)->m.value[0] == 'v');
        if (b->kind == BUS_MAIL_END)
            ck_assert_str_eq(((struct text_mail *)b)->text, "the end");
        free(mail);
        mail = next;
    }
    ck_assert_ptr_null(mail);
    mailbox_free(box);
}
END_TEST

UNIT_TESTS("bus_mail", entries_come_out_as_they_went_in, trace_contexts_go_along, a_live_message_has_its_trace_context,
           live_is_refused_when_full_and_texts_are_not)

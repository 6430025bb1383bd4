/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of the buckets: refusals with their reason until they are over, fill, settings that are not as they should. */
#include "daemon/registry/buckets.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static struct metrics *metrics;
static struct buckets buckets;

static void begin(void)
{
    static const char *const names[BUS_BUCKETS] = {"SERVICES", "HOSTS"};
    buckets = (struct buckets){.refusal = ""};
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(buckets_init(&buckets, names, metrics), 0);
}

static void end(void)
{
    metrics_free(metrics);
}

static const Discover__V1__BucketStatus *services(void)
{
    static Discover__V1__Status s;
    discover__v1__status__init(&s);
    buckets_status(&buckets, 5 * NS_PER_S, &s);
    ck_assert_uint_eq(s.n_buckets, BUS_BUCKETS);
    return s.buckets[BUS_SERVICES];
}

static const char *refusal(void)
{
    static Discover__V1__Status s;
    discover__v1__status__init(&s);
    buckets_status(&buckets, 5 * NS_PER_S, &s);
    return s.write_refusal;
}

static void answer(int err, uint32_t refused)
{
    const struct bus_put_result result = {.bucket = BUS_SERVICES, .err = err, .reason = "maximum bytes exceeded"};
    buckets_put(&buckets, &result, refused, NS_PER_S);
}

START_TEST(a_refusal_stands_until_nothing_is_refused_any_more)
{
    begin();
    answer(-ENOSPC, 2);
    ck_assert_ptr_nonnull(strstr(refusal(), "SERVICES: it is full (maximum bytes exceeded)"));
    ck_assert_uint_eq(services()->refused, 2);
    ck_assert_int_eq(services()->refused_ms, 4000);
    answer(0, 1);
    ck_assert_str_ne(refusal(), "");
    answer(0, 0);
    ck_assert_str_eq(refusal(), "");
    end();
}
END_TEST

START_TEST(what_is_lost_with_the_connection_is_no_refusal)
{
    begin();
    answer(-ENOTCONN, 1);
    ck_assert_str_eq(refusal(), "");
    answer(-ENOSPC, 1);
    buckets_disconnected(&buckets);
    ck_assert_str_eq(refusal(), "");
    end();
}
END_TEST

START_TEST(fill_and_settings_are_reported)
{
    begin();
    const struct bus_info full = {
        .reason = "", .bytes = 999500, .max_bytes = 1000000, .max_messages = -1, .lacks = "no MaxAge\nno republish\n"};
    buckets_info(&buckets, BUS_SERVICES, &full);
    ck_assert(services()->full);
    ck_assert_uint_eq(services()->n_lacks, 2);
    ck_assert_str_eq(services()->lacks[1], "no republish");
    const struct bus_info good = {.reason = "", .bytes = 10, .max_bytes = 1000000, .max_messages = -1, .lacks = ""};
    buckets_info(&buckets, BUS_SERVICES, &good);
    ck_assert(!services()->full);
    ck_assert_uint_eq(services()->n_lacks, 0);
    const struct bus_info gone = {.err = -ENOENT, .reason = "there is no such bucket"};
    buckets_info(&buckets, BUS_SERVICES, &gone);
    ck_assert_str_eq(services()->read_error, "there is no such bucket");
    buckets_read(&buckets, BUS_SERVICES, 0, "");
    ck_assert_str_eq(services()->read_error, "");
    end();
}
END_TEST

UNIT_TESTS("buckets", a_refusal_stands_until_nothing_is_refused_any_more,
           what_is_lost_with_the_connection_is_no_refusal, fill_and_settings_are_reported)

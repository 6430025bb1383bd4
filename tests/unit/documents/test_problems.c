/* SPDX-License-Identifier: Apache-2.0 */
/* Each thing that can be wrong with a daemon is a problem of its level, in words. */
#include "daemon/documents/problems.h"

#include <string.h>

#include "tests/support/unit.h"

static struct problem problems[PROBLEMS_MAX];
static char sentence[PROBLEM_TEXT_CAP];

static struct discover_status well(void)
{
    return (struct discover_status){.version = "0.1.0",
                                    .host = "web-1",
                                    .sync = "live",
                                    .bus_server = "nats://a:4222",
                                    .bus_error = "",
                                    .bus_connected = 1,
                                    .distrust = "",
                                    .held_reason = "",
                                    .address = "10.0.0.1",
                                    .store_error = "",
                                    .lease_problem = "",
                                    .write_refusal = "",
                                    .unwritten_reason = ""};
}

static void expect(const struct discover_status *s, enum problem_level level, const char *text)
{
    size_t n = problems_of(s, problems);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(problems[0].level, level);
    ck_assert_msg(strstr(problems[0].text, text), "%s", problems[0].text);
}

START_TEST(nothing_is_wrong)
{
    struct discover_status s = well();
    ck_assert_uint_eq(problems_of(&s, problems), 0);
    condition_sentence(&s, problems, 0, sentence);
    ck_assert_ptr_nonnull(strstr(sentence, "has all that this host registers"));
    s.unacknowledged = 2;
    condition_sentence(&s, problems, 0, sentence);
    ck_assert_ptr_nonnull(strstr(sentence, "2 changes of this host are on their way"));
}
END_TEST

START_TEST(each_problem_has_its_level_and_words)
{
    static const char *const lacks[] = {"max_bytes is not set"}, *const listen[] = {"10.0.0.9:53: not here yet"};
    struct discover_bucket bucket = {.name = "SERVICES", .read_error = "", .refusal = ""};
    struct discover_top_writer writer = {.host = "web-9", .changes = 900, .floods = 1};
    struct discover_status s = well();

    s.sync = "unsynced";
    expect(&s, PROBLEM_CRITICAL, "nothing has been read from NATS");
    s.sync = "stale", s.bus_connected = 0, s.stale_ms = 12345, s.bus_error = "connection refused";
    expect(&s, PROBLEM_WARNING, "answers are those of 12.3 s ago: connection refused");
    s = well(), s.distrust = "no lease has come back";
    expect(&s, PROBLEM_WARNING, "no lease runs out: no lease has come back");
    s = well(), s.lease_problem = "another live host is called web-1", s.name_taken = 1;
    expect(&s, PROBLEM_CRITICAL, "another live host");
    s = well(), s.write_refusal = "no permission";
    expect(&s, PROBLEM_CRITICAL, "does not store what this host registers: no permission");
    s = well(), s.unwritten = 3, s.unwritten_reason = "no memory";
    expect(&s, PROBLEM_CRITICAL, "3 entries of the shared table: no memory");
    s = well(), s.store_error = "/var/lib/discoverd: no space";
    expect(&s, PROBLEM_CRITICAL, "no space");
    s = well(), s.listen_problems = listen, s.n_listen_problems = 1;
    expect(&s, PROBLEM_WARNING, "10.0.0.9:53");
    s = well(), s.waiting = 2;
    expect(&s, PROBLEM_WARNING, "2 registrations wait");
    s = well(), s.held = 4, s.held_ms = 5000, s.held_reason = "more hosts fell silent";
    expect(&s, PROBLEM_WARNING, "4 hosts whose leases have run out are kept, for 5.0 s");
    s = well(), s.top_writers = &writer, s.n_top_writers = 1;
    expect(&s, PROBLEM_WARNING, "web-9 floods");

    s = well(), s.buckets = &bucket, s.n_buckets = 1;
    bucket.read_error = "it is a stream of another kind";
    expect(&s, PROBLEM_CRITICAL, "bucket SERVICES cannot be read");
    bucket.read_error = "", bucket.refusal = "maximum bytes exceeded", bucket.refused = 7, s.write_refusal = "said";
    expect(&s, PROBLEM_CRITICAL, "has not stored 7 keys");
    bucket.refusal = "", bucket.full = 1, s.write_refusal = "";
    expect(&s, PROBLEM_CRITICAL, "bucket SERVICES is full");
    bucket.full = 0, bucket.lacks = lacks, bucket.n_lacks = 1;
    expect(&s, PROBLEM_WARNING, "max_bytes is not set");
}
END_TEST

START_TEST(the_worst_comes_first)
{
    struct discover_status s = well();
    s.waiting = 1;
    s.lease_problem = "not heard";
    s.store_error = "full";
    ck_assert_uint_eq(problems_of(&s, problems), 3);
    ck_assert_str_eq(problems[0].text, "not heard");
    ck_assert_int_eq(problems[1].level, PROBLEM_CRITICAL);
    ck_assert_int_eq(problems[2].level, PROBLEM_WARNING);
    condition_sentence(&s, problems, 3, sentence);
    ck_assert_str_eq(sentence, "not heard (and 2 more)");
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
    struct discover_bucket buckets[20];
    static const char *const lacks[] = {"a", "b"};
    struct discover_status s = well();
    for (size_t i = 0; i < 20; i++)
        buckets[i] =
            (struct discover_bucket){.name = "B", .read_error = "", .refusal = "", .lacks = lacks, .n_lacks = 2};
    s.buckets = buckets, s.n_buckets = 20;
    ck_assert_uint_eq(problems_of(&s, problems), PROBLEMS_MAX);
}
END_TEST

UNIT_TESTS("documents/problems", nothing_is_wrong, each_problem_has_its_level_and_words, the_worst_comes_first,
           more_than_there_is_room_for)

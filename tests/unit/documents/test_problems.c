/* SPDX-License-Identifier: Apache-2.0 */
/* Each thing that can be wrong with a daemon is a problem of its level, in words. */
#include "daemon/documents/problems.h"

#include <string.h>

#include "tests/support/unit.h"

static struct problem problems[PROBLEMS_MAX];
static char sentence[PROBLEM_TEXT_CAP];

static Discover__V1__Status well(void)
{
    Discover__V1__Status s = DISCOVER__V1__STATUS__INIT;
    s.sync = (char *)"live";
    s.bus_connected = 1;
    return s;
}

static void expect(const Discover__V1__Status *s, enum problem_level level, const char *text)
{
    size_t n = problems_of(s, problems);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(problems[0].level, level);
    ck_assert_msg(strstr(problems[0].text, text), "%s", problems[0].text);
}

START_TEST(nothing_is_wrong)
{
    Discover__V1__Status s = well();
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
    static char *lacks[] = {(char *)"max_bytes is not set"}, *listen[] = {(char *)"10.0.0.9:53: not here yet"};
    Discover__V1__BucketStatus bucket = DISCOVER__V1__BUCKET_STATUS__INIT, *buckets = &bucket;
    Discover__V1__TopWriter writer = DISCOVER__V1__TOP_WRITER__INIT, *writers = &writer;
    Discover__V1__Status s = well();

    bucket.name = (char *)"SERVICES";
    writer.host = (char *)"web-9", writer.changes = 900, writer.floods = 1;
    s.sync = (char *)"unsynced";
    expect(&s, PROBLEM_CRITICAL, "nothing has been read from NATS");
    s.sync = (char *)"stale", s.bus_connected = 0, s.stale_ms = 12345, s.bus_error = (char *)"connection refused";
    expect(&s, PROBLEM_WARNING, "answers are those of 12.3 s ago: connection refused");
    s = well(), s.distrust = (char *)"no lease has come back";
    expect(&s, PROBLEM_WARNING, "no lease runs out: no lease has come back");
    s = well(), s.lease_problem = (char *)"another live host is called web-1", s.name_taken = 1;
    expect(&s, PROBLEM_CRITICAL, "another live host");
    s = well(), s.write_refusal = (char *)"no permission";
    expect(&s, PROBLEM_CRITICAL, "does not store what this host registers: no permission");
    s = well(), s.unwritten = 3, s.unwritten_reason = (char *)"no memory";
    expect(&s, PROBLEM_CRITICAL, "3 entries of the shared table: no memory");
    s = well(), s.store_error = (char *)"/var/lib/discoverd: no space";
    expect(&s, PROBLEM_CRITICAL, "no space");
    s = well(), s.listen_problems = listen, s.n_listen_problems = 1;
    expect(&s, PROBLEM_WARNING, "10.0.0.9:53");
    s = well(), s.waiting = 2;
    expect(&s, PROBLEM_WARNING, "2 registrations wait");
    s = well(), s.held = 4, s.held_ms = 5000, s.held_reason = (char *)"more hosts fell silent";
    expect(&s, PROBLEM_WARNING, "4 hosts whose leases have run out are kept, for 5.0 s");
    s = well(), s.top_writers = &writers, s.n_top_writers = 1;
    expect(&s, PROBLEM_WARNING, "web-9 floods");

    s = well(), s.buckets = &buckets, s.n_buckets = 1;
    bucket.read_error = (char *)"it is a stream of another kind";
    expect(&s, PROBLEM_CRITICAL, "bucket SERVICES cannot be read");
    bucket.read_error = (char *)"", bucket.refusal = (char *)"maximum bytes exceeded", bucket.refused = 7,
    s.write_refusal = (char *)"said";
    expect(&s, PROBLEM_CRITICAL, "has not stored 7 keys");
    bucket.refusal = (char *)"", bucket.full = 1, s.write_refusal = (char *)"";
    expect(&s, PROBLEM_CRITICAL, "bucket SERVICES is full");
    bucket.full = 0, bucket.lacks = lacks, bucket.n_lacks = 1;
    expect(&s, PROBLEM_WARNING, "max_bytes is not set");
}
END_TEST

START_TEST(the_worst_comes_first)
{
    Discover__V1__Status s = well();
    s.waiting = 1;
    s.lease_problem = (char *)"not heard";
    s.store_error = (char *)"full";
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
    Discover__V1__BucketStatus all[20], *buckets[20];
    static char *lacks[] = {(char *)"a", (char *)"b"};
    Discover__V1__Status s = well();
    for (size_t i = 0; i < 20; i++) {
        discover__v1__bucket_status__init(&all[i]);
        all[i].lacks = lacks, all[i].n_lacks = 2;
        buckets[i] = &all[i];
    }
    s.buckets = buckets, s.n_buckets = 20;
    ck_assert_uint_eq(problems_of(&s, problems), PROBLEMS_MAX);
}
END_TEST

UNIT_TESTS("documents/problems", nothing_is_wrong, each_problem_has_its_level_and_words, the_worst_comes_first,
           more_than_there_is_room_for)

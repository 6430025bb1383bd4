/* SPDX-License-Identifier: Apache-2.0 */
/* What is known against what the bucket is found to hold, and what a host's lease says to that. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/digest.h"
#include "tests/support/unit.h"

#define A "shop.pay.web-2.a"
#define B "shop.pay.web-2.b"
#define F "shop.pay.ext-1.f"

static struct catalog *c;

static void setup(void)
{
    struct catalog_options o = {.host = "web-1",
                                .region = "eu",
                                .table_words = 1 << 16,
                                .hosts_max = 10,
                                .services_max = 10,
                                .instances_per_host_max = 5};
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &c), 0);
}

static struct instance_key key_of(const char *text)
{
    struct instance_key key;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    return key;
}

static struct record record_of(uint64_t epoch, uint64_t counter, uint16_t port)
{
    struct record r;
    record_init(&r);
    r.epoch = epoch;
    r.counter = counter;
    r.port = port;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    return r;
}

static void hear(const char *text, uint64_t epoch, uint64_t counter, uint16_t port)
{
    struct instance_key key = key_of(text);
    struct record r = record_of(epoch, counter, port);
    (void)catalog_put(c, &key, &r);
}

static void find(const char *text, uint64_t epoch, uint64_t counter, uint16_t port)
{
    struct instance_key key = key_of(text);
    struct record r = record_of(epoch, counter, port);
    (void)catalog_put_from(c, &key, &r, true, &(struct catalog_origin){0});
}

static void cannot_read(const char *text)
{
    struct instance_key key = key_of(text);
    catalog_unreadable(c, &key);
}

static int foreign(const char *text, uint64_t seq, struct foreign_life life, int64_t now_ns)
{
    struct instance_key key = key_of(text);
    struct record r = record_of(1, seq, 90);
    return catalog_put_foreign(c, &key, &r, life, now_ns);
}

static struct lease lease_of(const char *first, uint64_t first_counter, const char *second, uint64_t second_counter)
{
    struct lease l = {.epoch = 5, .min_epoch = 5, .ttl_ms = 1000, .region = "eu"};
    const char *texts[] = {first, second};
    uint64_t counters[] = {first_counter, second_counter};
    for (int i = 0; i < 2 && texts[i]; i++) {
        struct instance_key key = key_of(texts[i]);
        l.digest ^= record_digest(&key, 5, counters[i]);
        l.records++;
    }
    return l;
}

/* The host of A and B lives, and says that. False: all is to be read again. */
static bool beat(const struct lease *l)
{
    ck_assert_int_eq(catalog_set_host(c, "web-2", l, true, 1000), 0);
    return catalog_agrees(c, "web-2", l);
}

/* The ports served, as one number each. */
static const char *ports(void)
{
    static char text[64];
    struct discover_endpoint e[8];
    size_t n = 0, used = 0;
    catalog_flush(c);
    text[0] = '\0';
    if (table_endpoints(table_writer_table(catalog_table(c)), "shop/pay", 8, e, 8, &n) < 0)
        return "none";
    for (uint16_t port = 0; port < 100; port++)
        for (size_t i = 0; i < n; i++)
            if (e[i].port == port)
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%u", used ? " " : "", port);
    return text;
}

static void teardown(void)
{
    catalog_free(c);
}

START_TEST(what_cannot_be_read_is_not_absent)
{
    hear(A, 5, 1, 80);
    hear(B, 5, 2, 81);
    struct lease both = lease_of(A, 1, B, 2);
    (void)beat(&both);
    cannot_read(B); /* live */
    ck_assert_str_eq(ports(), "80 81");
    for (int snapshot = 0; snapshot < 3; snapshot++) {
        catalog_snapshot_begin(c);
        find(A, 5, 1, 80);
        cannot_read(B);
        ck_assert_uint_eq(catalog_unmarked(c), 0);
        catalog_snapshot_end(c, true);
        ck_assert(beat(&both));
        ck_assert_str_eq(ports(), "80 81");
    }
    ck_assert_int_eq(catalog_set_host(c, "web-2", &both, false, 2000), 0);
    ck_assert_str_eq(ports(), ""); /* with its host it goes */
}
END_TEST

/* Its owner has begun a new life, and what it has put for that is what cannot be read. */
START_TEST(what_cannot_be_read_may_be_of_the_new_epoch)
{
    hear(A, 5, 1, 80);
    hear(B, 4, 2, 81); /* void: of a life before */
    struct lease l = lease_of(A, 1, B, 2);
    (void)beat(&l);
    cannot_read(A);
    cannot_read(B);
    ck_assert_str_eq(ports(), "80");
    l.epoch = l.min_epoch = 6;
    (void)beat(&l);
    ck_assert_str_eq(ports(), "80");
    hear(A, 5, 1, 80); /* it is not */
    ck_assert_str_eq(ports(), "");
    hear(A, 6, 1, 82);
    ck_assert_str_eq(ports(), "82");
}
END_TEST

/* The instance of B ended while we were away, and somebody wrote over the mark of its deletion. */
START_TEST(the_lease_tells_that_an_unreadable_one_is_gone)
{
    hear(A, 5, 1, 80);
    hear(B, 5, 2, 81);
    catalog_snapshot_begin(c);
    find(A, 5, 1, 80);
    cannot_read(B);
    catalog_snapshot_end(c, true);
    struct lease one = lease_of(A, 1, NULL, 0);
    ck_assert(beat(&one));
    ck_assert_str_eq(ports(), "80 81"); /* its last put may be on its way */
    ck_assert(beat(&one));
    ck_assert_str_eq(ports(), "80");
}
END_TEST

START_TEST(what_the_lease_vouches_for_stays)
{
    hear(A, 5, 1, 80);
    hear(B, 5, 2, 81);
    struct lease both = lease_of(A, 1, B, 2);
    (void)beat(&both);
    catalog_snapshot_begin(c);
    ck_assert_uint_eq(catalog_unmarked(c), 0);
    catalog_snapshot_end(c, true);
    ck_assert_str_eq(ports(), "80 81");
    ck_assert_int_eq(catalog_set_host(c, "web-2", &both, false, 2000), 0); /* nobody is there to vouch */
    ck_assert_uint_eq(catalog_unmarked(c), 2);
    catalog_snapshot_begin(c);
    catalog_snapshot_end(c, true);
    ck_assert_str_eq(ports(), "none");
}
END_TEST

static void read_all(bool sweep)
{
    catalog_snapshot_begin(c);
    find(A, 5, 1, 80);
    catalog_snapshot_end(c, sweep);
}

/* Told by the live feed alone: a higher epoch, other contents of the same version, and a key that there is not. */
START_TEST(what_only_the_live_feed_said_does_not_outlive_a_snapshot)
{
    struct lease one = lease_of(A, 1, NULL, 0);
    hear(A, 5, 1, 80);
    (void)beat(&one);
    hear(A, 7000, 9, 66);
    hear(B, 7000, 9, 67);
    ck_assert_str_eq(ports(), "66 67");
    ck_assert(beat(&one));
    ck_assert(!beat(&one)); /* read again */
    read_all(false);
    ck_assert(beat(&one));
    ck_assert_str_eq(ports(), "80");
    ck_assert(beat(&one));

    hear(A, 5, 2, 66);
    read_all(true); /* no lease, no proof; but not found again */
    ck_assert_str_eq(ports(), "80");
}
END_TEST

START_TEST(forged_contents_of_a_known_version_are_corrected)
{
    hear(A, 5, 1, 66);
    struct lease one = {.epoch = 5, .ttl_ms = 1000, .region = "eu", .records = 7};
    (void)beat(&one);
    read_all(true);
    ck_assert_str_eq(ports(), "80");
}
END_TEST

/* The owner puts it again before the next snapshot: that is the newest word. */
START_TEST(what_is_put_again_is_found)
{
    hear(A, 5, 2, 80);
    catalog_snapshot_begin(c);
    find(A, 5, 1, 79);
    hear(A, 5, 2, 80);
    ck_assert_uint_eq(catalog_unmarked(c), 0);
    catalog_snapshot_end(c, true);
    struct lease one = lease_of(A, 2, NULL, 0);
    (void)beat(&one);
    ck_assert_str_eq(ports(), "80");
}
END_TEST

START_TEST(foreign_record_never_stands_in_for_a_host_s_own)
{
    const struct foreign_life life = {.ttl_ns = 100};
    ck_assert_int_eq(foreign(A, 7, life, 0), 0); /* before its host was heard of */
    ck_assert_str_eq(ports(), "90");
    struct lease none = lease_of(NULL, 0, NULL, 0);
    (void)beat(&none);
    ck_assert_str_eq(ports(), "none");
    ck_assert_int_eq(foreign(A, 8, life, 0), -EPERM);
    ck_assert_str_eq(ports(), "none");
    hear(A, 5, 1, 80);
    ck_assert_int_eq(foreign(A, 9, life, 0), -EPERM);
    ck_assert_str_eq(ports(), "80");
}
END_TEST

START_TEST(foreign_record_that_arrives_when_its_time_is_over_is_not_taken)
{
    ck_assert_int_eq(foreign(F, 7, (struct foreign_life){100, 100, true}, 1000), 1);
    ck_assert_str_eq(ports(), "none");
    ck_assert_int_eq(foreign(F, 7, (struct foreign_life){100, 99, true}, 1000), 0);
    ck_assert_str_eq(ports(), "90");
    ck_assert_int_eq(catalog_expire(c, 1000, 1000), 1001);
    ck_assert_int_eq(foreign(F, 8, (struct foreign_life){100, 300, true}, 1000), 1); /* put since, and over since */
    ck_assert_str_eq(ports(), "none");
}
END_TEST

/* What was alive when the outage began has its time again; what came in it has what is left of its own. */
START_TEST(only_what_was_alive_when_the_outage_began_is_extended)
{
    ck_assert_int_eq(foreign(F, 7, (struct foreign_life){.ttl_ns = 100}, 1000), 0);
    catalog_freeze(c, true);
    ck_assert_int_eq(foreign(F, 7, (struct foreign_life){90, 600, true}, 1600), 1); /* as it is put there */
    ck_assert_int_eq(foreign("shop.pay.ext-2.f", 8, (struct foreign_life){100, 60, true}, 1600), 0);
    catalog_extend(c, 1600);
    ck_assert_int_eq(catalog_expire(c, 1600, 1600), 1640);
    ck_assert_int_eq(catalog_expire(c, 1640, 1640), 1690);
    ck_assert_int_eq(catalog_expire(c, 1690, 1690), INT64_MAX);

    ck_assert_int_eq(foreign(F, 9, (struct foreign_life){.ttl_ns = 100}, 2000), 0);
    catalog_freeze(c, true);
    catalog_freeze(c, false); /* it was none */
    ck_assert_int_eq(foreign(F, 9, (struct foreign_life){100, 600, true}, 2600), 1);
    ck_assert_str_eq(ports(), "none");
}
END_TEST

/* Time that does not count, and outages one after the other, however many there are while it is silent. */
START_TEST(a_silent_record_is_extended_again_and_again)
{
    ck_assert_int_eq(foreign(F, 7, (struct foreign_life){.ttl_ns = 100}, 1000), 0);
    catalog_postpone(c, 30);
    ck_assert_int_eq(catalog_expire(c, 1129, 1129), 1130);
    catalog_freeze(c, true);
    catalog_extend(c, 1200);
    ck_assert_int_eq(catalog_expire(c, 1200, 1200), 1300);
    catalog_freeze(c, true);
    ck_assert_int_eq(catalog_expire(c, 1299, 1299), 1300); /* the second has not ended */
    catalog_postpone(c, 20);
    catalog_extend(c, 2000);
    ck_assert_int_eq(catalog_expire(c, 2099, 2099), 2100);
    ck_assert_int_eq(foreign(F, 8, (struct foreign_life){.ttl_ns = 500}, 2099), 0);
    catalog_extend(c, 3000); /* of no outage */
    ck_assert_int_eq(catalog_expire(c, 2598, 2598), 2599);
    ck_assert_int_eq(catalog_expire(c, 2599, 2599), INT64_MAX);
}
END_TEST

/* The sequences of a bucket that was made anew begin with 1. */
START_TEST(foreign_records_go_by_the_order_of_the_stream)
{
    ck_assert_int_eq(foreign(F, 1000, (struct foreign_life){.ttl_ns = 100}, 1000), 0);
    ck_assert_int_eq(foreign(F, 3, (struct foreign_life){.ttl_ns = 100}, 1050), 0);
    ck_assert_int_eq(catalog_expire(c, 1100, 1100), 1150); /* put again, it outlives its first time */
    cannot_read(F);
    ck_assert_int_eq(catalog_expire(c, 1150, 1150), INT64_MAX); /* nobody vouches for it longer */
}
END_TEST

/* It may have been put again meanwhile. */
START_TEST(foreign_records_end_when_something_was_heard_since)
{
    ck_assert_int_eq(foreign(F, 7, (struct foreign_life){.ttl_ns = 100}, 1000), 0);
    ck_assert_int_eq(catalog_expire(c, 1099, 1500), 1100);
    ck_assert_str_eq(ports(), "90");
    ck_assert_int_eq(foreign(F, 8, (struct foreign_life){.ttl_ns = 500}, 1500), 0); /* it had */
    ck_assert_int_eq(catalog_expire(c, 1600, 1600), 2000);
    ck_assert_str_eq(ports(), "90");
    ck_assert_int_eq(catalog_expire(c, 2000, 2100), INT64_MAX);
    ck_assert_str_eq(ports(), "none");
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "catalog/evidence", what_cannot_be_read_is_not_absent,
              what_cannot_be_read_may_be_of_the_new_epoch, the_lease_tells_that_an_unreadable_one_is_gone,
              what_the_lease_vouches_for_stays, what_only_the_live_feed_said_does_not_outlive_a_snapshot,
              forged_contents_of_a_known_version_are_corrected, what_is_put_again_is_found,
              foreign_record_never_stands_in_for_a_host_s_own,
              foreign_record_that_arrives_when_its_time_is_over_is_not_taken,
              only_what_was_alive_when_the_outage_began_is_extended, a_silent_record_is_extended_again_and_again,
              foreign_records_go_by_the_order_of_the_stream, foreign_records_end_when_something_was_heard_since)

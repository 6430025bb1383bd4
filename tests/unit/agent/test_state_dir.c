/* SPDX-License-Identifier: Apache-2.0 */
/* What the state directory gives back: all of it, or a clear no. */
#include "daemon/agent/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/agent/stored.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static char dir[64];
static struct state_dir *state;

static void setup(void)
{
    strcpy(dir, "/tmp/discover-state-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(state_dir_open(dir, &state), 0);
}

static void teardown(void)
{
    char command[128];
    state_dir_close(state);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

struct seen {
    size_t n;
    char last[64];
    int answer;
};

static int see(void *arg, const uint8_t *bytes, size_t n)
{
    struct seen *seen = arg;
    seen->n++;
    ck_assert_uint_lt(n, sizeof seen->last);
    memcpy(seen->last, bytes, n);
    seen->last[n] = '\0';
    return seen->answer;
}

static void write_file(const char *name, const char *text, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    fclose(f);
}

static bool exists(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

#define NAME "r-0123456789abcdef"

START_TEST(identity_is_kept)
{
    struct agent_identity id = {.node = 1, .epoch = 1, .min_epoch = 1}, want = {.node = 5, .epoch = 9, .min_epoch = 8};
    uint8_t bytes[STORED_MAX];
    ck_assert_int_eq(state_dir_identity(state, &id), 0);
    ck_assert_uint_eq(id.node, 0);
    size_t n = stored_identity_encode(&want, bytes);
    ck_assert_int_eq(state_dir_store(state, STORED_IDENTITY, bytes, n), 0);
    ck_assert_int_eq(state_dir_identity(state, &id), 0);
    ck_assert_mem_eq(&id, &want, sizeof id);
    write_file(STORED_IDENTITY, "garbage", 7);
    ck_assert_int_eq(state_dir_identity(state, &id), -EBADMSG);
}
END_TEST

START_TEST(registrations_are_kept_until_forgotten)
{
    struct seen seen = {0};
    ck_assert_int_eq(state_dir_store(state, NAME, (const uint8_t *)"one", 3), 0);
    ck_assert_int_eq(state_dir_store(state, NAME, (const uint8_t *)"two", 3), 0);
    ck_assert_int_eq(state_dir_each(state, STORED_REGISTRATION, see, &seen), 0);
    ck_assert_uint_eq(seen.n, 1);
    ck_assert_str_eq(seen.last, "two");
    ck_assert_int_eq(state_dir_forget(state, NAME), 0);
    ck_assert_int_eq(state_dir_forget(state, NAME), 0);
    ck_assert_int_eq(state_dir_each(state, STORED_REGISTRATION, see, &seen), 0);
    ck_assert_uint_eq(seen.n, 1);
}
END_TEST

START_TEST(damage_is_set_aside_and_costs_only_itself)
{
    static char large[STATE_DIR_FILE_MAX + 1];
    struct seen seen = {.answer = -EBADMSG};
    write_file(NAME, "bad", 3);
    write_file("r-fedcba9876543210", large, sizeof large);
    write_file("r-1111111111111111.tmp", "half", 4);
    write_file("r-short", "other", 5);
    ck_assert_int_eq(state_dir_each(state, STORED_REGISTRATION, see, &seen), 2);
    ck_assert_uint_eq(seen.n, 1);
    ck_assert(exists(NAME ".bad"));
    ck_assert(exists("r-fedcba9876543210.bad"));
    ck_assert_int_eq(state_dir_each(state, STORED_REGISTRATION, see, &seen), 0);
}
END_TEST

static int see_length(void *arg, const uint8_t *bytes, size_t n)
{
    size_t *seen = arg;
    (void)bytes;
    *seen = n;
    return 0;
}

/* As long as the checks of one registration may be. */
START_TEST(what_is_long_comes_back_whole)
{
    static uint8_t large[STATE_DIR_FILE_MAX + 1];
    size_t seen = 0;
    ck_assert_int_eq(state_dir_store(state, "c-0123456789abcdef", large, sizeof large - 1), 0);
    ck_assert_int_eq(state_dir_each(state, STORED_CHECKS, see_length, &seen), 0);
    ck_assert_uint_eq(seen, sizeof large - 1);
    ck_assert_int_eq(state_dir_store(state, "c-0123456789abcdef", large, sizeof large), -EFBIG);
}
END_TEST

START_TEST(what_cannot_be_written_is_reported)
{
    char path[128];
    struct state_dir *other;
    snprintf(path, sizeof path, "%s/sub", dir);
    ck_assert_int_eq(state_dir_open(path, &other), 0);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(state_dir_store(other, NAME, (const uint8_t *)"x", 1), -ENOENT);
    state_dir_close(other);
    snprintf(path, sizeof path, "%s/missing/sub", dir);
    ck_assert_int_eq(state_dir_open(path, &other), -ENOENT);
}
END_TEST

struct stored {
    uint8_t bytes[STORED_MAX];
    size_t n;
};

static int take_stored(void *arg, const char *name, const uint8_t *bytes, size_t n)
{
    struct stored *s = arg;
    (void)name;
    ck_assert_uint_le(n, sizeof s->bytes);
    memcpy(s->bytes, bytes, n);
    s->n = n;
    return 0;
}

START_TEST(a_registration_comes_back_from_its_bytes)
{
    struct stored stored = {.n = 0};
    const struct agent_ops ops = {.store = take_stored, .arg = &stored};
    struct instance_key key = {.domain = "shop", .service = "payment", .host = "web-1", .instance = "a"}, key_back;
    struct owner owner = {.kind = OWNER_PID, .client = 4, .uid = 1000, .pid = 77, .pid_start = 1234}, owner_back;
    struct record record, record_back;
    struct encoded_record encoded;
    uint8_t body[RECORD_WIRE_MAX];
    record_init(&record);
    record.port = 80;
    ck_assert_int_eq(record_add_address(&record, "10.0.0.1"), 0);
    ck_assert_int_eq(record_set_meta(&record, "version", "1.4"), 0);
    ck_assert_int_eq(encoded_record_init(&encoded, &record, RECORD_WIRE_MAX, body), 0);
    ck_assert_int_eq(stored_keep_registration(&ops, &key, &owner, &encoded), 0);
    ck_assert_int_eq(stored_registration_decode(stored.bytes, stored.n, &key_back, &owner_back, &record_back), 0);
    ck_assert_str_eq(key_back.instance, "a");
    ck_assert_int_eq(owner_back.pid, 77);
    ck_assert_uint_eq(owner_back.pid_start, 1234);
    ck_assert_uint_eq(owner_back.uid, 1000);
    ck_assert_uint_eq(owner_back.client, 0);
    ck_assert_str_eq(record_back.meta[0].value, "1.4");
    for (size_t cut = 0; cut < stored.n; cut++)
        if (stored_registration_decode(stored.bytes, cut, &key_back, &owner_back, &record_back) == 0)
            ck_assert_uint_gt(cut, stored.n - 4); /* the last field may be missing: an old publisher */
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "agent/state", identity_is_kept, registrations_are_kept_until_forgotten,
              damage_is_set_aside_and_costs_only_itself, what_is_long_comes_back_whole,
              what_cannot_be_written_is_reported, a_registration_comes_back_from_its_bytes)

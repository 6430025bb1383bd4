/* SPDX-License-Identifier: Apache-2.0 */
/* Files: read whole or refused with the reason, written so that nobody sees half of one, secrets kept secret. */
#include "daemon/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/unit/base/folder.h"

static void assert_content(const char *path, const char *expected)
{
    char *bytes;
    size_t n;
    ck_assert_int_eq(file_read(path, 1000, &bytes, &n), 0);
    ck_assert_uint_eq(n, strlen(expected));
    ck_assert_str_eq(bytes, expected);
    free(bytes);
}

START_TEST(test_read)
{
    char *bytes = NULL;
    size_t n = 7;
    folder_enter();
    folder_write("empty", "");
    folder_write("four", "four");
    assert_content("empty", "");
    assert_content("four", "four");
    ck_assert_int_eq(file_read("four", 3, &bytes, &n), -EFBIG);
    ck_assert_int_eq(file_read("none", 3, &bytes, &n), -ENOENT);
    ck_assert_int_eq(file_read(".", 3, &bytes, &n), -EISDIR);
    ck_assert_int_eq(mkfifo("pipe", 0600), 0);
    ck_assert_int_eq(file_read("pipe", 3, &bytes, &n), -EINVAL);
    ck_assert_ptr_null(bytes);
    ck_assert_uint_eq(n, 7);
    folder_remove();
}
END_TEST

START_TEST(test_secret)
{
    static const struct {
        mode_t mode;
        int result;
    } rows[] = {
        {0400, 0},      {0600, 0},      {0640, 0},      {0440, 0},      {0660, -EPERM},
        {0604, -EPERM}, {0644, -EPERM}, {0602, -EPERM}, {0601, -EPERM},
    };
    folder_enter();
    folder_write("password", "x");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *bytes = NULL;
        size_t n;
        ck_assert_int_eq(chmod("password", rows[i].mode), 0);
        int result = file_read_secret("password", 10, &bytes, &n);
        ck_assert_msg(result == rows[i].result, "%o: %d", rows[i].mode, result);
        free(bytes);
    }
    folder_remove();
}
END_TEST

START_TEST(test_secret_of_another_user)
{
    char *bytes;
    size_t n;
    folder_enter();
    folder_write("password", "x");
    ck_assert_int_eq(chmod("password", 0400), 0);
    if (chown("password", 12345, (gid_t)-1) == 0) /* only root can give files away */
        ck_assert_int_eq(file_read_secret("password", 10, &bytes, &n), -EPERM);
    folder_remove();
}
END_TEST

START_TEST(test_write)
{
    struct stat st;
    folder_enter();
    ck_assert_int_eq(file_write("state", "first", 5, 0640), 0);
    assert_content("state", "first");
    ck_assert_int_eq(stat("state", &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    ck_assert_int_eq(file_write("state", "2", 1, 0600), 0);
    assert_content("state", "2");
    ck_assert_int_eq(file_write("state", "", 0, 0600), 0);
    assert_content("state", "");
    ck_assert_int_ne(access("state.tmp", F_OK), 0);
    ck_assert_int_eq(mkdir("below", 0700), 0);
    ck_assert_int_eq(file_write("below/state", "x", 1, 0600), 0);
    assert_content("below/state", "x");
    folder_remove();
}
END_TEST

START_TEST(test_write_goes_over_what_a_crash_left)
{
    folder_enter();
    folder_write("state", "old");
    folder_write("state.tmp", "half of the new one, and longer than it");
    ck_assert_int_eq(file_write("state", "new", 3, 0600), 0);
    assert_content("state", "new");
    folder_remove();
}
END_TEST

START_TEST(test_failed_write_keeps_the_old)
{
    folder_enter();
    ck_assert_int_eq(file_write("none/state", "x", 1, 0600), -ENOENT);
    folder_write("dir/state/child", "x"); /* what is there cannot be replaced by a file */
    ck_assert_int_lt(file_write("dir/state", "new", 3, 0600), 0);
    ck_assert_int_ne(access("dir/state.tmp", F_OK), 0);
    assert_content("dir/state/child", "x");
    folder_write("kept", "old");
    ck_assert_int_eq(symlink("elsewhere", "kept.tmp"), 0);
    ck_assert_int_eq(file_write("kept", "new", 3, 0600), -ELOOP);
    assert_content("kept", "old");
    ck_assert_int_ne(access("elsewhere", F_OK), 0);
    folder_remove();
}
END_TEST

UNIT_TESTS("file", test_read, test_secret, test_secret_of_another_user, test_write,
           test_write_goes_over_what_a_crash_left, test_failed_write_keeps_the_old)

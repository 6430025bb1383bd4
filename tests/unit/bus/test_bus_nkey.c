/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys of the seeds in files. */
#include "daemon/bus/bus_nkey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/unit.h"

#define SEED   "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y"
#define PUBLIC "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK"

static int of_file(const char *text, mode_t mode, char ret_key[static NKEY_PUBLIC_CAP])
{
    char path[] = "/tmp/test-nkey-XXXXXX";
    int fd = mkstemp(path);
    ck_assert(fd >= 0 && fchmod(fd, mode) == 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int err = bus_nkey_public(path, ret_key);
    unlink(path);
    return err;
}

START_TEST(broken_seeds_are_refused)
{
    static const char *const broken[] = {
        "",
        PUBLIC,
        "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776",   /* cut */
        "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776YA", /* too long */
        "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H7777",  /* checksum */
        "SAAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y",  /* of an account */
        "SUaaaaicamcakbqhbaeqaucymbuha6earcijrifiwc4mbsgq3dqor4h776",  /* no base32 */
    };
    char key[NKEY_PUBLIC_CAP];
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        ck_assert_msg(of_file(broken[i], 0600, key) == -EBADMSG, "%s", broken[i]);
}
END_TEST

START_TEST(files)
{
    char key[NKEY_PUBLIC_CAP] = "";
    ck_assert_int_eq(of_file(SEED, 0600, key), 0);
    ck_assert_str_eq(key, PUBLIC);
    key[0] = '\0';
    ck_assert_int_eq(of_file("-----BEGIN USER NKEY SEED-----\n" SEED "\n------END USER NKEY SEED------\n", 0600, key),
                     0);
    ck_assert_str_eq(key, PUBLIC);
    ck_assert_int_eq(of_file(SEED "\n", 0644, key), -EPERM);
    ck_assert_int_eq(of_file("SUPER secret\nSU", 0600, key), -EBADMSG);
    ck_assert_int_eq(bus_nkey_public("/nonexistent/seed", key), -ENOENT);
}
END_TEST

UNIT_TESTS("bus_nkey", broken_seeds_are_refused, files)

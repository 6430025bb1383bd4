/* SPDX-License-Identifier: Apache-2.0 */
/* Which word was meant. */
#include "daemon/config/suggest.h"

#include <string.h>

#include "tests/support/unit.h"

static const char *const words[] = {"listen", "zones", "ttl", "workers", "tcp_clients", "tcp_idle", "udp_payload"};

#define N (sizeof words / sizeof *words)

START_TEST(test_near)
{
    static const struct {
        const char *word, *meant;
    } rows[] = {
        {"listen", "listen"},
        {"listn", "listen"},
        {"lisetn", "listen"},
        {"listens", "listen"},
        {"zone", "zones"},
        {"tll", "ttl"},
        {"tlt", "ttl"},
        {"worker", "workers"},
        {"tt", "ttl"},
        {"tcp_client", "tcp_clients"},
        {"upd_payload", "udp_payload"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *meant = suggest(rows[i].word, words, N);
        ck_assert_msg(meant && strcmp(meant, rows[i].meant) == 0, "%s: %s", rows[i].word, meant ? meant : "nothing");
    }
}
END_TEST

START_TEST(test_far)
{
    static const char *const far[] = {"", "x", "port", "tcp", "interface", "payload_of_udp"};
    char long_word[100];
    memset(long_word, 'a', sizeof long_word);
    long_word[sizeof long_word - 1] = '\0';
    for (size_t i = 0; i < sizeof far / sizeof *far; i++)
        ck_assert_msg(!suggest(far[i], words, N), "%s", far[i]);
    ck_assert_ptr_null(suggest(long_word, words, N));
    ck_assert_ptr_null(suggest("ttl", words, 0));
}
END_TEST

UNIT_TESTS("suggest", test_near, test_far)

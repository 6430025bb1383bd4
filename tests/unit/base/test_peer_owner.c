/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end, of real connections. */
#include "daemon/base/peer_owner.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/unit.h"

static struct share_owner owner_of_connection(int diag, uid_t user, uid_t *ret_uid)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    struct share_owner owner;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, n), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &n), 0);
    ck_assert_int_eq(seteuid(user), 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(seteuid(getuid()), 0);
    int sock = accept(listener, NULL, NULL);
    peer_owner(diag, sock, &owner, ret_uid);
    close(sock);
    close(client);
    close(listener);
    return owner;
}

START_TEST(a_user_over_loopback)
{
    int diag = peer_owner_open();
    uid_t users[2] = {geteuid(), geteuid() == 0 ? 4321 : geteuid()}, uid;
    for (int i = 0; i < 2; i++) {
        struct share_owner owner = owner_of_connection(diag, users[i], &uid), expected = share_owner_user(users[i]);
        if (uid == (uid_t)-1)
            return; /* this kernel does not tell */
        ck_assert_uint_eq(uid, users[i]);
        ck_assert_mem_eq(&owner, &expected, sizeof owner);
    }
    close(diag);
}
END_TEST

START_TEST(an_address_when_the_kernel_does_not_tell)
{
    const uint8_t loopback[4] = {127, 0, 0, 1};
    uid_t uid;
    struct share_owner owner = owner_of_connection(-1, geteuid(), &uid), expected = share_owner_address(loopback, 4);
    ck_assert_uint_eq(uid, (uid_t)-1);
    ck_assert_mem_eq(&owner, &expected, sizeof owner);
}
END_TEST

UNIT_TESTS("base/peer_owner", a_user_over_loopback, an_address_when_the_kernel_does_not_tell)

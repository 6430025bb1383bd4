/* SPDX-License-Identifier: Apache-2.0 */
/* The input is what a client sends, cut where its first byte says: it is answered, held or closed, and another one is served. */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/http/http_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    size_t cut = bytes[0] < n ? bytes[0] : n - 1;
    setup();
    restart((struct http_options){.connections_max = 4, .held_max = 2});
    add_many("service", 3);
    int sock = dial();
    (void)send(sock, bytes + 1, cut, MSG_NOSIGNAL);
    turn();
    (void)send(sock, bytes + 1 + cut, n - 1 - cut, MSG_NOSIGNAL);
    for (int i = 0; i < 8; i++)
        turn();
    ck_assert_int_eq(get("/healthz"), 200);
    close(sock);
    teardown();
    return 0;
}

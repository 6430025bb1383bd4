/* SPDX-License-Identifier: Apache-2.0 */
/* The input is what a client sends: the daemon answers or closes, and another client hears as before. */
#include "tests/unit/api/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    server_start((struct api_options){.watches_max = 4, .ejections_max = 4, .frames_per_wakeup = 4});
    struct test_client c = bytes[0] & 1 ? dial_and_greet() : dial();
    (void)send(c.sock, bytes + 1, n - 1, MSG_NOSIGNAL);
    for (int i = 0; i < 8; i++)
        turn();
    struct test_client other = dial_and_greet();
    hang_up(&other);
    hang_up(&c);
    turn();
    server_stop();
    return 0;
}

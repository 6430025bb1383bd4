/* SPDX-License-Identifier: Apache-2.0 */
/* The input is an answer from DNS: it is refused, or what is made of it holds together and can be looked up. */
#include <string.h>

#include "tests/fuzz/lib/answer_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct lookup_key key = {.service = ORACLE_SERVICE};
    struct dns_question q;
    struct dns_answer answer;
    uint32_t ttl_s = UINT32_MAX;
    bool heard = n > 0 && bytes[n - 1] & 1;
    if (dns_question_make(&key, 0, "discover.internal", &q) == 0 &&
        dns_answer_read(&q, heard, bytes, n, &answer) == 0) {
        oracle_answer(&answer);
        dns_answer_fini(&answer);
    }
    struct dns_srv_target target = {0};
    if (dns_answer_read_address(bytes, n, &target, &ttl_s) == 0)
        oracle_target(&target);
    return 0;
}

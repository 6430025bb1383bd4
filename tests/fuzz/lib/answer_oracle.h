/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of every answer that was read, whatever the octets, and of the table made of it; aborts where not. */
#ifndef FUZZ_LIB_ANSWER_ORACLE_H
#define FUZZ_LIB_ANSWER_ORACLE_H

#include "libdiscover/dns/dns_reply.h"

#define ORACLE_SERVICE "shop/payment"

void oracle_answer(const struct dns_answer *a);
void oracle_target(const struct dns_srv_target *t);

#endif

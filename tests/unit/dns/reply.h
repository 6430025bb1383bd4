/* SPDX-License-Identifier: Apache-2.0 */
/* Reading replies with code of the tests' own, so that a mistake of the responder is not made twice. */
#ifndef UNIT_DNS_REPLY_H
#define UNIT_DNS_REPLY_H

#include "tests/unit/dns/fixture.h"

/* Reads the name at *at as text and moves *at behind it; false when it is malformed or not below n. */
bool read_name(const uint8_t *bytes, size_t n, size_t *at, char ret_text[static 1024]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What checks cost without any: connections that are made and closed, and curl's own multi example. */
#ifndef BENCH_CHECKS_BARE_H
#define BENCH_CHECKS_BARE_H

#include <stddef.h>
#include <stdint.h>

/* Processor time of so many connections to these ports, one after the other, a pause after every few. In seconds. */
double bare_connects(const uint16_t *ports, size_t n_ports, size_t n, int64_t duration_ns);

/* And of so many GETs, as doc/examples of curl does them: curl_multi_perform and curl_multi_poll, new connections. */
double bare_gets(uint16_t port, size_t n, int64_t duration_ns);

#endif

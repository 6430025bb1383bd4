/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services that the configuration registers on this host, and their checks. Plain structures, made by
 * config_load and valid as long as its struct config; nothing points into anything else, so they may be copied.
 */
#ifndef CONFIG_SERVICE_CONFIG_H
#define CONFIG_SERVICE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/record.h"

#define SERVICE_CHECKS_MAX 8
#define CHECK_TARGET_CAP   256

enum check_kind {
    CHECK_TCP,  /* a connection is accepted */
    CHECK_HTTP, /* a GET is answered with 2xx */
};

struct check_config {
    enum check_kind kind;
    char target[CHECK_TARGET_CAP]; /* "host:port", "[::1]:80"; "http://host[:port][/path]" */
    int64_t interval_ns, timeout_ns;
    uint32_t fall, rise; /* results in a row that change the state */
};

struct service_config {
    struct instance_key key; /* host: "", this one is meant */
    struct record record;    /* obeys record_check, but may have no address: then the host's is meant */
    size_t n_checks;
    struct check_config checks[SERVICE_CHECKS_MAX];
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services that the configuration registers on this host, and their checks. Plain structures, made by
 * config_load and valid as long as its struct config, which owns their lists.
 */
#ifndef CONFIG_SERVICE_CONFIG_H
#define CONFIG_SERVICE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/string_list.h"
#include "libdiscover/core/record.h"

#define UNIT_NAME_MAX 255 /* systemd.unit(5) */

struct service_config {
    struct instance_key key;      /* host: "", this one is meant */
    struct record record;         /* obeys record_check, but may have no address: then the host's is meant */
    struct string_list checks;    /* as texts (check_spec.h), each of which is right */
    char unit[UNIT_NAME_MAX + 1]; /* of systemd, with which it comes and goes; "": none */
};

void service_configs_free(struct service_config *services, size_t n);

#endif

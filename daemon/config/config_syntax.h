/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What texts of a configuration must look like; not whether what they name exists. Each returns NULL, or what the
 * text must be, static, to be read after the text itself. Pure; any thread.
 */
#ifndef CONFIG_CONFIG_SYNTAX_H
#define CONFIG_CONFIG_SYNTAX_H

#include <stdbool.h>

#include "libdiscover/core/label.h"

const char *syntax_label(const char *text);
const char *syntax_tag(const char *text);
const char *syntax_service(const char *text);
const char *syntax_token(const char *text);
const char *syntax_text(const char *text);
const char *syntax_path(const char *text);
const char *syntax_nats_url(const char *text);
const char *syntax_http_url(const char *text);
const char *syntax_http_header(const char *text);
const char *syntax_ratio(const char *text);
const char *syntax_http_codes(const char *text);
const char *syntax_http_method(const char *text);
const char *syntax_grpc(const char *text);
const char *syntax_unit(const char *text);
const char *syntax_pattern(const char *text);
const char *syntax_process(const char *text);
const char *syntax_host(const char *text);
const char *syntax_endpoint(const char *text);
const char *syntax_target(const char *text);
const char *syntax_own_address(const char *text);
const char *syntax_address(const char *text);
const char *syntax_network(const char *text);
const char *syntax_zone(const char *text);

/* What may have been meant by a text that is none of these (service_nearest, too); false: nobody knows. */
typedef bool nearest_fn(const char *text, char ret_text[static SERVICE_CAP]);
bool nearest_label(const char *text, char ret_text[static SERVICE_CAP]);
bool nearest_machine(const char *text, char ret_text[static SERVICE_CAP]); /* the first part of its name in DNS */

#endif

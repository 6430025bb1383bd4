/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What texts of a configuration must look like; not whether what they name exists. Each returns NULL, or what the
 * text must be, static, to be read after the text itself. Pure; any thread.
 */
#ifndef CONFIG_CONFIG_SYNTAX_H
#define CONFIG_CONFIG_SYNTAX_H

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

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The description of a check: the group of a configuration file, and the one text that comes over the socket, is stored,
 * and is compared to see whether two checks are the same: words `key=value` with the keys of the configuration,
 *
 *     http=https://127.0.0.1:8443/healthz tls.ca=/etc/ssl/shop.pem headers="Accept: text/plain" interval=10s
 *
 * in which a value may stand in double quotes, with \" and \\ for these two; a list's key stands once for each element.
 * Both ways obey the same table (config_keys.c) and the same rules. Owner: the caller. Any thread.
 */
#ifndef CONFIG_CHECK_SPEC_H
#define CONFIG_CHECK_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/string_list.h"
#include "daemon/config/config.h"

#define CHECK_TEXT_LEN    1024 /* of one value */
#define CHECK_ARGS_MAX    32
#define CHECK_HEADERS_MAX 16
#define CHECK_CODES_MAX   16
#define CHECKS_MAX        64   /* of an instance: what limits.checks_per_instance may be */
#define CHECK_SPEC_CAP    8192 /* the text, with its NUL */

enum check_type { CHECK_TCP, CHECK_HTTP, CHECK_GRPC, CHECK_EXEC, CHECK_TTL, CHECK_UNIT, CHECK_PID };

struct check_spec {
    enum check_type type; /* set by check_spec_verify */
    char *name, *tcp, *http, *grpc, *exec, *unit, *pid;
    char *method, *body, *match, *socket;
    struct string_list args, headers, codes;
    struct {
        char *ca, *cert, *key, *server_name;
        bool on, verify;
    } tls;
    int64_t ttl_ns, interval_ns, timeout_ns, start_period_ns, deregister_after_ns;
    uint32_t fall, rise, warn;
    uint32_t initial; /* DISCOVER_PASSING or _CRITICAL */
    bool redirects;
};

/* -EINVAL with the reason, the key in front; -ENOMEM. To be ended when it is 0. */
int check_spec_parse(const char *text, struct check_spec *ret_spec, char ret_why[static CONFIG_WHY_CAP]);
void check_spec_fini(struct check_spec *spec);

/*
 * What its members want of one another, whichever way they came; a timeout that was not given is cut to the interval.
 * -EINVAL with the reason; *ret_key: the key that is wrong, or NULL. -ENOMEM.
 */
int check_spec_verify(struct check_spec *spec, bool timeout_given, const char **ret_key,
                      char ret_why[static CONFIG_WHY_CAP]);

/* The text, without what is at its default. -EMSGSIZE. */
int check_spec_format(const struct check_spec *spec, char ret_text[static CHECK_SPEC_CAP]);

/* For people, without what may be secret: "tcp 127.0.0.1:8080". */
const char *check_type_word(enum check_type type);
const char *check_spec_target(const struct check_spec *spec);

/* What it is called among the checks of its instance. */
const char *check_spec_name(const struct check_spec *spec);

/*
 * The key by which it has the daemon do something in its own name that whoever registers may not be able to do himself:
 * run a command, read a file, reach a Unix socket; or NULL.
 */
const char *check_spec_privilege(const struct check_spec *spec);

#endif

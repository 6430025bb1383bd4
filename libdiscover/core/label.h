/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: DNS labels, and the keys made of them. Pure; any thread.
 *
 * A label is [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?: it is a DNS label and a KV key token at once, so nothing is
 * ever escaped.
 */
#ifndef CORE_LABEL_H
#define CORE_LABEL_H

#include <stdbool.h>
#include <stddef.h>

#define LABEL_MAX       63
#define LABEL_CAP       (LABEL_MAX + 1)
#define SERVICE_CAP     (2 * LABEL_MAX + 2)       /* "domain/service" and NUL */
#define SERVICE_REF_CAP (SERVICE_CAP + LABEL_CAP) /* "domain/service@region" and NUL */
#define KEY_CAP         (4 * LABEL_MAX + 4)       /* "domain.service.host.instance" and NUL */

/* The four names of an instance. */
struct instance_key {
    char domain[LABEL_CAP];
    char service[LABEL_CAP];
    char host[LABEL_CAP];
    char instance[LABEL_CAP];
};

/* Whether the n bytes at s are a label. */
bool label_valid(const char *s, size_t n);

/* The rule in words, for whoever is refused. */
#define LABEL_RULE "a-z, 0-9 and '-' inside, at most 63"

/*
 * The label that somebody may have meant by these n bytes: in lower case, with '-' in place of characters that no
 * label has. False: nothing is left of them, or it is too long.
 */
bool label_nearest(const char *s, size_t n, char ret_label[static LABEL_CAP]);

/* Copies a valid label with its NUL; -EINVAL. */
int label_copy(char dst[static LABEL_CAP], const char *s, size_t n);

/* Splits "domain/service"; -EINVAL. The domains "host" and "region" are reserved and refused. */
int service_parse(const char *text, char ret_domain[static LABEL_CAP], char ret_service[static LABEL_CAP]);

/*
 * The "domain/service" that somebody may have meant, each name as label_nearest guesses it. False: one cannot be
 * guessed.
 */
bool service_nearest(const char *text, char ret_service[static SERVICE_CAP]);

/*
 * Splits what is looked up: as service_parse, and "domain/service@region" is the service in that region alone. Without
 * "@region", ret_region is "".
 */
int service_ref_parse(const char *text, char ret_domain[static LABEL_CAP], char ret_service[static LABEL_CAP],
                      char ret_region[static LABEL_CAP]);

/* Writes "domain/service" of two labels. */
void service_format(const char *domain, const char *service, char ret_text[static SERVICE_CAP]);

/* Splits the n bytes "domain.service.host.instance"; -EINVAL. */
int instance_key_parse(const char *text, size_t n, struct instance_key *ret_key);

/* Writes "domain.service.host.instance". */
void instance_key_format(const struct instance_key *key, char ret_text[static KEY_CAP]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of the names of servers and credentials, and a fingerprint of the files that they name. */
#include "daemon/bus/bus_access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/file.h"
#include "daemon/bus/bus_security.h"

#define SECRET_MAX (1 << 20) /* bundles of certificates are the largest of them */

/* FNV-1a, 64 bits, with the NUL at the end of each text: "ab", "c" is not "a", "bc". */
static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return mix(hash, text, strlen(text) + 1);
}

static uint64_t mix_file(uint64_t hash, const char *path)
{
    char *text;
    size_t n;
    if (!*path || file_read(path, SECRET_MAX, &text, &n) < 0)
        return hash;
    hash = mix(hash, text, n + 1);
    explicit_bzero(text, n);
    free(text);
    return hash;
}

static bool copy_servers(struct bus_access *a, const struct bus_options *options)
{
    a->servers = calloc(options->n_servers + 1, sizeof *a->servers);
    if (!a->servers)
        return false;
    for (; a->n_servers < options->n_servers; a->n_servers++) {
        a->servers[a->n_servers] = strdup(options->servers[a->n_servers]);
        if (!a->servers[a->n_servers])
            return false;
    }
    return true;
}

/* NULL: no memory. */
static struct bus_access *copy_of(const struct bus_options *options)
{
    const char *const texts[ACCESS_TEXTS] = {
        [ACCESS_CREDENTIALS] = options->credentials,
        [ACCESS_NKEY_SEED] = options->nkey_seed,
        [ACCESS_USER] = options->user,
        [ACCESS_PASSWORD] = options->password_file,
        [ACCESS_TLS_CA] = options->tls_ca,
        [ACCESS_TLS_CERT] = options->tls_cert,
        [ACCESS_TLS_KEY] = options->tls_key,
    };
    struct bus_access *a = calloc(1, sizeof *a);
    bool good = a && copy_servers(a, options);
    for (int i = 0; i < ACCESS_TEXTS && good; i++) {
        a->texts[i] = strdup(texts[i] ? texts[i] : "");
        good = a->texts[i] != NULL;
    }
    if (good)
        return a;
    bus_access_free(a);
    return NULL;
}

void bus_access_free(struct bus_access *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n_servers; i++)
        free(a->servers[i]);
    free(a->servers);
    for (int i = 0; i < ACCESS_TEXTS; i++)
        free(a->texts[i]);
    free(a);
}

bool bus_access_same_servers(const struct bus_access *a, const struct bus_access *b)
{
    bool same = a->n_servers == b->n_servers;
    for (size_t i = 0; i < a->n_servers && same; i++)
        same = strcmp(a->servers[i], b->servers[i]) == 0;
    return same;
}

uint64_t bus_access_fingerprint(const struct bus_access *a)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < a->n_servers; i++)
        hash = mix_text(hash, a->servers[i]);
    for (int i = 0; i < ACCESS_TEXTS; i++) {
        hash = mix_text(hash, a->texts[i]);
        if (i != ACCESS_USER)
            hash = mix_file(hash, a->texts[i]);
    }
    return hash;
}

int bus_access_read(const struct bus_options *options, struct bus_access **ret_access, char ret_why[static BUS_WHY_CAP])
{
    snprintf(ret_why, BUS_WHY_CAP, "no memory");
    struct bus_access *access = copy_of(options);
    int err = access ? bus_security_check(access, ret_why) : -ENOMEM;
    if (err < 0) {
        bus_access_free(access);
        return err;
    }
    access->found = bus_access_fingerprint(access);
    *ret_access = access;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Nkeys, credentials, passwords and TLS. */
#include "daemon/bus/bus_security.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/file.h"
#include "daemon/bus/bus_nkey.h"

#define CREDENTIALS_MAX 65536

static bool given(const char *text)
{
    return text && *text;
}

/* nats.c reads the seed's file for each connection. */
static natsStatus set_nkey(natsOptions *o, const char *path, const char **ret_why)
{
    char key[NKEY_PUBLIC_CAP];
    if (bus_nkey_public(path, key, ret_why) < 0)
        return NATS_INVALID_ARG;
    return natsOptions_SetNKeyFromSeed(o, key, path);
}

/* This one, too; what it would say of a file it cannot read is that no server is there. */
static natsStatus set_credentials(natsOptions *o, const char *path, const char **ret_why)
{
    char *text;
    size_t n;
    int err = file_read_secret(path, CREDENTIALS_MAX, &text, &n);
    if (err < 0) {
        *ret_why = err == -EPERM ? "nats.credentials: others may read or change the file"
                                 : "nats.credentials: cannot read the file";
        return NATS_INVALID_ARG;
    }
    explicit_bzero(text, n);
    free(text);
    *ret_why = "nats.credentials: cannot be used";
    return natsOptions_SetUserCredentialsFromFiles(o, path, NULL);
}

static natsStatus set_tls(natsOptions *o, const struct bus_options *options, const char **ret_why)
{
    bool ca = given(options->tls_ca), cert = given(options->tls_cert) || given(options->tls_key);
    natsStatus s = ca || cert ? natsOptions_SetSecure(o, true) : NATS_OK;
    if (s == NATS_OK && ca) {
        *ret_why = "nats.tls.ca: no certificates can be loaded from the file";
        s = natsOptions_LoadCATrustedCertificates(o, options->tls_ca);
    }
    if (s == NATS_OK && cert) {
        *ret_why = "nats.tls.cert and nats.tls.key: they cannot be loaded, or do not fit";
        s = natsOptions_LoadCertificatesChain(o, options->tls_cert, options->tls_key);
    }
    return s;
}

natsStatus bus_security_set(natsOptions *o, const struct bus_options *options, const char **ret_why)
{
    natsStatus s = NATS_OK;
    if (given(options->nkey_seed))
        s = set_nkey(o, options->nkey_seed, ret_why);
    if (s == NATS_OK && given(options->credentials))
        s = set_credentials(o, options->credentials, ret_why);
    if (s == NATS_OK && given(options->user))
        s = natsOptions_SetUserInfo(o, options->user, options->password);
    return s == NATS_OK ? set_tls(o, options, ret_why) : s;
}

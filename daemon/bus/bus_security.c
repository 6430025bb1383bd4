/* SPDX-License-Identifier: Apache-2.0 */
/* Nkeys, credentials, passwords and TLS. */
#include "daemon/bus/bus_security.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/certificate.h"
#include "daemon/base/file.h"
#include "daemon/bus/bus_nkey.h"

#define CREDENTIALS_MAX 65536
#define PASSWORD_MAX    4096

static bool given(const struct bus_access *a, enum bus_access_text which)
{
    return a->texts[which][0] != '\0';
}

/* err: of file_read_secret. */
static natsStatus refuse_file(const char *key, const char *path, int err, char ret_why[static BUS_WHY_CAP])
{
    snprintf(ret_why, BUS_WHY_CAP, "%s: %s: %s", key, file_secret_error(err), path);
    return err == -ENOMEM ? NATS_NO_MEMORY : NATS_INVALID_ARG;
}

/* nats.c reads the seed's file for each connection. */
static natsStatus set_nkey(natsOptions *o, const char *path, char ret_why[static BUS_WHY_CAP])
{
    char key[NKEY_PUBLIC_CAP];
    int err = bus_nkey_public(path, key);
    if (err == -EBADMSG)
        snprintf(ret_why, BUS_WHY_CAP, "nats.nkey_seed: there is no seed of a user (SU...) in the file: %s", path);
    else if (err < 0)
        (void)refuse_file("nats.nkey_seed", path, err, ret_why);
    return err < 0 ? NATS_INVALID_ARG : natsOptions_SetNKeyFromSeed(o, key, path);
}

/*
 * The credentials are read here first, since of a file that it cannot read nats.c would say that no server is there.
 * It reads the file again for each connection.
 */
static natsStatus set_credentials(natsOptions *o, const char *path, char ret_why[static BUS_WHY_CAP])
{
    char *text;
    size_t n;
    int err = file_read_secret(path, CREDENTIALS_MAX, &text, &n);
    if (err < 0)
        return refuse_file("nats.credentials", path, err, ret_why);
    explicit_bzero(text, n);
    free(text);
    snprintf(ret_why, BUS_WHY_CAP, "nats.credentials: cannot be used: %s", path);
    return natsOptions_SetUserCredentialsFromFiles(o, path, NULL);
}

static natsStatus set_user(natsOptions *o, const char *user, const char *path, char ret_why[static BUS_WHY_CAP])
{
    char *password = NULL;
    size_t n = 0;
    int err = *path ? file_read_secret(path, PASSWORD_MAX, &password, &n) : 0;
    if (err < 0)
        return refuse_file("nats.password_file", path, err, ret_why);
    if (password)
        password[strcspn(password, "\r\n")] = '\0';
    if (password && !*password) {
        free(password);
        snprintf(ret_why, BUS_WHY_CAP, "nats.password_file: there is nothing in its first line: %s", path);
        return NATS_INVALID_ARG;
    }
    natsStatus s = natsOptions_SetUserInfo(o, user, password ? password : "");
    if (password)
        explicit_bzero(password, n);
    free(password);
    return s;
}

static natsStatus set_tls(natsOptions *o, const struct bus_access *a, char ret_why[static BUS_WHY_CAP])
{
    bool ca = given(a, ACCESS_TLS_CA), cert = given(a, ACCESS_TLS_CERT) || given(a, ACCESS_TLS_KEY);
    natsStatus s = ca || cert ? natsOptions_SetSecure(o, true) : NATS_OK;
    if (s == NATS_OK && ca) {
        snprintf(ret_why, BUS_WHY_CAP, "nats.tls.ca: no certificates can be loaded from the file: %s",
                 a->texts[ACCESS_TLS_CA]);
        s = natsOptions_LoadCATrustedCertificates(o, a->texts[ACCESS_TLS_CA]);
    }
    if (s == NATS_OK && cert) {
        snprintf(ret_why, BUS_WHY_CAP, "nats.tls.cert and nats.tls.key: they cannot be loaded, or do not fit: %s, %s",
                 a->texts[ACCESS_TLS_CERT], a->texts[ACCESS_TLS_KEY]);
        s = natsOptions_LoadCertificatesChain(o, a->texts[ACCESS_TLS_CERT], a->texts[ACCESS_TLS_KEY]);
    }
    return s;
}

natsStatus bus_security_set(natsOptions *o, const struct bus_access *a, char ret_why[static BUS_WHY_CAP])
{
    natsStatus s = NATS_OK;
    ERR_clear_error();
    if (given(a, ACCESS_NKEY_SEED))
        s = set_nkey(o, a->texts[ACCESS_NKEY_SEED], ret_why);
    if (s == NATS_OK && given(a, ACCESS_CREDENTIALS))
        s = set_credentials(o, a->texts[ACCESS_CREDENTIALS], ret_why);
    if (s == NATS_OK && given(a, ACCESS_USER))
        s = set_user(o, a->texts[ACCESS_USER], a->texts[ACCESS_PASSWORD], ret_why);
    return s == NATS_OK ? set_tls(o, a, ret_why) : s;
}

int bus_security_check(const struct bus_access *a, char ret_why[static BUS_WHY_CAP])
{
    natsOptions *o = NULL;
    natsStatus s = natsOptions_Create(&o);
    if (s == NATS_OK)
        s = bus_security_set(o, a, ret_why);
    natsOptions_Destroy(o);
    if (s == NATS_NO_MEMORY)
        snprintf(ret_why, BUS_WHY_CAP, "no memory");
    return s == NATS_OK ? 0 : s == NATS_NO_MEMORY ? -ENOMEM : -EINVAL;
}

/* ---- what went wrong ---- */

/* In the server's words where it is the one that refuses: alerts of TLS (RFC 8446, section 6.2). */
static const struct {
    int reason;
    const char *text;
} alerts[] = {
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the server says that our certificate (nats.tls.cert) has expired"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "the server says that our certificate (nats.tls.cert) is revoked"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the server refuses our certificate (nats.tls.cert)"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the server does not know the authority of our certificate (nats.tls.cert)"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "the server wants a certificate (nats.tls.cert)"},
};

/* Causes by the text with which OpenSSL refuses the server's certificate, which nats.c hands on. */
static const struct {
    const char *part, *text;
} checks[] = {
    {"certificate has expired", "the server's certificate has expired"},
    {"not yet valid", "the server's certificate is not yet valid: or is the clock of this host wrong?"},
    {"ostname mismatch", "the server's certificate is for another name: it does not match the one in nats.servers"},
    {"address mismatch", "the server's certificate is for another address: it does not match the one in nats.servers"},
    {"issuer certificate", "the server's certificate is by an unknown authority, none of nats.tls.ca"},
    {"self-signed", "the server's certificate is by an unknown authority, none of nats.tls.ca"},
    {"self signed", "the server's certificate is by an unknown authority, none of nats.tls.ca"},
    {"verify the first", "the server's certificate is by an unknown authority, none of nats.tls.ca"},
};

static const char *cause_of_check(const char *reason)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strstr(reason, checks[i].part))
            return checks[i].text;
    return NULL;
}

static const char *cause_of_alert(unsigned long code)
{
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
        if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == alerts[i].reason)
            return alerts[i].text;
    return NULL;
}

void bus_security_explain(const struct bus_access *a, char *reason, size_t cap)
{
    char ends[CERTIFICATE_TIME_CAP];
    int64_t left_s;
    unsigned long code = ERR_peek_last_error();
    const char *cause = cause_of_check(reason);
    if (!cause && given(a, ACCESS_TLS_CERT) && certificate_end(a->texts[ACCESS_TLS_CERT], &left_s, ends) == 0 &&
        left_s < 0) {
        snprintf(reason, cap, "our certificate (nats.tls.cert) has expired: %s", ends);
        return;
    }
    if (!cause)
        cause = cause_of_alert(code);
    if (cause)
        snprintf(reason, cap, "%s", cause);
}

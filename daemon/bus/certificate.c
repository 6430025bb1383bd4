/* SPDX-License-Identifier: Apache-2.0 */
/* Reads when a certificate expires. */
#include "daemon/bus/certificate.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

static int end_of(const X509 *x509, int64_t *ret_left_s, char ret_when[static CERTIFICATE_TIME_CAP])
{
    int days, seconds;
    struct tm tm;
    const ASN1_TIME *end = X509_get0_notAfter(x509);
    if (!ASN1_TIME_diff(&days, &seconds, NULL, end) || !ASN1_TIME_to_tm(end, &tm))
        return -EBADMSG;
    *ret_left_s = (int64_t)days * 86400 + seconds;
    strftime(ret_when, CERTIFICATE_TIME_CAP, "%Y-%m-%d %H:%M UTC", &tm);
    return 0;
}

int certificate_end(const char *path, int64_t *ret_left_s, char ret_when[static CERTIFICATE_TIME_CAP])
{
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    int err = x509 ? end_of(x509, ret_left_s, ret_when) : -EBADMSG;
    X509_free(x509);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates by openssl's own program. */
#include "tests/support/certificates.h"

#include <check.h>

#include "tests/support/e2e.h"
#include "tests/support/proc.h"

#define NEW_KEY "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

void make_authority(const char *name)
{
    struct output o;
    ck_assert_msg(shell(&o, "cd %s && openssl req -x509 " NEW_KEY " -days 2 -subj /CN=%s -keyout %s.key -out %s.pem",
                        e2e_folder(), name, name, name) == 0,
                  "%s", o.err);
}

void make_certificate(const char *authority, const char *name, const char *dns_name, int days)
{
    struct output o;
    ck_assert_msg(shell(&o,
                        "cd %s && openssl req " NEW_KEY " -subj /CN=%s -keyout %s.new -out %s.csr && "
                        "printf 'subjectAltName=DNS:%s\\n' >%s.ext && "
                        "openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days %d "
                        "-extfile %s.ext -out %s.pem && mv %s.new %s.key",
                        e2e_folder(), name, name, name, dns_name, name, name, authority, authority, days, name, name,
                        name, name) == 0,
                  "%s", o.err);
}

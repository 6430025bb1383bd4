/* SPDX-License-Identifier: Apache-2.0 */
/* Authorities, and certificates by them, in the test's folder. Every function fails the test when it fails. */
#ifndef SUPPORT_CERTIFICATES_H
#define SUPPORT_CERTIFICATES_H

/* <name>.pem and <name>.key: an authority. */
void make_authority(const char *name);

/* <name>.pem and <name>.key, by that authority, for that DNS name; days: negative: it has ended so many days ago. */
void make_certificate(const char *authority, const char *name, const char *dns_name, int days);

#endif

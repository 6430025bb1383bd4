/* SPDX-License-Identifier: Apache-2.0 */
/* What is served as it is: the page, and the schemas of the documents. Made by embed_files when the daemon is built. */
#ifndef HTTP_HTTP_FILES_H
#define HTTP_HTTP_FILES_H

#include <stddef.h>

struct http_file {
    const char *path, *type;
    const char *tag;    /* its entity tag */
    const char *fields; /* further fields of the head, whole lines; or NULL */
    const unsigned char *bytes;
    size_t n;
};

extern const struct http_file http_files[];
extern const size_t http_files_n;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's documents by their names: for HTTP (below /v1/) and for the socket. Main thread. */
#ifndef REGISTRY_DOCUMENT_REQUESTS_H
#define REGISTRY_DOCUMENT_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/registry/explain/explain.h"

/*
 * The text of a document, which the caller frees. -ENOENT: there is no such document; -EINVAL: what follows its name is no
 * name of anything, or of no level; -EPERM: it is for operators; -ENOMEM.
 *
 *   status, regions, explain, explain/<what> (explain.h), metrics
 *   config, without secrets; log: its last lines, as text; log/<level>/<after>: as JSON, of that level, behind that one;
 *   for operators
 */
int document_text(const struct explain_reach *reach, const char *name, bool is_operator, char **ret_text,
                  size_t *ret_n);

#endif

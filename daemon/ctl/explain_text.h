/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation, as people read it. Prints what the daemon's document says, and nothing else. One thread. */
#ifndef CTL_EXPLAIN_TEXT_H
#define CTL_EXPLAIN_TEXT_H

#include <jansson.h>
#include <stdio.h>

void explain_service_text(const json_t *document, FILE *out);
void explain_host_text(const json_t *document, FILE *out);
void explain_all_text(const json_t *document, FILE *out);

#endif

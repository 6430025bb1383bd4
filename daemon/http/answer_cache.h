/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of services that were asked for last, as text: many ask for the same, and making it takes longer than all else.
 * Main thread; pure. A few hundred of at most 16 KiB each.
 */
#ifndef HTTP_ANSWER_CACHE_H
#define HTTP_ANSWER_CACHE_H

#include <event2/buffer.h>
#include <stdint.h>

struct answer_cache;

struct answer_cache *answer_cache_new(void); /* NULL: no memory */
void answer_cache_free(struct answer_cache *a);

/*
 * Appends the service's document to the buffer, if it is in the cache and was made at that number of its last change.
 * -ENOENT: it is not.
 */
int answer_cache_get(const struct answer_cache *a, const char *service, uint64_t index, struct evbuffer *ret_body);

/* Remembers a copy of the document, in place of another one. Without memory, or when it is too large, it does not. */
void answer_cache_put(struct answer_cache *a, const char *service, uint64_t index, struct evbuffer *body);

/* Memory in use. */
size_t answer_cache_bytes(const struct answer_cache *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A cache of the JSON documents of the services that were asked for last. */
#include "daemon/http/answer_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/label.h"
#include "libdiscover/core/table_reader.h"

#define PLACES    256
#define BYTES_MAX 16384

struct place {
    char service[SERVICE_CAP];
    uint64_t index;
    char *bytes; /* NULL: the place is free */
    size_t n;
};

struct answer_cache {
    struct place places[PLACES]; /* by the name's hash; of two services with one place the last stays */
    size_t bytes;
};

struct answer_cache *answer_cache_new(void)
{
    return calloc(1, sizeof(struct answer_cache));
}

void answer_cache_free(struct answer_cache *a)
{
    for (size_t i = 0; a && i < PLACES; i++)
        free(a->places[i].bytes);
    free(a);
}

static size_t place_of(const char *service)
{
    return table_hash(service, strlen(service)) % PLACES;
}

int answer_cache_get(const struct answer_cache *a, const char *service, uint64_t index, struct evbuffer *ret_body)
{
    const struct place *p = &a->places[place_of(service)];
    if (!p->bytes || p->index != index || strcmp(p->service, service) != 0)
        return -ENOENT;
    return evbuffer_add(ret_body, p->bytes, p->n) == 0 ? 0 : -ENOENT;
}

size_t answer_cache_bytes(const struct answer_cache *a)
{
    return sizeof *a + a->bytes;
}

void answer_cache_put(struct answer_cache *a, const char *service, uint64_t index, struct evbuffer *body)
{
    struct place *p = &a->places[place_of(service)];
    size_t n = evbuffer_get_length(body);
    char *bytes = n <= BYTES_MAX && strlen(service) < SERVICE_CAP ? realloc(p->bytes, n) : NULL;
    if (!bytes)
        return;
    a->bytes += n - p->n;
    p->bytes = bytes;
    p->n = n;
    p->index = index;
    strcpy(p->service, service);
    (void)evbuffer_copyout(body, bytes, n);
}

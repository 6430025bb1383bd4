/* SPDX-License-Identifier: Apache-2.0 */
/* Finds known services or hosts whose names are similar to one that is not known. */
#include "daemon/registry/explain/nearest_names.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/catalog/catalog_explain.h"
#include "daemon/config/suggest.h"
#include "libdiscover/core/label.h"

#define LOOK_AT_MAX  4000 /* most names that are looked at, so that the loop is not kept busy */
#define DISTANCE_MAX 200  /* most names that are compared letter by letter */

#define NEAREST_MAX 3

struct nearest_names {
    struct {
        char name[SERVICE_CAP];
        unsigned distance;
    } all[NEAREST_MAX]; /* nearest first */
    size_t n;
};

struct search {
    const char *word;
    struct nearest_names found;
    unsigned most; /* most letters in which a name may differ */
    unsigned compared;
    uint64_t letters;
};

/* The set of letters of a word: words whose sets differ by too many letters cannot be near. */
static uint64_t letters_of(const char *word)
{
    uint64_t letters = 0;
    for (; *word; word++)
        letters |= UINT64_C(1) << (*word & 63);
    return letters;
}

static void take(struct nearest_names *found, const char *name, unsigned distance)
{
    size_t at = found->n < NEAREST_MAX ? found->n++ : NEAREST_MAX - 1;
    if (at == NEAREST_MAX - 1 && found->all[at].name[0] && found->all[at].distance <= distance)
        return;
    for (; at > 0 && found->all[at - 1].distance > distance; at--)
        found->all[at] = found->all[at - 1];
    snprintf(found->all[at].name, sizeof found->all[at].name, "%s", name);
    found->all[at].distance = distance;
}

/* The same service name in another domain, and a name that begins alike, count as near, too. */
static unsigned distance_of(struct search *s, const char *name)
{
    const char *service = strchr(name, '/'), *wanted = strchr(s->word, '/');
    if (service && wanted && strcmp(service, wanted) == 0)
        return 1;
    if (strncmp(name, s->word, strlen(s->word)) == 0)
        return 1;
    size_t n = strlen(name), m = strlen(s->word);
    bool may = (n > m ? n - m : m - n) <= s->most &&
               (unsigned)__builtin_popcountll(letters_of(name) ^ s->letters) <= 2 * s->most;
    if (!may || s->compared == DISTANCE_MAX)
        return UINT_MAX;
    s->compared++;
    return suggest_distance(s->word, name);
}

static bool look_at(void *arg, const char *name, const struct catalog_service_counts *counts)
{
    struct search *s = arg;
    (void)counts;
    unsigned distance = distance_of(s, name);
    if (distance <= s->most)
        take(&s->found, name, distance);
    return true;
}

static struct search search_for(const char *word)
{
    unsigned third = (unsigned)strlen(word) / 3;
    return (struct search){.word = word, .most = third ? third : 1, .letters = letters_of(word)};
}

static json_t *names_json(const struct nearest_names *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->n; i++)
        (void)json_array_append_new(list, json_string(names->all[i].name));
    return list;
}

json_t *nearest_services(const struct catalog *c, const char *service)
{
    struct search s = search_for(service);
    catalog_each_service(c, LOOK_AT_MAX, look_at, &s);
    return names_json(&s.found);
}

json_t *nearest_hosts(const struct catalog *c, const char *host)
{
    struct search s = search_for(host);
    catalog_each_host(c, LOOK_AT_MAX, look_at, &s);
    return names_json(&s.found);
}

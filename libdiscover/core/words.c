/* SPDX-License-Identifier: Apache-2.0 */
/* The words that stand for states, protocols, tiers, sync states and levels of the log. */
#include "libdiscover/core/words.h"

#include <errno.h>
#include <string.h>

#include "discover/types.h"
#include "libdiscover/core/table_format.h"

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

static const char *const states[] = {
    [DISCOVER_PASSING] = "passing",         [DISCOVER_WARNING] = "warning",   [DISCOVER_CRITICAL] = "critical",
    [DISCOVER_MAINTENANCE] = "maintenance", [DISCOVER_DRAINING] = "draining",
};

static const char *const protocols[] = {[DISCOVER_TCP] = "tcp", [DISCOVER_UDP] = "udp"};

static const char *const tiers[] = {
    [DISCOVER_HOST] = "host",
    [DISCOVER_ZONE] = "zone",
    [DISCOVER_REGION] = "region",
    [DISCOVER_ELSEWHERE] = "elsewhere",
};

static const char *const syncs[] = {
    [TABLE_UNSYNCED] = "unsynced",
    [TABLE_LIVE] = "live",
    [TABLE_STALE] = "stale",
    [TABLE_DEGRADED] = "degraded",
};

/* By the numbers of RFC 5424, 6.2.1; more severe ones are not used. */
static const char *const levels[] = {[3] = "error", [4] = "warning", [5] = "notice", [6] = "info", [7] = "debug"};

static const char *word_of(const char *const *words, int n, int i)
{
    return i >= 0 && i < n && words[i] ? words[i] : "unknown";
}

static int number_of(const char *const *words, int n, const char *word, uint8_t *ret_number)
{
    for (int i = 0; i < n; i++)
        if (words[i] && strcmp(words[i], word) == 0) {
            *ret_number = (uint8_t)i;
            return 0;
        }
    return -EINVAL;
}

const char *state_word(int state)
{
    return word_of(states, COUNT(states), state);
}

const char *protocol_word(int protocol)
{
    return word_of(protocols, COUNT(protocols), protocol);
}

const char *tier_word(int tier)
{
    return word_of(tiers, COUNT(tiers), tier);
}

const char *sync_word(int sync)
{
    return word_of(syncs, COUNT(syncs), sync);
}

const char *level_word(int level)
{
    return word_of(levels, COUNT(levels), level);
}

int state_of_word(const char *word, uint8_t *ret_state)
{
    return number_of(states, COUNT(states), word, ret_state);
}

int protocol_of_word(const char *word, uint8_t *ret_protocol)
{
    return number_of(protocols, COUNT(protocols), word, ret_protocol);
}

int level_of_word(const char *word, uint8_t *ret_level)
{
    return number_of(levels, COUNT(levels), word, ret_level);
}

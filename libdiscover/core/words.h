/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of the words that stand for states, protocols, tiers, sync states and levels of the log, in every text and
 * document. Pure; any thread.
 */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include <stdint.h>

/* Static. "unknown" for a number that means nothing. */
const char *state_word(int state);       /* enum discover_state */
const char *protocol_word(int protocol); /* enum discover_protocol */
const char *tier_word(int tier);         /* enum discover_tier */
const char *sync_word(int sync);         /* enum table_sync */
const char *level_word(int level);       /* LOG_ERR to LOG_DEBUG, as syslog numbers them */

/* How a status calls a daemon that reads live and cannot write; the table has no such state. */
#define SYNC_READ_ONLY "read-only"

/* -EINVAL: no such word. */
int state_of_word(const char *word, uint8_t *ret_state);
int protocol_of_word(const char *word, uint8_t *ret_protocol);
int level_of_word(const char *word, uint8_t *ret_level);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of the words that stand for states, protocols, tiers and sync states, in every text and document. Pure; any
 * thread.
 */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include <stdint.h>

/* Static. "unknown" for a number that means nothing. */
const char *state_word(int state);       /* enum discover_state */
const char *protocol_word(int protocol); /* enum discover_protocol */
const char *tier_word(int tier);         /* enum discover_tier */
const char *sync_word(int sync);         /* enum table_sync */

/* What is live and cannot write. A status says so; the table does not. */
#define SYNC_READ_ONLY "read-only"

/* -EINVAL: no such word. */
int state_of_word(const char *word, uint8_t *ret_state);
int protocol_of_word(const char *word, uint8_t *ret_protocol);

#endif

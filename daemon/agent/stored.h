/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store op keeps, as bytes (proto/state.proto), and how it is given to it. Pure; any thread but for the last five,
 * which call the ops: main thread. Decoding trusts nothing.
 */
#ifndef AGENT_STORED_H
#define AGENT_STORED_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/agent/agent_ops.h"
#include "daemon/agent/overrides.h"
#include "daemon/agent/registrations.h"

#define STORED_IDENTITY     "identity" /* the identity's name; other names are one of these kinds and 16 hex digits */
#define STORED_REGISTRATION "r-"
#define STORED_OVERRIDE     "o-"
#define STORED_NAME         "n-"
#define STORED_CHECKS       "c-"
#define STORED_NAME_CAP     19
#define STORED_MAX          (RECORD_WIRE_MAX + 512)

size_t stored_identity_encode(const struct agent_identity *identity, uint8_t ret_bytes[static STORED_MAX]);
int stored_identity_decode(const uint8_t *bytes, size_t n, struct agent_identity *ret_identity); /* -EBADMSG */

/*
 * Makes the name of a file of this kind: a hash, because four labels and a suffix would be longer than a file's name
 * may be.
 */
void stored_name(const char *kind, const struct instance_key *key, char ret_name[static STORED_NAME_CAP]);

/* Parses the names of a service and an instance as they are stored. -EBADMSG. The key's host is left empty. */
int stored_key(const char *service, const char *instance, struct instance_key *ret_key);

/* -EBADMSG. The key's host is left empty. */
int stored_registration_decode(const uint8_t *bytes, size_t n, struct instance_key *ret_key, struct owner *ret_owner,
                               struct record *ret_record);

/* -EBADMSG. The key's host is left empty. */
int stored_name_decode(const uint8_t *bytes, size_t n, struct instance_key *ret_key, uid_t *ret_uid);

int stored_override_decode(const uint8_t *bytes, size_t n, struct override *ret_override); /* -EBADMSG */

/*
 * Call the ops store and forget, before the request that they belong to is acknowledged. -EIO: they failed, and what
 * was kept before is still kept.
 */
int stored_keep_registration(const struct agent_ops *ops, const struct instance_key *key, const struct owner *owner,
                             const struct encoded_record *record);
int stored_keep_override(const struct agent_ops *ops, const struct override *override);
int stored_drop(const struct agent_ops *ops, const char *kind, const struct instance_key *key);

/* Call the op note: the name is kept for that user, or no longer. Nobody waits for it. */
void stored_note_name(const struct agent_ops *ops, const struct instance_key *key, uid_t uid);
void stored_note_no_name(const struct agent_ops *ops, const struct instance_key *key);

#endif

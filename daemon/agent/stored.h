/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store op keeps, as bytes (proto/state.proto), and how it is given to it. Pure; any thread but for the last six,
 * which call the ops: main thread. Decoding trusts nothing.
 */
#ifndef AGENT_STORED_H
#define AGENT_STORED_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/agent/agent.h"
#include "daemon/agent/overrides.h"
#include "daemon/agent/registrations.h"

#define STORED_IDENTITY     "identity" /* its name; those of the others are one of these and 16 hex digits */
#define STORED_REGISTRATION "r-"
#define STORED_OVERRIDE     "o-"
#define STORED_NAME         "n-"
#define STORED_NAME_CAP     19
#define STORED_MAX          (RECORD_WIRE_MAX + 512)

size_t stored_identity_encode(const struct agent_identity *identity, uint8_t ret_bytes[static STORED_MAX]);
int stored_identity_decode(const uint8_t *bytes, size_t n, struct agent_identity *ret_identity); /* -EBADMSG */

/* Short, because four labels and a suffix would be longer than a file's name may be. */
void stored_name(const struct instance_key *key, char ret_name[static STORED_NAME_CAP]);

/* -ENOMEM, -EMSGSIZE. */
int stored_registration_encode(const struct instance_key *key, const struct owner *owner, const struct record *record,
                               uint8_t ret_bytes[static STORED_MAX], size_t *ret_n);

/* -EBADMSG. The key's host is left empty. */
int stored_registration_decode(const uint8_t *bytes, size_t n, struct instance_key *ret_key, struct owner *ret_owner,
                               struct record *ret_record);

/* -EBADMSG. The key's host is left empty. */
int stored_name_decode(const uint8_t *bytes, size_t n, struct instance_key *ret_key, uid_t *ret_uid);

void stored_override_name(const struct override *override, char ret_name[static STORED_NAME_CAP]);
size_t stored_override_encode(const struct override *override, uint8_t ret_bytes[static STORED_MAX]);
int stored_override_decode(const uint8_t *bytes, size_t n, struct override *ret_override); /* -EBADMSG */

/*
 * By the ops, before what they concern is said to be done. -EIO: they failed, and what was kept before is kept still;
 * or as stored_registration_encode.
 */
int stored_keep_registration(const struct agent_ops *ops, const struct instance_key *key, const struct owner *owner,
                             const struct record *record);
int stored_drop_registration(const struct agent_ops *ops, const struct instance_key *key);
int stored_keep_override(const struct agent_ops *ops, const struct override *override);
int stored_drop_override(const struct agent_ops *ops, const struct override *override);

/* When there is time. */
void stored_note_name(const struct agent_ops *ops, const struct instance_key *key, uid_t uid);
void stored_note_no_name(const struct agent_ops *ops, const struct instance_key *key);

#endif

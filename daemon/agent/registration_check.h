/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request for a registration must look like, whichever way it came: over the socket or from the configuration.
 * Pure; any thread. The checks return 0, or -EINVAL with *ret_why, a static text.
 */
#ifndef AGENT_REGISTRATION_CHECK_H
#define AGENT_REGISTRATION_CHECK_H

#include "daemon/agent/registrar.h"
#include "daemon/agent/registrations.h"

int registration_check_names(const struct instance_key *key, const char **ret_why);

/* A record without an address is marked as being at the host's. */
int registration_check_record(const struct agent_options *options, struct record *record, const char **ret_why);
int registration_check_life(const struct registration_request *request, const char **ret_why);

struct owner registration_owner(const struct registration_request *request);

#endif

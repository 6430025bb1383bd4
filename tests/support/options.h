/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Complete options for tests, which name only what matters to them: what is 0 becomes what the daemon's configuration
 * gives when a key is not set.
 */
#ifndef TESTS_SUPPORT_OPTIONS_H
#define TESTS_SUPPORT_OPTIONS_H

#include "daemon/agent/agent.h"
#include "daemon/api/api.h"
#include "daemon/http/http.h"
#include "daemon/sync/liveness.h"

struct agent_options agent_complete(struct agent_options o);
struct api_options api_complete(struct api_options o);
struct http_options http_complete(struct http_options o); /* but for where it listens */
struct liveness_options liveness_complete(struct liveness_options o);

#endif

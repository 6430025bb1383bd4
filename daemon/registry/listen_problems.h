/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses that are to be served and are not, because this host does not have them, or not yet. http_inherited: http.listen is
 * not used. Main thread only.
 */
#ifndef REGISTRY_LISTEN_PROBLEMS_H
#define REGISTRY_LISTEN_PROBLEMS_H

#include <stdbool.h>

#include "daemon/config/config.h"
#include "proto/api.pb-c.h"

/* Logs each such address, at the start. */
void listen_problems_log(const struct config *config, bool http_inherited);

/* Fills in the field about them; it stays valid until the next call. */
void listen_problems_status(const struct config *config, bool http_inherited, Discover__V1__Status *ret_status);

#endif

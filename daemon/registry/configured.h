/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts as the configuration describes them. What they are given stays the caller's, and is borrowed where they say so. Main
 * thread only.
 */
#ifndef REGISTRY_CONFIGURED_H
#define REGISTRY_CONFIGURED_H

#include "daemon/api/access.h"
#include "daemon/bus/bus.h"
#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"
#include "daemon/dns/dns.h"
#include "daemon/http/http.h"

/* As catalog_new. */
int configured_catalog_new(const struct config *config, table_moved_fn *moved, void *arg, struct catalog **ret_c);

/*
 * The catalog of another region, which writes into the table of the own one; the table stays the caller's. As
 * catalog_new.
 */
int configured_region_catalog_new(const struct config *config, const char *region, struct table_writer *table,
                                  struct catalog **ret_c);

/*
 * Options of the own region's bus. The strings are those of the configuration. create: makes the buckets that are
 * missing.
 */
void configured_bus_options(const struct config *config, bool create, struct bus_options *ret_options);

/* Makes a bus that is not started; logs what is wrong. A negative errno. */
int configured_bus_new(const struct config *config, bool create, const struct bus_events *events, void *arg,
                       struct bus **ret_bus);

/* Names of the streams that mirror another region here, by bucket; "": there is none. */
struct region_mirrors {
    char names[BUS_BUCKETS][BUS_NAME_CAP];
};

/*
 * The same for a bus that reads another region, where nothing is made. The strings are those of the configuration and
 * of mirrors, which must outlive the options.
 */
void configured_region_bus_options(const struct config *config, const struct region_config *region,
                                   struct region_mirrors *mirrors, struct bus_options *ret_options);
int configured_region_bus_new(const struct config *config, const struct region_config *region,
                              const struct bus_events *events, void *arg, struct bus **ret_bus);

void configured_dns_options(const struct config *config, struct dns_options *ret_options);
/*
 * Who may use the socket: to be given to api_set_access, else its policy is to be freed. Any thread; may block on a
 * directory service. -ENOMEM; a group that does not exist is no failure.
 */
int configured_access(const struct config *c, struct access_rule *ret_rule);

void configured_http_options(const struct config *config, struct http_options *ret_options);

#endif

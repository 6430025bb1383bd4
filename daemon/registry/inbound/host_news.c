/* SPDX-License-Identifier: Apache-2.0 */
/* A line in the log for each other host that is new, lost, left or back; in a mass, for the first few and how many more. */
#include "daemon/registry/inbound/host_news.h"

#include "daemon/base/log.h"

#define LINES_A_SECOND 10

static const char *news_of(bool known, bool was_alive, enum host_status status)
{
    if (was_alive == host_alive(status))
        return NULL;
    if (host_alive(status))
        return known ? "is back" : "is new";
    return status == HOST_LEFT ? "has left" : "is lost: its lease has run out, and nothing was heard of it";
}

void host_news_report(struct host_news *news, const struct catalog *catalog, const char *region, const char *host,
                      enum host_status status)
{
    bool known = catalog_knows_host(catalog, host);
    const char *text = news_of(known, known && catalog_host_alive(catalog, host), status);
    if (text && news->n++ < LINES_A_SECOND)
        log_notice("host %s%s%s %s", host, region ? " of region " : "", region ? region : "", text);
}

void host_news_second(struct host_news *news)
{
    if (news->n > LINES_A_SECOND)
        log_notice("%zu more hosts are new, back, lost or have left", news->n - LINES_A_SECOND);
    news->n = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A line in the log for each other host that is new, lost, left or back; in a mass, for the first few and how many more. */
#include "daemon/base/log.h"
#include "daemon/daemon.h"

#define LINES_A_SECOND 10

static const char *news_of(bool known, bool was_alive, enum host_status status)
{
    if (was_alive == host_alive(status))
        return NULL;
    if (host_alive(status))
        return known ? "is back" : "is new";
    return status == HOST_LEFT ? "has left" : "is lost: its lease has run out, and nothing was heard of it";
}

/* Who is there at the start is no news. */
void host_news_tell(struct daemon *d, const char *host, enum host_status status)
{
    bool known = catalog_knows_host(d->catalog, host);
    const char *news = news_of(known, known && catalog_host_alive(d->catalog, host), status);
    if (!news || !d->synced_once)
        return;
    if (d->host_news++ < LINES_A_SECOND)
        log_notice("host %s %s", host, news);
}

void host_news_second(struct daemon *d)
{
    if (d->host_news > LINES_A_SECOND)
        log_notice("and %zu hosts more are new, back, lost or have left", d->host_news - LINES_A_SECOND);
    d->host_news = 0;
}

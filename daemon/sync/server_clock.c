/* SPDX-License-Identifier: Apache-2.0 */
/* Estimates the server's clock from messages that go there and back. */
#include "daemon/sync/server_clock.h"

#define DRIFT 10000 /* a clock is off by one part in so many, at most */

static int64_t error_at(const struct server_clock *c, int64_t now_ns)
{
    return c->error_ns + (now_ns - c->at_ns) / DRIFT;
}

/* The quickest way there and back is worth most; the last one counts when it is worth no less than what was known before does by now. */
void server_clock_heard(struct server_clock *c, int64_t put_ns, int64_t stored_ns, int64_t heard_ns)
{
    int64_t error_ns = (heard_ns - put_ns) / 2;
    if (!stored_ns || heard_ns < put_ns || (c->known && error_ns > error_at(c, heard_ns)))
        return;
    *c = (struct server_clock){
        .known = true, .offset_ns = stored_ns - (put_ns + error_ns), .error_ns = error_ns, .at_ns = heard_ns};
}

int64_t server_clock_since(const struct server_clock *c, int64_t stored_ns, int64_t now_ns, int64_t *ret_error_ns)
{
    if (!c->known || !stored_ns)
        return -1;
    int64_t since_ns = now_ns + c->offset_ns - stored_ns;
    *ret_error_ns = error_at(c, now_ns);
    return since_ns > 0 ? since_ns : 0;
}

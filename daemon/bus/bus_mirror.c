/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors of another region's buckets. */
#include "daemon/bus/bus_mirror.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/bus/bus.h"
#include "libdiscover/core/clock.h"

#define BEHIND_NS      (500 * NS_PER_MS) /* as long as one that is behind may take to get there */
#define BEHIND_STEP_NS (20 * NS_PER_MS)

#define DESCRIPTION_CAP 160

const char *bus_mirror_text(enum bus_mirror_state state)
{
    static const char *const texts[] = {
        [BUS_MIRROR_NONE] = "",           [BUS_MIRROR_VALID] = "valid",
        [BUS_MIRROR_BEHIND] = "behind",   [BUS_MIRROR_OTHER_LIFE] = "of another life",
        [BUS_MIRROR_MISSING] = "missing", [BUS_MIRROR_UNREADABLE] = "unreadable",
    };
    return texts[state];
}

/* Writes the description, with the time in the form that the server uses. */
static void describe(const struct bus_mirror *mirror, int64_t created_ns, char ret_text[static DESCRIPTION_CAP])
{
    time_t seconds = (time_t)(created_ns / NS_PER_S);
    char date[32];
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret_text, DESCRIPTION_CAP, "of %s, made %s.%09" PRId64 "Z", mirror->options->region, date,
             created_ns % NS_PER_S);
}

/* When the mirrored bucket was made, by the mirror's description; 0: that does not say it. */
static int64_t life_of(const struct bus_mirror *mirror, const char *description)
{
    char head[96];
    int64_t created_ns;
    size_t n = (size_t)snprintf(head, sizeof head, "of %s, made ", mirror->options->region);
    bool dated = strncmp(description, head, n) == 0 && wire_time(description + n, &created_ns);
    return dated ? created_ns : 0;
}

struct bus_session bus_mirror_session(const struct bus_session *session, const struct bus_mirror *mirror)
{
    struct bus_session local = *session;
    local.api_prefix = mirror->api_prefix;
    local.info_timeout_ms = BUS_REQUEST_TIMEOUT_MS;
    return local;
}

static enum bus_mirror_state judge(const struct bus_mirror *mirror, const struct bus_stream_state *origin,
                                   struct bus_stream_state *state)
{
    int64_t created = life_of(mirror, state->settings.description);
    if (!created || (origin && origin->info.created != created))
        return BUS_MIRROR_OTHER_LIFE;
    state->info.created = created;
    state->now_ns =
        state->info.newest_ns; /* its entries have the origin's times, which no other clock is compared with */
    if (!origin)
        return BUS_MIRROR_VALID;
    if (origin->now_ns > state->now_ns)
        state->now_ns = origin->now_ns;
    return state->info.last_seq >= origin->info.last_seq ? BUS_MIRROR_VALID : BUS_MIRROR_BEHIND;
}

enum bus_mirror_state bus_mirror_look(const struct bus_session *local, const struct bus_mirror *mirror,
                                      const struct bus_stream_state *origin, struct bus_stream_state *ret_state)
{
    char reason[BUS_REASON_CAP];
    const struct timespec step = {.tv_nsec = BEHIND_STEP_NS};
    int64_t until_ns = clock_now_ns() + BEHIND_NS;
    for (;;) {
        int err = bus_stream_info(local, &mirror->stream, ret_state, reason);
        if (err)
            return err == -ENOENT ? BUS_MIRROR_MISSING : BUS_MIRROR_UNREADABLE;
        enum bus_mirror_state state = judge(mirror, origin, ret_state);
        if (state != BUS_MIRROR_BEHIND || clock_now_ns() > until_ns)
            return state;
        (void)nanosleep(&step, NULL);
    }
}

/* --- making one --- */

/* What its origin sends has subjects of its own: an origin can distinguish regions by them. */
static char *request_of(const struct bus_mirror *mirror, int64_t created_ns)
{
    char description[DESCRIPTION_CAP], api[BUS_PREFIX_CAP], deliver[80];
    const struct bus_stream *s = &mirror->stream;
    describe(mirror, created_ns, description);
    wire_api_prefix(mirror->options->js_domain, api);
    snprintf(deliver, sizeof deliver, "$JS.M.region-%s", mirror->options->mirror_region);
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:s, s:s, s:i, s:b, s:b, s:b, s:b, s:{s:s, s:{s:s, s:s}}}", "name",
        s->name, "description", description, "retention", "limits", "max_msgs", -1, "max_msgs_per_subject", 1,
        "max_bytes", (json_int_t)(2 * s->max_bytes), "max_age", (json_int_t)mirror->options->keep_ns, "discard", "new",
        "storage", "file", "num_replicas", s->replicas, "deny_delete", 1, "deny_purge", 1, "allow_direct", 1,
        "mirror_direct", 1, "mirror", "name", mirror->origin->name, "external", "api", api, "deliver", deliver);
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static int create(const struct bus_session *local, const struct bus_mirror *mirror, int64_t created_ns,
                  char reason[static BUS_REASON_CAP])
{
    char *body = request_of(mirror, created_ns);
    snprintf(reason, BUS_REASON_CAP, "no memory");
    int err = body ? bus_stream_order(local, "CREATE", mirror->stream.name, body, reason) : -ENOMEM;
    free(body);
    return err;
}

static int report(char ret_text[static BUS_REASON_CAP], int err, const char *what, const char *reason)
{
    snprintf(ret_text, BUS_REASON_CAP, err ? "%s: %.180s" : "%s", what, reason);
    return err;
}

/* Notes in which settings the mirror differs from one that would be made now. */
static void check_settings(const struct bus_mirror *mirror, const struct bus_stream_state *have,
                           char ret_text[static BUS_REASON_CAP])
{
    if (have->settings.max_age_ns != mirror->options->keep_ns)
        snprintf(ret_text, BUS_REASON_CAP, "is there; its max_age is %" PRId64 " s, keep is %" PRId64 " s",
                 have->settings.max_age_ns / NS_PER_S, mirror->options->keep_ns / NS_PER_S);
    else if (have->settings.replicas != mirror->stream.replicas)
        snprintf(ret_text, BUS_REASON_CAP, "is there; its num_replicas is %d, configured are %d",
                 have->settings.replicas, mirror->stream.replicas);
    else
        (void)report(ret_text, 0, "is there", "");
}

int bus_mirror_make(const struct bus_session *local, const struct bus_mirror *mirror,
                    const struct bus_stream_state *origin, bool anew, char ret_text[static BUS_REASON_CAP])
{
    char reason[BUS_REASON_CAP] = "";
    struct bus_stream_state have;
    int err = bus_stream_info(local, &mirror->stream, &have, reason);
    bool is_other = !err && life_of(mirror, have.settings.description) != origin->info.created;
    if (err && err != -ENOENT)
        return report(ret_text, err, "cannot be asked for", reason);
    if (!err && !is_other) {
        check_settings(mirror, &have, ret_text);
        return 0;
    }
    if (is_other && !anew)
        return report(ret_text, -EEXIST, "is of another life of its bucket", "discoverd --init makes it anew");
    err = is_other ? bus_stream_order(local, "DELETE", mirror->stream.name, "", reason) : 0;
    if (!err || err == -ENOENT)
        err = create(local, mirror, origin->info.created, reason);
    if (err)
        return report(ret_text, err, "cannot be made", reason);
    return report(ret_text, 0, is_other ? "was of another life of its bucket: made it anew" : "did not exist: made it",
                  "");
}

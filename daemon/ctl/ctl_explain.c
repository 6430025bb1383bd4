/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl explain: why something is in the answers, or is not, as the daemon's document says it. */
#include <inttypes.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/document_words.h"
#include "daemon/ctl/terminal.h"

/* Instances that are out, in the first line. */
#define HEADLINE_MAX 5

/* --- an instance --- */

static void print_tags(const json_t *i, FILE *out)
{
    const json_t *tags = json_object_get(i, "tags");
    size_t k;
    const json_t *tag;
    json_array_foreach(tags, k, tag) fprintf(out, "%s%s", k ? ", " : ", tags ", json_string_value(tag));
}

static void print_record(const json_t *i, FILE *out)
{
    const json_t *record = json_object_get(i, "record");
    char revision[40] = "", age[48] = "", confirmed[96] = "";
    if (!record)
        return;
    if (has(record, "revision"))
        snprintf(revision, sizeof revision, "revision %" PRId64 ", ", number_of(record, "revision"));
    if (has(record, "age_ms"))
        snprintf(age, sizeof age, ", written %s ago", duration(number_of(record, "age_ms")));
    if (has(record, "confirmed_us"))
        snprintf(confirmed, sizeof confirmed, ", confirmed by NATS in %.1f ms",
                 (double)number_of(record, "confirmed_us") / 1000);
    if (has(record, "visible_us"))
        snprintf(confirmed, sizeof confirmed, ", visible here %.1f ms later (give or take %.1f ms)",
                 (double)number_of(record, "visible_us") / 1000, (double)number_of(record, "visible_error_us") / 1000);
    if (is_true(record, "foreign"))
        line(out, "record", "%sput without a daemon%s%s", revision, age, confirmed);
    else
        line(out, "record", "%sby %s, change %" PRId64 " of epoch %" PRId64 "%s%s", revision, text_of(record, "writer"),
             number_of(record, "counter"), number_of(record, "epoch"), age, confirmed);
}

static void print_lease(const json_t *lease, const char *host, FILE *out)
{
    char left[64] = "";
    if (!lease)
        return;
    if (has(lease, "left_ms"))
        snprintf(left, sizeof left, ", runs out in %s", duration(number_of(lease, "left_ms")));
    line(out, "lease", "of %s: %s, heard %s ago%s (TTL %s)", host, text_of(lease, "status"),
         duration(number_of(lease, "age_ms")), left, duration(number_of(lease, "ttl_ms")));
}

static void print_owner(const json_t *i, FILE *out)
{
    const json_t *owner = json_object_get(i, "owner");
    const char *by = text_of(owner, "lives_by");
    if (!owner)
        return;
    if (strcmp(by, "configuration") == 0)
        line(out, "owner", "the daemon's configuration");
    else if (strcmp(by, "pid") == 0)
        line(out, "owner", "user %" PRId64 "; it lives as long as process %" PRId64, number_of(owner, "uid"),
             number_of(owner, "pid"));
    else if (strcmp(by, "ttl") == 0)
        line(out, "owner", "user %" PRId64 "; it lives by heartbeats, %s left", number_of(owner, "uid"),
             duration(number_of(owner, "left_ms")));
    else if (strcmp(by, "connection") == 0)
        line(out, "owner", "user %" PRId64 "; it lives as long as its connection", number_of(owner, "uid"));
    else
        line(out, "owner", "an earlier life of the daemon");
}

/* Prints a check with the first line of its output. */
static void print_check(const json_t *check, FILE *out)
{
    const char *output = text_of(check, "output"), *name = text_of(check, "name");
    bool named = *name && strcmp(name, text_of(check, "kind")) != 0;
    line(out, "check", "%s%s%s%s%s%s: %s for %s%s%.*s%s", text_of(check, "kind"), *text_of(check, "target") ? " " : "",
         text_of(check, "target"), named ? " (" : "", named ? name : "", named ? ")" : "", text_of(check, "state"),
         duration(number_of(check, "since_ms")), *output ? ": " : "", (int)strcspn(output, "\n"), output,
         is_true(check, "flapping") ? "; it flaps, so it is not reported when it gets better" : "");
}

static void print_why(const json_t *i, FILE *out)
{
    size_t k;
    const json_t *note;
    line(out, "why", "%s: %s", text_of(i, "rule"), text_of(i, "why"));
    json_array_foreach(json_object_get(i, "notes"), k, note) line(out, "note", "%s", json_string_value(note));
}

/* service: NULL where the document is about one service; host: the host it is about, whose lease is printed already, else "". */
static void print_instance(const json_t *i, const char *service, const char *host, FILE *out)
{
    bool in = is_true(i, "in");
    fputs("\n  ", out);
    styled(out, in ? STYLE_GOOD : STYLE_BAD, "%s", in ? "in " : "out");
    fputs("  ", out);
    styled(out, STYLE_BOLD, "%s%s%s/%s", service ? service : "", service ? " " : "", text_of(i, "host"),
           text_of(i, "instance"));
    if (has(i, "of_region"))
        fprintf(out, "  in region %s", text_of(i, "of_region"));
    fputs("  ", out);
    print_address(i, out);
    if (has(i, "state"))
        fprintf(out, ", %s, weight %" PRId64, text_of(i, "state"), number_of(i, "weight"));
    print_tags(i, out);
    fputc('\n', out);
    print_why(i, out);
    print_owner(i, out);
    print_record(i, out);
    if (strcmp(host, text_of(i, "host")) != 0)
        print_lease(json_object_get(i, "lease"), text_of(i, "host"), out);
    print_each(i, "checks", NULL, print_check, out);
}

/* Where several regions are read: which one answers, and why. */
static void print_region(const json_t *r, FILE *out)
{
    bool answers = is_true(r, "answers");
    fputs("  ", out);
    styled(out, answers ? STYLE_GOOD : STYLE_PLAIN, "%s", answers ? "answers" : "       ");
    fputs("  ", out);
    styled(out, STYLE_BOLD, "%s", text_of(r, "region"));
    fprintf(out, "  %s%s, %" PRId64 " of %s usable\n", is_true(r, "own") ? "the own one, " : "", text_of(r, "state"),
            number_of(r, "usable"), count(number_of(r, "total"), "instance"));
    line(out, "why", "%s", text_of(r, "why"));
}

static void print_instances(const json_t *document, FILE *out)
{
    size_t i;
    const json_t *instance, *list = json_object_get(document, "instances");
    bool named = has(document, "wanted");
    int64_t more = named ? 0 : number_of(document, "total") - (int64_t)json_array_size(list);
    json_array_foreach(list, i, instance) print_instance(
        instance, has(document, "service") ? NULL : text_of(instance, "service"), text_of(document, "host"), out);
    if (more > 0)
        fprintf(out, "\n  and %" PRId64 " more; to see one of them, name it\n", more);
}

/* --- what is around them --- */

static void print_refusal(const json_t *r, FILE *out)
{
    fputs("  ", out);
    styled(out, STYLE_BAD, "out");
    fprintf(out, "  %s %s\n", text_of(r, "bucket"), text_of(r, "key"));
    line(out, "why", "%s: %s (%s, the last %s ago)", text_of(r, "rule"), text_of(r, "reason"),
         count(number_of(r, "count"), "time"), duration(number_of(r, "age_ms")));
}

static void print_refused(const json_t *document, FILE *out)
{
    print_each(document, "refused", "Not taken", print_refusal, out);
}

static void print_similar(const json_t *document, FILE *out)
{
    size_t i;
    const json_t *name, *list = json_object_get(document, "similar");
    if (json_array_size(list) == 0)
        return;
    fputs("Is one of these meant?", out);
    json_array_foreach(list, i, name) fprintf(out, "%s %s", i ? "," : "", json_string_value(name));
    fputc('\n', out);
}

static void print_reply(const json_t *reply, FILE *out)
{
    size_t i;
    const json_t *record, *records = json_object_get(reply, "records");
    int64_t left_out = number_of(reply, "left_out"),
            more = number_of(reply, "answers") - (int64_t)json_array_size(records);
    fprintf(out, "  DNS   %s %s  (%s)\n", text_of(reply, "name"), text_of(reply, "type"), text_of(reply, "client"));
    fprintf(out, "        %s, %s, %s", text_of(reply, "rcode"), count(number_of(reply, "bytes"), "byte"),
            count(number_of(reply, "answers"), "answer"));
    if (left_out > 0)
        fprintf(out, ", %" PRId64 " usable ones left out", left_out);
    fputs(is_true(reply, "truncated") ? ", truncated: the client asks again over TCP\n" : "\n", out);
    json_array_foreach(records, i, record) fprintf(out, "        %s\n", json_string_value(record));
    if (more > 0)
        fprintf(out, "        and %" PRId64 " more\n", more);
}

/* Where a tier is, as seen from this host. */
static const char *place(const char *tier)
{
    return strcmp(tier, "host") == 0     ? "on this host"
           : strcmp(tier, "zone") == 0   ? "in this zone"
           : strcmp(tier, "region") == 0 ? "in this region"
                                         : "in another region";
}

static void print_pick(const json_t *document, FILE *out)
{
    size_t i;
    const json_t *g;
    json_array_foreach(json_object_get(document, "pick"), i, g)
        fprintf(out, "  %s  %zu. priority %" PRId64 ", %s: %s, weight %" PRId64 "\n", i ? "    " : "pick", i + 1,
                number_of(g, "priority"), place(text_of(g, "tier")), count(number_of(g, "instances"), "instance"),
                number_of(g, "weight"));
}

/* The daemon looks at so many. */
#define PICK_MAX 256

static void print_clients(const json_t *document, FILE *out)
{
    heading(out, "What clients get");
    print_each(document, "dns", NULL, print_reply, out);
    print_pick(document, out);
    if (number_of(document, "usable") > PICK_MAX)
        fprintf(out, "        (of the first %d usable ones)\n", PICK_MAX);
}

static void print_sync(const json_t *document, FILE *out)
{
    const char *sync = text_of(document, "sync");
    const json_t *propagation = json_object_get(document, "propagation");
    if (strcmp(sync, "live") != 0)
        styled(out, STYLE_WARNING, "What is known here is %s%s%s.\n", sync,
               number_of(document, "age_ms") > 0 ? ": it was true before " : "",
               number_of(document, "age_ms") > 0 ? duration(number_of(document, "age_ms")) : "");
    if (json_is_object(propagation))
        fprintf(out, "\nA change of this host is back from NATS in %.1f ms (%.1f ms in the mean).\n",
                (double)number_of(propagation, "last_us") / 1000, (double)number_of(propagation, "mean_us") / 1000);
}

static bool is_away(const json_t *document)
{
    const json_t *own = json_array_get(json_object_get(document, "regions"), 0);
    return own && !is_true(own, "answers");
}

/* How many are served, and who is not, by which rule: whoever is in a hurry reads no further. */
static void print_headline(const json_t *document, FILE *out)
{
    int64_t usable = number_of(document, "usable"), total = number_of(document, "total"), named = 0;
    size_t k;
    const json_t *i;
    fputs(": ", out);
    styled(out,
           usable == 0      ? STYLE_BAD
           : usable < total ? STYLE_WARNING
                            : STYLE_GOOD,
           "%" PRId64 " of %s %s served", usable, count(total, "instance"), usable == 1 || total == 1 ? "is" : "are");
    if (is_away(document))
        fprintf(out, " by region %s", text_of(document, "answering"));
    json_array_foreach(json_object_get(document, "instances"), k, i)
    {
        if (is_true(i, "in") || named == HEADLINE_MAX)
            continue;
        fprintf(out, "%s %s/%s by %s", named++ ? "," : "; out:", text_of(i, "host"), text_of(i, "instance"),
                text_of(i, "rule"));
    }
    if (named > 0 && total - usable > named && !is_away(document))
        fprintf(out, " and %" PRId64 " more", total - usable - named);
    fputc('\n', out);
}

/* What is named in a document about a service or a host, and is not known. */
static void print_unknown(const json_t *document, const char *what, FILE *out)
{
    fprintf(out, ": %s\n", what);
    print_similar(document, out);
    print_refused(document, out);
    print_sync(document, out);
}

static void print_service(const json_t *document, FILE *out)
{
    styled(out, STYLE_BOLD, "%s", text_of(document, "service"));
    if (!is_true(document, "known")) {
        print_unknown(document, "nobody has registered it, as far as is known here", out);
        return;
    }
    print_headline(document, out);
    print_each(document, "regions", "Regions", print_region, out);
    print_instances(document, out);
    print_refused(document, out);
    print_clients(document, out);
    print_sync(document, out);
}

/* --- a host --- */

static void print_problem(const json_t *p, FILE *out)
{
    bool critical = strcmp(text_of(p, "level"), "critical") == 0;
    fputs("  ", out);
    styled(out, critical ? STYLE_BAD : STYLE_WARNING, "%s", text_of(p, "level"));
    fprintf(out, ": %s\n", text_of(p, "text"));
}

static void print_host(const json_t *document, FILE *out)
{
    const json_t *lease = json_object_get(document, "lease");
    const char *host = text_of(document, "host");
    styled(out, STYLE_BOLD, "%s", host);
    if (!is_true(document, "known")) {
        print_unknown(document, "no host of that name is known here", out);
        return;
    }
    fprintf(out, ": %s%s%s; %s\n", count(number_of(document, "total"), "instance"),
            has(document, "region") ? ", in region " : "", text_of(document, "region"),
            is_true(document, "own") ? "this host"
            : lease                  ? text_of(lease, "status")
                                     : "no lease of it was heard lately");
    print_lease(lease, host, out);
    if (lease)
        line(out, "daemon", "%s, epoch %" PRId64 "; vouches for %s", text_of(lease, "version"),
             number_of(lease, "epoch"), count(number_of(lease, "records"), "record"));
    print_each(document, "problems", NULL, print_problem, out);
    print_instances(document, out);
    print_refused(document, out);
    print_sync(document, out);
}

/* --- all --- */

static void print_service_out(const json_t *s, FILE *out)
{
    const json_t *o = json_object_get(s, "out");
    fprintf(out, "  %-40s %" PRId64 " of %" PRId64 " served\n", text_of(s, "service"), number_of(s, "usable"),
            number_of(s, "instances"));
    if (has(o, "rule"))
        line(out, "out", "%s/%s by %s: %s", text_of(o, "host"), text_of(o, "instance"), text_of(o, "rule"),
             text_of(o, "why"));
}

static void print_failover(const json_t *f, FILE *out)
{
    fprintf(out, "  %-40s %s", text_of(f, "service"), text_of(f, "at"));
    if (number_of(f, "at_ms") >= 0)
        fprintf(out, ", for %s", duration(number_of(f, "at_ms")));
    fputs(is_true(f, "forced") ? ", as an operator said\n" : "\n", out);
}

static void print_host_out(const json_t *h, FILE *out)
{
    fprintf(out, "  %-40s %s\n", text_of(h, "host"), count(number_of(h, "instances"), "instance"));
}

static void print_all(const json_t *document, FILE *out)
{
    const char *condition = text_of(document, "condition");
    bool healthy = strcmp(condition, "healthy") == 0;
    fputs("This host's daemon is ", out);
    styled(out, healthy ? STYLE_GOOD : STYLE_WARNING, "%s", healthy ? condition : "not well");
    fputc('\n', out);
    print_each(document, "problems", NULL, print_problem, out);
    print_each(document, "services", "Services with instances that are out", print_service_out, out);
    print_each(document, "failovers", "Services for which another region answers, or an operator said which does",
               print_failover, out);
    print_each(document, "hosts", "Hosts that are not alive", print_host_out, out);
    print_refused(document, out);
    if (!json_array_size(json_object_get(document, "services")) && !json_array_size(json_object_get(document, "hosts")))
        fputs("All instances that are known are served.\n", out);
    else
        fputs("\nTo see why, name one: discoverctl explain SERVICE, or HOST\n", out);
    print_sync(document, out);
}

static void print_explanation(const json_t *document, FILE *out)
{
    if (has(document, "service"))
        print_service(document, out);
    else if (has(document, "host"))
        print_host(document, out);
    else
        print_all(document, out);
}

const struct command explain_command = {
    .name = "explain",
    .summary = "show why an instance is in the answers, or is not",
    .usage = "explain [SERVICE [[HOST/]INSTANCE]]\n       discoverctl explain HOST",
    .help =
        "Why an instance is in the answers or out of them, and by which rule; what is known of its record, its host's\n"
        "lease and its checks; and what clients of the service get from DNS and from pick. Of a host: its lease and\n"
        "its instances. Without a name: whatever is out or unusual. A name that is not known: what may have been\n"
        "meant, and what was refused under it.\n",
    .takes = {WORD_SUBJECT | WORD_MAY, WORD_ANY},
    .run = command_show,
    .document = "explain",
    .key = "name",
    .print = print_explanation,
};

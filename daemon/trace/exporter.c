/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers spans into batches, and sends these to a collector. */
#include "daemon/trace/exporter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/curl_loop.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "libdiscover/core/backoff.h"
#include "libdiscover/core/entropy.h"

#define GATHER_NS      (500 * NS_PER_MS) /* before a batch is sent */
#define BATCH_SPANS    128               /* are encoded in far less than a millisecond */
#define ANSWER_MAX     4096
#define BACKOFF_NS     NS_PER_S
#define BACKOFF_MAX_NS (30 * NS_PER_S)

struct exporter {
    struct curl_loop *loop;
    struct loop_timer timer; /* for the next try, or the next batch */
    struct exporter_metrics {
        metric_value sent, full, unreachable, refused, retries, waiting;
    } metrics;
    struct exporter_options options;
    char *url;
    struct curl_slist *headers;
    struct span_list waiting;
    size_t n_waiting;

    /* of the batch under way */
    CURL *easy;
    struct curl_transfer transfer;
    uint8_t *body;
    size_t body_n, spans;
    int64_t give_up_at_ns;
    struct backoff backoff;
    uint8_t answer[ANSWER_MAX];
    size_t answer_n;
    char failure[OTLP_WHY_CAP]; /* the last one that was logged; "": nothing since spans were taken */
};

/* --- what becomes of a batch --- */

static void send_batch(void *arg);

/* Logs a failure when it is another one: while a collector is away, each try fails in the same way. */
static void log_failure(struct exporter *x, const char *why)
{
    if (strcmp(why, x->failure) != 0)
        log_warning("trace.endpoint %s: %s; spans that are not taken are dropped", x->url, why);
    (void)!snprintf(x->failure, sizeof x->failure, "%s", why);
}

static void next_batch(struct exporter *x)
{
    int64_t now_ns = clock_now_ns();
    free(x->body);
    x->body = NULL;
    backoff_reset(&x->backoff);
    if (x->n_waiting > 0)
        loop_timer_arm(&x->timer, x->n_waiting < BATCH_SPANS ? now_ns + GATHER_NS : now_ns, now_ns);
}

static void taken(struct exporter *x)
{
    char why[OTLP_WHY_CAP] = "";
    int64_t refused = otlp_refused(x->answer, x->answer_n, why);
    if (refused < 0 || (uint64_t)refused > x->spans)
        refused = 0; /* whoever says nothing that can be understood has taken them */
    metric_add(&x->metrics.sent, x->spans - (size_t)refused);
    metric_add(&x->metrics.refused, (uint64_t)refused);
    if (refused)
        log_failure(x, *why ? why : "some are refused");
    else if (*x->failure)
        log_notice("trace.endpoint %s takes spans", x->url);
    if (!refused)
        x->failure[0] = '\0';
    next_batch(x);
}

static void drop(struct exporter *x, metric_value *counter, const char *why)
{
    metric_add(counter, x->spans);
    log_failure(x, why);
    next_batch(x);
}

/* retry_after_ns: what the collector asked for; 0: nothing. */
static void try_again(struct exporter *x, int64_t retry_after_ns, const char *why)
{
    int64_t now_ns = clock_now_ns(), wait_ns = backoff_next(&x->backoff, (uint32_t)entropy_64());
    if (retry_after_ns > wait_ns)
        wait_ns = retry_after_ns;
    if (now_ns + wait_ns > x->give_up_at_ns) {
        drop(x, &x->metrics.unreachable, why);
        return;
    }
    metric_inc(&x->metrics.retries);
    loop_timer_arm(&x->timer, now_ns + wait_ns, now_ns);
}

static bool is_passing(long code)
{
    return code == 429 || code == 502 || code == 503 || code == 504;
}

static void on_done(void *arg, CURLcode result)
{
    struct exporter *x = arg;
    char why[64];
    long code = 0;
    curl_off_t retry_after_s = 0;
    (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &code);
    (void)curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    snprintf(why, sizeof why, "it answers with status %ld", code);
    if (retry_after_s > INT32_MAX)
        retry_after_s = INT32_MAX;
    if (result != CURLE_OK && result != CURLE_WRITE_ERROR)
        try_again(x, 0, *x->transfer.error ? x->transfer.error : curl_easy_strerror(result));
    else if (is_passing(code))
        try_again(x, retry_after_s * NS_PER_S, why);
    else if (code >= 200 && code < 300)
        taken(x);
    else
        drop(x, &x->metrics.refused, why);
}

/* --- a request --- */

/* An answer that is longer is not read to its end, and counts by its code. */
static size_t on_answer(char *bytes, size_t size, size_t n, void *arg)
{
    struct exporter *x = arg;
    if (size * n > sizeof x->answer - x->answer_n)
        return 0;
    memcpy(x->answer + x->answer_n, bytes, size * n);
    x->answer_n += size * n;
    return size * n;
}

static void set_request(struct exporter *x)
{
    curl_easy_setopt(x->easy, CURLOPT_URL, x->url);
    curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)(x->options.timeout_ns / NS_PER_MS));
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, x->body);
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE, (long)x->body_n);
}

static int make_batch(struct exporter *x)
{
    int err = otlp_encode(&x->options.resource, &x->waiting, BATCH_SPANS, &x->body, &x->body_n, &x->spans);
    if (err)
        return err;
    x->give_up_at_ns = clock_now_ns() + x->options.give_up_ns;
    x->n_waiting -= x->spans;
    metric_set(&x->metrics.waiting, x->n_waiting);
    for (size_t i = 0; i < x->spans; i++) {
        struct span *s = STAILQ_FIRST(&x->waiting);
        STAILQ_REMOVE_HEAD(&x->waiting, next);
        span_free(s);
    }
    return 0;
}

/* Names are looked up by a thread of libcurl's: there is one request at a time. */
static void send_batch(void *arg)
{
    struct exporter *x = arg;
    int64_t now_ns = clock_now_ns();
    if (!x->body && make_batch(x) < 0) {
        loop_timer_arm(&x->timer, now_ns + GATHER_NS, now_ns);
        return;
    }
    x->answer_n = 0;
    curl_easy_reset(x->easy);
    set_request(x);
    if (curl_transfer_start(&x->transfer, x->loop, x->easy, on_done, x) < 0)
        try_again(x, 0, "no memory");
}

void exporter_add(struct exporter *x, struct span *s)
{
    int64_t now_ns = clock_now_ns();
    if (x->n_waiting >= x->options.spans_max) {
        metric_inc(&x->metrics.full);
        span_free(s);
        return;
    }
    STAILQ_INSERT_TAIL(&x->waiting, s, next);
    metric_set(&x->metrics.waiting, ++x->n_waiting);
    if (x->body)
        return; /* what is under way comes first */
    if (x->n_waiting == 1)
        loop_timer_arm(&x->timer, now_ns + GATHER_NS, now_ns);
    else if (x->n_waiting == BATCH_SPANS)
        loop_timer_arm(&x->timer, now_ns, now_ns);
}

/* --- life --- */

static const struct metric exporter_metrics[] = {
    COUNTER_OF(exporter_metrics, sent, "discoverd_trace_spans_total{result=\"sent\"}",
               "Spans of traces: sent; dropped for want of room (trace.queue), because the collector could not be "
               "reached or had "
               "no time for too long, or because it refused them."),
    COUNTER_OF(exporter_metrics, full, "discoverd_trace_spans_total{result=\"full\"}", NULL),
    COUNTER_OF(exporter_metrics, unreachable, "discoverd_trace_spans_total{result=\"unreachable\"}", NULL),
    COUNTER_OF(exporter_metrics, refused, "discoverd_trace_spans_total{result=\"refused\"}", NULL),
    COUNTER_OF(exporter_metrics, retries, "discoverd_trace_retries_total",
               "Requests to the collector that were tried again."),
    GAUGE_OF(exporter_metrics, waiting, "discoverd_trace_spans_waiting", "Spans that wait to be sent."),
};
METRICS_LISTED(exporter_metrics)

/* "http://collector:4318" is the collector, "http://collector:4318/x" is the URL. */
static char *url_of(const char *endpoint)
{
    const char *host = strstr(endpoint, "://");
    const char *path = strchr(host ? host + 3 : endpoint, '/');
    char *url = NULL;
    if (path && path[1])
        return strdup(endpoint);
    return asprintf(&url, "%s%sv1/traces", endpoint, path ? "" : "/") < 0 ? NULL : url;
}

static int add_headers(struct exporter *x)
{
    char agent[96];
    snprintf(agent, sizeof agent, "User-Agent: discoverd/%.63s", x->options.resource.version);
    const char *const all[] = {"Content-Type: application/x-protobuf", "Expect:" /* the body is sent at once */, agent};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct curl_slist *headers = curl_slist_append(x->headers, all[i]);
        if (!headers)
            return -ENOMEM;
        x->headers = headers;
    }
    return 0;
}

int exporter_new(struct event_base *base, const struct exporter_options *options, struct metrics *metrics,
                 struct exporter **ret_x)
{
    struct exporter *x = calloc(1, sizeof *x);
    if (!x)
        return -ENOMEM;
    x->options = *options;
    STAILQ_INIT(&x->waiting);
    backoff_init(&x->backoff, BACKOFF_NS, BACKOFF_MAX_NS);
    int err = curl_loop_new(base, &x->loop);
    if (!err)
        err = loop_timer_init(&x->timer, base, send_batch, x);
    if (!err)
        err = (x->url = url_of(options->endpoint)) ? add_headers(x) : -ENOMEM;
    x->easy = err ? NULL : curl_easy_init();
    if (!err && !x->easy)
        err = -ENOMEM;
    if (!err)
        err = metrics_add(metrics, exporter_metrics, sizeof exporter_metrics / sizeof *exporter_metrics, &x->metrics);
    if (err)
        exporter_free(x);
    else
        *ret_x = x;
    return err;
}

void exporter_free(struct exporter *x)
{
    struct span *s;
    if (!x)
        return;
    curl_transfer_cancel(&x->transfer);
    if (x->easy)
        curl_easy_cleanup(x->easy);
    curl_loop_free(x->loop);
    loop_timer_fini(&x->timer);
    while ((s = STAILQ_FIRST(&x->waiting))) {
        STAILQ_REMOVE_HEAD(&x->waiting, next);
        span_free(s);
    }
    curl_slist_free_all(x->headers);
    free(x->body);
    free(x->url);
    free(x);
}

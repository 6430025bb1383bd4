/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP by libcurl with retries: each try goes to an instance that was not tried yet. Usage: curl_client SERVICE PATH */
#include <curl/curl.h>
#include <discover/discover.h>
#include <stdio.h>
#include <stdlib.h>

#define TRIES   3
#define WAIT_MS 2000

static enum discover_outcome outcome_of(CURLcode code, long status)
{
    if (code == CURLE_COULDNT_CONNECT)
        return DISCOVER_UNREACHABLE;
    return code == CURLE_OK && status < 500 ? DISCOVER_OK : DISCOVER_FAILED;
}

static enum discover_outcome get(CURL *curl, struct discover_picker *p, struct discover_endpoint *e, const char *path)
{
    char address[DISCOVER_ADDRESS_MAX], url[512];
    long status = 0;
    curl_off_t spent_us = 0;
    if (discover_endpoint_text(e, address, sizeof address) < 0) /* no address yet */
        return discover_report(p, e->id, 0, DISCOVER_CANCELLED), DISCOVER_CANCELLED;
    snprintf(url, sizeof url, "http://%s%s", address, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        fprintf(stderr, "%s: %s\n", url, curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &spent_us);
    enum discover_outcome outcome = outcome_of(code, status);
    discover_report(p, e->id, (uint32_t)spent_us, outcome);
    return outcome;
}

int main(int argc, char **argv)
{
    struct discover *d;
    struct discover_picker *p;
    struct discover_endpoint e;
    uint64_t tried[TRIES];
    enum discover_outcome outcome = DISCOVER_FAILED;
    if (argc < 3 || discover_new(&d) < 0 || discover_start(d) < 0 || discover_picker_new(d, argv[1], &p) < 0)
        return EXIT_FAILURE;
    (void)!discover_wait_usable(d, argv[1], WAIT_MS);
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 1000L);
    for (size_t n = 0; n < TRIES && outcome != DISCOVER_OK; n++) {
        if ((n ? discover_pick_retry(p, tried, n, &e) : discover_pick(p, &e)) < 0)
            break; /* nobody is left, or what is called has enough to do */
        tried[n] = e.id;
        outcome = get(curl, p, &e, argv[2]);
    }
    curl_easy_cleanup(curl);
    discover_picker_free(p);
    discover_free(d);
    return outcome == DISCOVER_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

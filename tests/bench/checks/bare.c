/* SPDX-License-Identifier: Apache-2.0 */
/* What checks cost without any. */
#include "tests/bench/checks/bare.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sleep_until(int64_t at_ns)
{
    int64_t left_ns = at_ns - clock_now_ns();
    if (left_ns > 0)
        nanosleep(&(struct timespec){.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S}, NULL);
}

double bare_connects(const uint16_t *ports, size_t n_ports, size_t n, int64_t duration_ns)
{
    int64_t began_ns = clock_now_ns();
    double began = cpu_seconds();
    for (size_t i = 0; i < n; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(ports[i % n_ports])};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof address) < 0)
            perror("connect");
        close(sock);
        if (i % 4 == 3) /* as many at a time as the schedule's slack makes of them */
            sleep_until(began_ns + (int64_t)((double)i / (double)n * (double)duration_ns));
    }
    return cpu_seconds() - began;
}

static size_t ignore(char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes, (void)arg;
    return size * n;
}

static void add_get(CURLM *multi, uint16_t port)
{
    char url[64];
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_multi_add_handle(multi, easy);
}

static size_t take_done(CURLM *multi)
{
    CURLMsg *message;
    int left;
    size_t n = 0;
    while ((message = curl_multi_info_read(multi, &left))) {
        CURL *easy = message->easy_handle;
        if (message->data.result != CURLE_OK)
            fprintf(stderr, "%s\n", curl_easy_strerror(message->data.result));
        curl_multi_remove_handle(multi, easy);
        curl_easy_cleanup(easy);
        n++;
    }
    return n;
}

double bare_gets(uint16_t port, size_t n, int64_t duration_ns)
{
    CURLM *multi = curl_multi_init();
    int64_t began_ns = clock_now_ns();
    double began = cpu_seconds();
    size_t added = 0, done = 0;
    int running;
    while (done < n) {
        int64_t now_ns = clock_now_ns();
        while (added < n && (double)added / (double)n * (double)duration_ns <= (double)(now_ns - began_ns)) {
            add_get(multi, port);
            added++;
        }
        curl_multi_perform(multi, &running);
        done += take_done(multi);
        int64_t next_ns = began_ns + (int64_t)((double)added / (double)n * (double)duration_ns);
        int wait_ms = (int)((next_ns - clock_now_ns()) / NS_PER_MS) + 1;
        curl_multi_poll(multi, NULL, 0, added == n ? 100 : wait_ms > 0 ? wait_ms : 1, NULL);
    }
    double took = cpu_seconds() - began;
    curl_multi_cleanup(multi);
    return took;
}

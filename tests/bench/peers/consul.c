/* SPDX-License-Identifier: Apache-2.0 */
/* Consul, one server and two agents. */
#include "tests/bench/peers/consul.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/fleet/bare.h"
#include "tests/bench/http/http_client.h"
#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/port.h"
#include "tests/support/wait.h"

#define READY_MS 60000

static const char common[] =
    "\"data_dir\": \"%s\", \"node_name\": \"%s\", \"bind_addr\": \"127.0.0.1\", \"client_addr\": \"127.0.0.1\","
    "\"disable_host_node_id\": true, \"disable_update_check\": true, \"log_level\": \"warn\","
    "\"leave_on_terminate\": false, \"performance\": {\"raft_multiplier\": 1}, \"dns_config\": {\"use_cache\": true},"
    "\"retry_join\": [\"127.0.0.1:%d\"], \"retry_interval\": \"1s\", \"ports\": {\"http\": %d, \"dns\": %d, "
    "\"serf_lan\": %d,"
    "\"serf_wan\": -1, \"grpc\": -1, \"server\": %d}";

static void start(struct consul *c, struct consul_agent *agent, const char *name, const char *more)
{
    char folder[512], config[600];

    snprintf(folder, sizeof folder, "%s/consul-%s", e2e_folder(), name);
    snprintf(config, sizeof config, "%s.json", folder);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    agent->http_port = port_take();
    agent->dns_port = port_take();
    agent->serf_port = port_take();
    FILE *out = fopen(config, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "{");
    fprintf(out, common, folder, name, c->server.serf_port, agent->http_port, agent->dns_port, agent->serf_port,
            port_take());
    fprintf(out, "%s}\n", more);
    ck_assert_int_eq(fclose(out), 0);
    proc_start(&agent->proc, name, (const char *const[]){c->program, "agent", "-config-file", config, NULL}, NULL);
}

static bool answered(int dns_port)
{
    static struct dnsq_reply reply;
    return dnsq_udp(dns_port, "s0.service.consul", DNSQ_SRV, &reply) == 0 && reply.n_answers > 0;
}

void consul_start(struct consul *c, const char *program, const char *services)
{
    static char more[256 * 1024];

    c->program = program;
    start(c, &c->server, "consul-server", ", \"server\": true, \"bootstrap_expect\": 1");
    snprintf(more, sizeof more, ", \"services\": [%s]", services);
    start(c, &c->a, "agent-a", more);
    start(c, &c->b, "agent-b", "");
    (void)wait_until(READY_MS, answered(c->b.dns_port), "no answer of Consul");
}

static void put(int port, const char *path, const char *body)
{
    static char request[4096], answer[4096];
    int sock = http_dial(port),
        n = snprintf(request, sizeof request, "PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
                     path, strlen(body), body);

    ck_assert_int_eq(send(sock, request, (size_t)n, MSG_NOSIGNAL), n);
    (void)http_take(sock, answer, sizeof answer);
    ck_assert_msg(strncmp(answer, "HTTP/1.1 200", 12) == 0, "%s", answer);
    close(sock);
}

void consul_register(struct consul *c, const char *id, const char *service, int port)
{
    char body[512], check[256] = "";

    if (port)
        snprintf(check, sizeof check,
                 ",\"Check\":{\"TCP\":\"127.0.0.1:%d\",\"Interval\":\"1s\",\"Timeout\":\"1s\",\"Status\":\"passing\"}",
                 port);
    snprintf(body, sizeof body, "{\"ID\":\"%s\",\"Name\":\"%s\",\"Address\":\"10.9.9.9\",\"Port\":%d%s}", id, service,
             port ? port : 8080, check);
    put(c->a.http_port, "/v1/agent/service/register", body);
}

void consul_deregister(struct consul *c, const char *id)
{
    char path[256];

    snprintf(path, sizeof path, "/v1/agent/service/deregister/%s", id);
    put(c->a.http_port, path, "");
}

int64_t consul_cpu_ns(const struct consul *c)
{
    return process_cpu_ns(c->server.proc.pid) + process_cpu_ns(c->a.proc.pid) + process_cpu_ns(c->b.proc.pid);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `discoverd --dev`: a daemon to try things with. Starts a private nats-server as a child, keeps everything in one
 * temporary folder, and takes it all away again at the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/daemon.h"

/* A port nobody has now. Another program may take it before nats-server does; then nats-server says so. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int port = bind(fd, (struct sockaddr *)&address, n) == 0 && getsockname(fd, (struct sockaddr *)&address, &n) == 0
                   ? ntohs(address.sin_port)
                   : -errno;
    close(fd);
    return port;
}

static pid_t start_nats(const char *folder, int port)
{
    char store[4096], text[16];
    snprintf(store, sizeof store, "%s/nats", folder);
    snprintf(text, sizeof text, "%d", port);
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* whatever becomes of us, the server goes with us */
    if (getppid() != parent)
        _exit(1);
    /* Not in our process group: Ctrl-C is for us, who still have to say good-bye through it. */
    setpgid(0, 0);
    char log_path[4200];
    snprintf(log_path, sizeof log_path, "%s/nats.log", folder);
    execlp("nats-server", "nats-server", "-a", "127.0.0.1", "-p", text, "-js", "-sd", store, "-l", log_path,
           (char *)NULL);
    fprintf(stderr, "discoverd: nats-server cannot be started: %s (apt install nats-server)\n", strerror(errno));
    _exit(127);
}

__attribute__((format(printf, 3, 4))) static int set(struct config *c, const char *key, const char *format, ...)
{
    char text[4200];
    char why[CONFIG_WHY_CAP] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int err = config_set(c, key, text, why);
    if (err)
        fprintf(stderr, "discoverd: %s: %s\n", key, why);
    return err;
}

static int dev_config(const char *folder, int port, struct config **ret_config)
{
    int err = config_defaults(ret_config);
    if (err)
        return err;
    struct config *c = *ret_config;
    err = set(c, "nats.servers", "nats://127.0.0.1:%d", port);
    err = err ? err : set(c, "state_dir", "%s/state", folder);
    err = err ? err : set(c, "allow_loopback", "true");
    err = err ? err : set(c, "api.socket", "%s/discoverd.sock", folder);
    if (err)
        config_free(c);
    return err;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void print_addresses(const char *folder, const struct config *c, int port)
{
    printf("A daemon to try things with; everything is in %s and goes away with it.\n"
           "  nats    nats://127.0.0.1:%d\n"
           "  dns     dig @127.0.0.1 -p %s SRV web.demo.%s\n"
           "  socket  export DISCOVERD_SOCKET=%s\n"
           "          discoverctl register demo/web --port 8080 &\n"
           "          discoverctl resolve demo/web\n"
           "Ctrl-C ends it.\n",
           folder, port, strrchr(c->dns.listen.items[0], ':') + 1, c->dns.zones.items[0], c->api.socket);
    fflush(stdout);
}

int dev_run(void)
{
    char folder[] = "/tmp/discoverd-XXXXXX";
    int port = free_port();
    struct config *config;
    if (port < 0 || !mkdtemp(folder)) {
        fprintf(stderr, "discoverd: no port or no temporary folder to be had: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    int status = EXIT_FAILURE;
    pid_t nats = start_nats(folder, port);
    if (nats > 0 && dev_config(folder, port, &config) == 0) {
        print_addresses(folder, config, port);
        status = daemon_run(config, NULL);
    }
    if (nats > 0) {
        kill(nats, SIGTERM);
        waitpid(nats, NULL, 0);
    }
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}

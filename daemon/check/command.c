/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the command of a check. */
#include "daemon/check/command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/check/reaper.h"

#define ENV_MAX 9

int command_init(struct command *c, const struct check_spec *spec, const struct check_subject *subject)
{
    const struct instance_key *key = &subject->key;
    char text[ENV_MAX][512];
    size_t n = 0;
    *c =
        (struct command){.argv = calloc(spec->args.n + 2, sizeof *c->argv), .env = calloc(ENV_MAX + 2, sizeof *c->env)};
    if (!c->argv || !c->env) {
        command_fini(c);
        return -ENOMEM;
    }
    c->argv[0] = spec->exec;
    for (size_t i = 0; i < spec->args.n; i++)
        c->argv[i + 1] = spec->args.items[i];
    snprintf(text[n++], sizeof *text, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    snprintf(text[n++], sizeof *text, "LANG=C.UTF-8");
    snprintf(text[n++], sizeof *text, "DISCOVER_SERVICE=%s/%s", key->domain, key->service);
    snprintf(text[n++], sizeof *text, "DISCOVER_INSTANCE=%s", key->instance);
    snprintf(text[n++], sizeof *text, "DISCOVER_HOST=%s", key->host);
    snprintf(text[n++], sizeof *text, "DISCOVER_PORT=%u", subject->port);
    snprintf(text[n++], sizeof *text, "DISCOVER_CHECK=%s", check_spec_name(spec));
    for (size_t i = 0; i < n; i++) {
        if ((c->env[i] = strdup(text[i])))
            continue;
        command_fini(c);
        return -ENOMEM;
    }
    c->env[n] = c->token;
    return 0;
}

void command_fini(struct command *c)
{
    for (size_t i = 0; c->env && c->env[i] && c->env[i] != c->token; i++)
        free(c->env[i]);
    free(c->argv);
    free(c->env);
    *c = (struct command){.argv = NULL};
}

/* Default signals in the command: the daemon's own are blocked or ignored, which it would inherit. */
static int set_attributes(posix_spawnattr_t *a)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int err = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (!err)
        err = posix_spawnattr_setsigdefault(a, &all);
    if (!err)
        err = posix_spawnattr_setsigmask(a, &none);
    return err;
}

static int set_files(posix_spawn_file_actions_t *f, int output)
{
    int err = posix_spawn_file_actions_addopen(f, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!err)
        err = posix_spawn_file_actions_adddup2(f, output, STDOUT_FILENO);
    if (!err)
        err = posix_spawn_file_actions_adddup2(f, output, STDERR_FILENO);
    if (!err)
        err = posix_spawn_file_actions_addclosefrom_np(f, STDERR_FILENO + 1);
    if (!err)
        err = posix_spawn_file_actions_addchdir_np(f, "/");
    return err;
}

static int spawn(struct command *c, int output, pid_t *ret_pid)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    int err = posix_spawnattr_init(&attributes);
    if (err)
        return err;
    err = posix_spawn_file_actions_init(&files);
    if (!err) {
        err = set_attributes(&attributes);
        if (!err)
            err = set_files(&files, output);
        if (!err)
            err = posix_spawn(ret_pid, c->argv[0], &files, &attributes, c->argv, c->env);
        (void)posix_spawn_file_actions_destroy(&files);
    }
    (void)posix_spawnattr_destroy(&attributes);
    return err;
}

int command_start(struct command *c, uint64_t token, pid_t *ret_pid, int *ret_output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) { /* only our end of the pipe is non-blocking */
        close(ends[0]);
        close(ends[1]);
        return -errno;
    }
    snprintf(c->token, sizeof c->token, REAPER_TOKEN_NAME "=%" PRIx64, token);
    int err = spawn(c, ends[1], ret_pid);
    close(ends[1]);
    if (err) {
        close(ends[0]);
        return -err;
    }
    *ret_output = ends[0];
    return 0;
}

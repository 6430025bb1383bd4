/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes of a test. */
#include "tests/support/proc.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define RUN_TIMEOUT_MS 60000 /* for what hangs; a busy machine takes its time */

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define ENV_MAX 256

/* Our environment with more on top; the first of two equal names counts. */
static void environment(const char *const more[], const char *ret_env[static ENV_MAX])
{
    size_t n = 0;

    for (size_t i = 0; more && more[i]; i++)
        ret_env[n++] = more[i];
    for (size_t i = 0; environ[i] && n + 1 < ENV_MAX; i++)
        ret_env[n++] = environ[i];
    ret_env[n] = NULL;
}

/* In the child, between fork and exec: the parent may have threads, so nothing here takes a lock. */
static _Noreturn void become(const char *const argv[], const char *const env[], pid_t parent, int out, int err)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGALRM, SIGPIPE};
    sigset_t none;

    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        signal(caught[i], SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(125); /* it died before the line above took hold */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execvpe(argv[0], (char *const *)argv, (char *const *)env);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerrordesc_np(errno));
    _exit(127);
}

static void start(struct proc *p, const char *name, const char *const argv[], const char *const env[], int out, int err)
{
    const char *all[ENV_MAX];
    pid_t parent = getpid();
    sigset_t every, before;

    environment(env, all);
    /* Until exec the child has the handlers of Check, which pass a signal on to the whole test. */
    sigfillset(&every);
    sigprocmask(SIG_SETMASK, &every, &before);
    pid_t pid = fork();

    if (pid == 0) /* first of all: Check's assertions take a lock, which another thread may have had */
        become(argv, all, parent, out, err);
    ck_assert_msg(pid > 0, "fork: %s", strerror(errno));
    sigprocmask(SIG_SETMASK, &before, NULL);
    p->pid = pid;
    snprintf(p->name, sizeof p->name, "%s", name);
}

void proc_start(struct proc *p, const char *name, const char *const argv[], const char *const env[])
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s.log", e2e_folder(), name);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_msg(log >= 0, "%s: %s", path, strerror(errno));
    start(p, name, argv, env, log, log);
    close(log);
}

void proc_signal(const struct proc *p, int signal)
{
    ck_assert_msg(p->pid > 0, "%s does not run", p->name);
    ck_assert_msg(kill(p->pid, signal) == 0, "%s: kill: %s", p->name, strerror(errno));
    /* The threads stop one after the other; until the last has, the process may still answer. */
    siginfo_t info;
    if (signal == SIGSTOP)
        ck_assert_msg(waitid(P_PID, (id_t)p->pid, &info, WSTOPPED | WEXITED | WNOWAIT) == 0, "%s: %s", p->name,
                      strerror(errno));
}

/* It is not reaped yet. */
static bool has_ended(const struct proc *p)
{
    siginfo_t info = {0};

    ck_assert_msg(waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0, "%s: %s", p->name,
                  strerror(errno));
    return info.si_pid == p->pid;
}

#define EACH_THREAD                                                                                                    \
    "for p in %d $(cat /proc/%d/task/*/children); do for t in /proc/$p/task/*; do "                                    \
    "echo $(cat $t/comm) $(sed 's/.*) //; s/ .*//' $t/stat) in $(cat $t/wchan) $(cat $t/syscall); done; done 2>&1"

/*
 * What one that should have ended is doing: of each thread, and of those of its children (LeakSanitizer has one), the name, the
 * state, and where in the kernel it waits.
 */
static const char *threads_of(const struct proc *p)
{
    static char text[2048];
    char command[512];
    size_t n = (size_t)snprintf(text, sizeof text, "%s: ", p->name);

    snprintf(command, sizeof command, EACH_THREAD, (int)p->pid, (int)p->pid);
    FILE *out = popen(command, "r");
    if (out) {
        text[n + fread(text + n, 1, sizeof text - n - 1, out)] = '\0';
        (void)pclose(out);
    }
    return text;
}

int proc_wait(struct proc *p, int timeout_ms)
{
    int status;

    ck_assert_msg(p->pid > 0, "%s does not run", p->name);
    (void)wait_until(timeout_ms, has_ended(p), threads_of(p));
    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    p->pid = 0;
    return code_of(status);
}

bool proc_running(struct proc *p)
{
    if (p->pid > 0 && waitpid(p->pid, NULL, WNOHANG) == p->pid)
        p->pid = 0;
    return p->pid > 0;
}

void proc_kill(struct proc *p)
{
    if (!proc_running(p))
        return;
    proc_signal(p, SIGKILL);
    (void)proc_wait(p, 5000);
}

/* SIGCONT comes first: behind SIGTERM it would undo the stop by which LeakSanitizer looks at a program that is ending. */
int proc_stop(struct proc *p, int timeout_ms)
{
    proc_signal(p, SIGCONT);
    proc_signal(p, SIGTERM);
    return proc_wait(p, timeout_ms);
}

static void read_back(int fd, char *ret_text, size_t cap)
{
    ssize_t n = pread(fd, ret_text, cap - 1, 0);

    ret_text[n > 0 ? n : 0] = 0;
    close(fd);
}

int run(struct output *ret_output, const char *const argv[])
{
    struct proc p = {0};
    int out = memfd_create("stdout", MFD_CLOEXEC), err = memfd_create("stderr", MFD_CLOEXEC);

    ck_assert(out >= 0 && err >= 0);
    start(&p, argv[0], argv, NULL, out, err);
    ret_output->code = proc_wait(&p, RUN_TIMEOUT_MS);
    read_back(out, ret_output->out, sizeof ret_output->out);
    read_back(err, ret_output->err, sizeof ret_output->err);
    return ret_output->code;
}

int shell(struct output *ret_output, const char *format, ...)
{
    char line[4096];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ck_assert_msg(n >= 0 && (size_t)n < sizeof line, "command line too long");
    return run(ret_output, (const char *const[]){"sh", "-c", line, NULL});
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes of a test: start, signal, wait, run to the end. Output goes to <scratch folder>/<name>.log,
 * which is printed when the test fails. Every child gets SIGKILL when the test's process dies, so nothing is left
 * behind. Times out and fails by failing the test. Thread: the test's main thread only.
 */
#ifndef SUPPORT_PROC_H
#define SUPPORT_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct proc {
    pid_t pid; /* 0: never started, or already reaped */
    char name[64];
};

/* Starts argv (looked up in PATH). env: more "KEY=value" strings, NULL at the end; or NULL. */
void proc_start(struct proc *p, const char *name, const char *const argv[], const char *const env[]);

/* After SIGSTOP it has stopped when this returns. */
void proc_signal(const struct proc *p, int signal);

/* Waits for its end: the exit code, or 128 + the signal. */
int proc_wait(struct proc *p, int timeout_ms);

/* Whether it still runs; reaps it if not. */
bool proc_running(struct proc *p);

/* SIGKILL, and waits until it is gone. Nothing to do for one that does not run. */
void proc_kill(struct proc *p);

/* SIGTERM, and waits: the exit code, or 128 + the signal. */
int proc_stop(struct proc *p, int timeout_ms);

struct output {
    int code; /* exit code, or 128 + the signal */
    char out[64 * 1024];
    char err[16 * 1024];
};

/* Runs a command to its end (at most 20 s) and returns its exit code. */
int run(struct output *ret_output, const char *const argv[]);

/* The same for a shell command line, made as by printf. */
int shell(struct output *ret_output, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

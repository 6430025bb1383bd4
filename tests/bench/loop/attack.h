/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What local users can do to a daemon, as fast as it can be done: in a process of its own, and those without rights as
 * another user where we may become one, for so long. They do not care for answers, and open again what is closed.
 */
#ifndef BENCH_ATTACK_H
#define BENCH_ATTACK_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/support/host.h"

/* 120 connections ask for everything over HTTP, and leave after the first bytes. */
void attack_http(const struct host *h);

/* 100 connections to the socket send frames of 64 KiB of empty fields. */
void attack_frames(const struct host *h);

/* 60 connections watch 60 services each. */
void attack_watches(const struct host *h);

/* 180 connections to the socket ask for the status, a hundred times at once, again and again. */
void attack_status(const struct host *h);

/* Connections come and go. */
void attack_connects(const struct host *h);

/* Somebody who may registers 100 instances and takes them away again, all the time, over one connection. */
void attack_registrations(const struct host *h);

/* Runs one until attack_end; allowed: as a user who may register. */
pid_t attack_begin(void (*attack)(const struct host *h), const struct host *h, bool allowed);
void attack_end(pid_t pid);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenMetrics of the last tick over HTTP on a loopback address (libmicrohttpd,
 * in its own epoll, driven by the daemon's loop).
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "policy/decide.h"

/* The text of an answer; pure. Names and labels: kvm-aetd(8). */
void metrics_format(FILE *out, const struct tick *tick);

struct metrics;

/* @address: must be a loopback one, else -EINVAL. */
int metrics_new(const char *address, uint16_t port,
		struct metrics **ret_metrics);
void metrics_free(struct metrics *metrics);

/* A descriptor to poll for reading, and what to do then. */
int metrics_fd(const struct metrics *metrics);
void metrics_run(struct metrics *metrics);
/* When to call metrics_run() at the latest, ms; -1: no need. */
int metrics_timeout_ms(const struct metrics *metrics);

/* Formats and keeps the answer until the next tick. -ENOMEM. */
int metrics_set(struct metrics *metrics, const struct tick *tick);

#endif /* DAEMON_METRICS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenMetrics of the last tick over HTTP on a loopback address (libmicrohttpd,
 * in its own epoll, driven by the daemon's loop).
 *
 *	err = metrics_new("127.0.0.1", 9177, &metrics);
 *	poll metrics_fd() for reading, at most metrics_timeout_ms(); then
 *	metrics_run(metrics);
 *	err = metrics_set(metrics, tick);	// after every tick
 *	metrics_free(metrics);
 *
 * GET and HEAD of /metrics, nothing else. There is no access control: every
 * user of the host can read what is said. All in one thread.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "policy/decide.h"

/*
 * The text of an answer; pure. Names and labels: kvm-aetd(8). -ENOMEM; errors
 * of writing are the stream's.
 */
int metrics_format(FILE *out, const struct tick *tick);

struct metrics;

/*
 * @address: of IPv4 or IPv6, and a loopback one, else -EINVAL. @port: 0: any
 * that is free. -EADDRINUSE and other errors of binding.
 */
int metrics_new(const char *address, uint16_t port,
		struct metrics **ret_metrics);
void metrics_free(struct metrics *metrics);

uint16_t metrics_port(const struct metrics *metrics);

/* A descriptor to poll for reading, and what to do then. */
int metrics_fd(const struct metrics *metrics);
void metrics_run(struct metrics *metrics);
/* When to call metrics_run() at the latest, ms; -1: no need. */
int metrics_timeout_ms(const struct metrics *metrics);

/* Formats and keeps the answer until the next tick. -ENOMEM: the old one. */
int metrics_set(struct metrics *metrics, const struct tick *tick);

#endif /* DAEMON_METRICS_H */

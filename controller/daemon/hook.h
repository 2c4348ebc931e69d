/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program that an administrator has called on thrashing. It runs beside the
 * daemon, which neither waits for it nor believes it anything, and with all that
 * the daemon may do. Environment:
 *
 *	KVMAET_EVENT=thrashing
 *	KVMAET_WSS_BYTES, KVMAET_BUDGET_BYTES	the sum and what it has to fit in
 *	KVMAET_CANDIDATE_NAME, KVMAET_CANDIDATE_UUID	the VM whose leaving would
 *				help most; unset if there is none
 *	PATH
 */
#ifndef DAEMON_HOOK_H
#define DAEMON_HOOK_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "policy/decide.h"

struct hook;

/* SIGCHLD must be blocked. -ENOMEM. */
int hook_new(sd_event *event, struct hook **ret_hook);

/* A program that still runs is killed, with all it started. NULL is fine. */
void hook_free(struct hook *hook);

/*
 * Starts @path, which is killed after @timeout_ns with all that it started. What
 * becomes of it is logged. -EBUSY: the last one still runs; -errno of starting it.
 */
int hook_run(struct hook *hook, const char *path, uint64_t timeout_ns,
	     const struct tick *tick);

#endif /* DAEMON_HOOK_H */

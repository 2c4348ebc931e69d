/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's memory and pressure, from /proc. */
#ifndef DAEMON_HOST_H
#define DAEMON_HOST_H

#include "policy/view.h"

/**
 * struct host_reading - what /proc says at one moment
 * @view: without @budget_bytes, and without rates if this is the first reading
 * @time_ns: CLOCK_MONOTONIC
 * @swap_in_pages: counter of /proc/vmstat, pswpin
 */
struct host_reading {
	struct host_view view;
	uint64_t time_ns;
	uint64_t swap_in_pages;
};

/*
 * @proc: path of a proc file system. @before: the reading before, or NULL.
 * Without PSI has_pressure is false. -EBADMSG: a file is not as expected; -errno
 * of reading it. @ret_reading may be @before.
 */
int host_read(const char *proc, const struct host_reading *before,
	      struct host_reading *ret_reading);

/**
 * host_budget_bytes() - what all VMs may have together
 * @host: as read
 * @configured_bytes: a fixed budget, or 0: what the VMs have now, and what the
 *	host has available beyond its reserve
 * @reserve_bytes: for the host itself
 * @vms_bytes: what all VMs have now
 */
uint64_t host_budget_bytes(const struct host_view *host,
			   uint64_t configured_bytes, uint64_t reserve_bytes,
			   uint64_t vms_bytes);

#endif /* DAEMON_HOST_H */

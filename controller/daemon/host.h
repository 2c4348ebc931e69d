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
 * The files by themselves; pure. False if the text is not as expected, and then
 * nothing is set. host_parse_pressure() sets @has_pressure, too.
 */
bool host_parse_meminfo(const char *text, struct host_view *view);
bool host_parse_pressure(const char *text, struct host_view *view);
bool host_parse_vmstat(const char *text, uint64_t *ret_swap_in_pages);

/*
 * @proc: path of a proc file system. @before: the reading before, or NULL.
 * Without PSI (not built in, or "psi=0" on the kernel's command line) has_pressure
 * is false. @ret_reading may be @before.
 *
 * Returns 0; -EBADMSG: a file is not as expected; -errno of reading it.
 */
int host_read(const char *proc, const struct host_reading *before,
	      struct host_reading *ret_reading);

/**
 * host_budget_bytes() - what all VMs may have together
 * @host: as read
 * @configured_bytes: a fixed budget, or 0: what the VMs have now, and what the
 *	host has available beyond its reserve; less, if it has less than that
 * @reserve_bytes: for the host itself
 * @vms_bytes: what all VMs have now
 *
 * What VMs have and never touched counts twice, as theirs and as available. So the
 * sum is limited to what the host has less its reserve.
 *
 * Returns a multiple of VIEW_PAGE_BYTES.
 */
uint64_t host_budget_bytes(const struct host_view *host,
			   uint64_t configured_bytes, uint64_t reserve_bytes,
			   uint64_t vms_bytes);

#endif /* DAEMON_HOST_H */

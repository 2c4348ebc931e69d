/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracking of one VM: session of the module, windows, smoothed curve, sampling
 * rate. One per running domain, all in the loop's thread; nothing here waits for
 * a guest.
 *
 *	err = tracker_new(&params, uuid, &tracker);
 *	tracker_period(tracker, now_ns);	// once per period
 *	tracker_view(tracker, now_ns, &view);	// fills the measured fields
 *	tracker_free(tracker);			// disarms
 *
 * The module going away, the VM's process ending, another tracker holding the
 * VM: each is a state with a reason, and tried again.
 */
#ifndef DAEMON_TRACKER_H
#define DAEMON_TRACKER_H

#include <sys/types.h>

#include "daemon/rate.h"
#include "policy/view.h"

/**
 * struct tracker_params - from the configuration
 * @rate: of the sampling-rate control
 * @hot_pages: capacity of the hot set
 * @period_ns: of windows
 * @miss_ratio: tolerated, for the working set
 * @huge_mode: enum kvm_aet_huge_mode
 * @rotate_passes: as in struct kvm_aet_attach
 * @half_life_windows: how fast old windows fade from the smoothed curve
 */
struct tracker_params {
	struct rate_params rate;
	uint32_t hot_pages;
	uint64_t period_ns;
	double miss_ratio;
	uint32_t huge_mode;
	uint32_t rotate_passes;
	double half_life_windows;
};

enum tracker_state {
	TRACKER_WAITING, /* not tracked yet, or again; the reason says why */
	TRACKER_TRACKING,
	TRACKER_PAUSED, /* stable: not tracked until something changes */
	TRACKER_REFUSED, /* the VM cannot be tracked; not tried again */
};

struct tracker;

/*
 * @proc: path of the proc file system in which the VM's process is looked for
 * by @uuid ("-uuid" of QEMU's command line).
 */
int tracker_new(const struct tracker_params *params, const char *proc,
		const char *uuid, struct tracker **ret_tracker);
void tracker_free(struct tracker *tracker);

/* New settings from a reloaded configuration, in force from the next period. */
int tracker_set_params(struct tracker *tracker,
		       const struct tracker_params *params);

/*
 * Once per period: (re)attach if due, take a window, update the curve, choose
 * the rate. -ENOMEM; everything else is a state. @ret_message: NULL or one line
 * for the log, to be freed, if the state changed.
 */
int tracker_period(struct tracker *tracker, uint64_t now_ns,
		   char **ret_message);

/* The VM changed, says somebody else: a paused tracker wakes. */
void tracker_disturb(struct tracker *tracker);

enum tracker_state tracker_state(const struct tracker *tracker,
				 const char **ret_reason);

/* The VM's process, 0 if unknown. */
pid_t tracker_pid(const struct tracker *tracker);

/* Fills the measured fields of @view; they are valid until the next call. */
void tracker_view(const struct tracker *tracker, uint64_t now_ns,
		  struct vm_view *view);

#endif /* DAEMON_TRACKER_H */

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
 * VM: each is a state with a reason, and tried again, at longer and longer
 * intervals.
 *
 * Of the VM's process nothing is kept but a pidfd: a copy of the VM's descriptor
 * would keep the VM alive. The module's device is open only while a session
 * begins, and a session holds the module: it can be unloaded while no VM is
 * tracked. If the daemon dies, its sessions end, which disarms all pages.
 *
 * What the last generation of the module counted is not mixed with what the next
 * counts: curves are in pages of the VM, and a window begins with its generation.
 * In the smoothed curve a window counts by its accesses, see smooth.h.
 *
 * When two windows in a row say that the working set is another one, those before
 * are forgotten: a guest that shrinks is seen to after two periods, and one that
 * grows after one, however slowly windows fade. Two that come in turn stay both.
 *
 * A window in which the sample in use fits in the hot set says nothing, and is left
 * out (is_starved of the view); except at the lowest inverse rate allowed, or of an
 * idle VM: then no more is in use than what the hot set holds, which is a curve, a
 * working set, and few accesses: such a VM can give memory up.
 */
#ifndef DAEMON_TRACKER_H
#define DAEMON_TRACKER_H

#include <sys/types.h>

#include "daemon/rate.h"
#include "policy/view.h"

/* One page in so many at the start, within the limits; the thesis's. */
#define TRACKER_START_INVERSE_RATE 128

/* Between two attempts to track a VM: at first a period, then up to that. */
#define TRACKER_MAX_BACKOFF_NS UINT64_C(60000000000)

/* Passes of the module in a period, as with the command kvm-aet. */
#define TRACKER_PASSES_PER_PERIOD 4

/*
 * vCPUs that ran for a smaller share of one CPU are taken to be idle, and the rate
 * stays: what their tracking costs is next to nothing, but a large share of next
 * to nothing.
 */
#define TRACKER_IDLE_SHARE 0.01

/**
 * struct tracker_params - from the configuration
 * @rate: of the sampling-rate control. Overhead is what the module counts of its own
 *	cycles, over the CPU time of the vCPU threads. The guest's exit and entry
 *	for each trap are not in it. Under RATE_FIXED the rate is
 *	TRACKER_START_INVERSE_RATE, or the nearest within the limits, which may be
 *	one and the same.
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
	TRACKER_PAUSED, /* for a while, being stable or too expensive */
	TRACKER_REFUSED, /* the VM cannot be tracked; not tried again */
};

struct tracker;

/*
 * @proc: path of the proc file system in which the VM's process is looked for
 * by @uuid ("-uuid" of QEMU's command line), in lower case. -ENOMEM.
 */
int tracker_new(const struct tracker_params *params, const char *proc,
		const char *uuid, struct tracker **ret_tracker);
void tracker_free(struct tracker *tracker);

/*
 * New settings from a reloaded configuration, in force after the next period; what
 * can only be chosen at the beginning of a session begins a new one. Returns 0.
 */
int tracker_set_params(struct tracker *tracker,
		       const struct tracker_params *params);

/*
 * Once per period: (re)attach if due, take a window, update the curve, choose
 * the rate. @now_ns: CLOCK_MONOTONIC. -ENOMEM: the window is lost, the state stays;
 * everything else is a state. @ret_message: NULL or one line for the log, to be
 * freed, if something changed that people want to know; not that a paused VM is
 * looked at from time to time.
 */
int tracker_period(struct tracker *tracker, uint64_t now_ns,
		   char **ret_message);

/* The VM changed, says somebody else: one paused as stable wakes at the next period. */
void tracker_disturb(struct tracker *tracker);

/* @ret_reason, if not NULL: one line, valid until the next call. */
enum tracker_state tracker_state(const struct tracker *tracker,
				 const char **ret_reason);

/* The VM's process, 0 if unknown. */
pid_t tracker_pid(const struct tracker *tracker);

/* Fills the measured fields of @view; they are valid until the next call. */
void tracker_view(const struct tracker *tracker, uint64_t now_ns,
		  struct vm_view *view);

#endif /* DAEMON_TRACKER_H */

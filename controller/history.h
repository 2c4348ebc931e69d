/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording boiled down to what pictures show. However long it is, memory is
 * bounded: of too many ticks every second one is dropped, again and again.
 */
#ifndef CONTROLLER_HISTORY_H
#define CONTROLLER_HISTORY_H

#include "policy/decide.h"

/* More than columns in a picture would show. */
#define HISTORY_MAX_TICKS 256
#define HISTORY_MAX_CURVES 16

/**
 * struct history_vm - a VM over time
 * @uuid: of the VM
 * @name: when seen last
 * @nr_ticks: of the recording in which it was, all of them
 * @wss_pages: at each time of the history; NaN: unknown
 * @actual_pages: likewise; NaN: it was not there
 * @age_bytes: likewise; 0 where it was not there
 * @curves: @nr_curves, spread over the time that there were some
 * @curve_times_s: of each
 * @nr_curves: number
 * @curve_stride: one in so many was kept
 * @nr_curves_seen: all of them
 * @misses: sum over @nr_misses ticks of the misses per second
 * @nr_misses: ticks of which they are known
 */
struct history_vm {
	char uuid[VIEW_UUID_BYTES];
	char *name;
	uint64_t nr_ticks;
	double wss_pages[HISTORY_MAX_TICKS];
	double actual_pages[HISTORY_MAX_TICKS];
	double age_bytes[HISTORY_MAX_TICKS * VIEW_NR_AGES];
	struct mrc_curve *curves[HISTORY_MAX_CURVES];
	double curve_times_s[HISTORY_MAX_CURVES];
	size_t nr_curves;
	uint64_t curve_stride;
	uint64_t nr_curves_seen;
	double misses;
	uint64_t nr_misses;
};

/**
 * struct history - all VMs over time; all-zero at the start
 * @times_s: @nr_times times of the clock, increasing
 * @nr_times: number
 * @stride: one tick in so many was kept
 * @nr_ticks: all of them
 * @vms: @nr_vms VMs, in the order in which they were first seen
 * @nr_vms: number
 */
struct history {
	double times_s[HISTORY_MAX_TICKS];
	size_t nr_times;
	uint64_t stride;
	uint64_t nr_ticks;
	struct history_vm **vms;
	size_t nr_vms;
};

/* The next tick. One that is not after those before is left out. -ENOMEM. */
int history_add(struct history *history, const struct tick *tick);

void history_done(struct history *history);

#endif /* CONTROLLER_HISTORY_H */

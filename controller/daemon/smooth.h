/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One curve of many windows, of which older ones count less. Pure.
 *
 * A window counts by its accesses, so that the curve times the rate of accesses is
 * what a memory of that size would have missed per second, on the mean of the
 * windows: sum of misses over sum of time, each faded by its age.
 *
 * The ends of the band are averaged in the same way and do not come closer
 * together with more windows, as independent errors would: windows look at the
 * same sampled pages, so they are wrong together.
 */
#ifndef DAEMON_SMOOTH_H
#define DAEMON_SMOOTH_H

#include "policy/view.h"
#include "window.h"

/**
 * struct smooth - what windows say together; all-zero at the start
 * @curve: by size in pages, or NULL before the first access
 * @lower: lower end of its band, NULL where @curve is
 * @upper: upper end
 * @accesses: of the VM, faded; not only the sampled ones
 * @seconds: faded
 * @max_distinct_pages: of the last window
 * @range_pages: that the VM has, in the last window; 0: unknown
 * @end_ns: of the last window
 */
struct smooth {
	struct mrc_curve *curve;
	struct mrc_curve *lower;
	struct mrc_curve *upper;
	double accesses;
	double seconds;
	double max_distinct_pages;
	uint64_t range_pages;
	uint64_t end_ns;
};

/* Frees what it owns and empties it. */
void smooth_done(struct smooth *smooth);

/**
 * smooth_add() - take in a window
 * @smooth: grows
 * @window: later than those before; may be one without accesses
 * @half_life_s: a window counts half when it ended so long before; 0: only the
 *	last one counts
 *
 * Returns 0; -ENOMEM, and then all is as before.
 */
int smooth_add(struct smooth *smooth, const struct window *window,
	       double half_life_s);

/* Page accesses of the VM per second; 0 before the first window. */
double smooth_accesses_per_s(const struct smooth *smooth);

/**
 * smooth_wss() - the working set
 * @smooth: windows
 * @miss_ratio: tolerated
 * @ret_bytes: its size, or the bound; 0 if unknown
 */
enum vm_wss smooth_wss(const struct smooth *smooth, double miss_ratio,
		       uint64_t *ret_bytes);

#endif /* DAEMON_SMOOTH_H */

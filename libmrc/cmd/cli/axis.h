/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The axis of sizes that both plots share. Pure. */
#ifndef CLI_AXIS_H
#define CLI_AXIS_H

#include <stdbool.h>
#include <stddef.h>

/* Room for any label. */
#define AXIS_LABEL_BYTES 32

enum axis_kind {
	/* MiB, GiB or bytes; ticks at powers of two, as memory comes. */
	AXIS_MEMORY,
	/* Pages; ticks at 1, 2 or 5 times a power of ten. */
	AXIS_PAGES,
};

/**
 * struct axis - an axis from 0, or if logarithmic from a tick, to a round end
 * @unit: of the labels, such as "MiB"
 * @pages_per_unit: converts
 * @suffix_factor: labels have the suffixes k, M, ... for its powers; 0 for none
 * @is_log: equal distances are equal factors
 * @start: the first tick in units; 0 unless @is_log
 * @step: from one tick to the next: distance in units, or factor
 * @nr_steps: ticks after the first
 */
struct axis {
	const char *unit;
	double pages_per_unit;
	double suffix_factor;
	bool is_log;
	double start;
	double step;
	unsigned int nr_steps;
};

/* A linear axis of memory that shows @extent_pages (above 0), 4 to 8 steps. */
struct axis axis_for(double extent_pages);

/*
 * Any axis. A logarithmic one shows from @smallest_pages (above 0) on, in at
 * most 8 steps; a linear one does without it.
 */
struct axis axis_new(enum axis_kind kind, bool is_log, double smallest_pages,
		     double extent_pages);

/* The size at tick @index, 0 to nr_steps, in pages. */
double axis_tick_pages(const struct axis *axis, unsigned int index);

/* Its label, without the unit. */
void axis_tick_label(const struct axis *axis, unsigned int index,
		     char label[AXIS_LABEL_BYTES]);

/* Where a size is: 0 at the start, 1 at the end; never below 0. */
double axis_position(const struct axis *axis, double pages);

/* The reverse, for positions in [0, 1]. */
double axis_pages(const struct axis *axis, double position);

static inline double axis_end_pages(const struct axis *axis)
{
	return axis_tick_pages(axis, axis->nr_steps);
}

#endif /* CLI_AXIS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory axis that both plots share. Pure. */
#ifndef CONTROLLER_AXIS_H
#define CONTROLLER_AXIS_H

/**
 * struct axis - an axis from 0 to a round end
 * @unit: "MiB", or "GiB" for large curves
 * @pages_per_unit: converts
 * @step: distance of two ticks in units, a power of two, as memory comes
 * @nr_steps: ticks after 0
 */
struct axis {
	const char *unit;
	double pages_per_unit;
	double step;
	unsigned int nr_steps;
};

/* An axis that shows @extent_pages (above 0) with 4 to 8 steps. */
struct axis axis_for(double extent_pages);

static inline double axis_end_pages(const struct axis *axis)
{
	return axis->step * axis->nr_steps * axis->pages_per_unit;
}

#endif /* CONTROLLER_AXIS_H */

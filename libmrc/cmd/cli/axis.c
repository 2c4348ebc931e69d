// SPDX-License-Identifier: LGPL-2.1-or-later
#include "axis.h"

#include <math.h>
#include <stdio.h>

#include "units.h"

/* From here on GiB read better: 16384 MiB. */
#define AXIS_GIB_PAGES (16384.0 * PAGES_PER_MIB)

/* Ticks that fit beside each other. */
#define AXIS_MAX_STEPS 8

/* A little room, so that the end of the curve is seen to be flat. */
#define AXIS_ROOM 1.02

static struct axis axis_of_unit(enum axis_kind kind, bool is_log,
				double extent_pages)
{
	struct axis axis = { .unit = "pages",
			     .pages_per_unit = 1,
			     .suffix_factor = 1000 };

	if (kind == AXIS_PAGES)
		return axis;
	if (is_log) {
		/* From a page to many GiB, no unit fits all. */
		axis.unit = "bytes, K = 1024";
		axis.pages_per_unit = 1.0 / PAGE_BYTES;
		axis.suffix_factor = 1024;
		return axis;
	}
	axis.suffix_factor = 0;
	axis.unit = "MiB";
	axis.pages_per_unit = PAGES_PER_MIB;
	if (extent_pages >= AXIS_GIB_PAGES) {
		axis.unit = "GiB";
		axis.pages_per_unit = 1024.0 * PAGES_PER_MIB;
	}
	return axis;
}

/* The smallest of 1, 2 or 5 times a power of ten that is at least @step. */
static double axis_round_decimal(double step)
{
	double power = pow(10, floor(log10(step)));

	if (step <= power)
		return power;
	if (step <= 2 * power)
		return 2 * power;
	return step <= 5 * power ? 5 * power : 10 * power;
}

static void axis_scale_linear(struct axis *axis, enum axis_kind kind,
			      double extent)
{
	double step;

	if (kind == AXIS_MEMORY)
		extent *= AXIS_ROOM;
	step = extent / AXIS_MAX_STEPS;
	axis->step = kind == AXIS_PAGES ? axis_round_decimal(step) :
					  exp2(ceil(log2(step)));
	/* A hundredth of a step is not worth another one: none sees it. */
	axis->nr_steps = (unsigned int)ceil(extent / axis->step - 0.01);
}

static void axis_scale_log(struct axis *axis, enum axis_kind kind,
			   double smallest, double extent)
{
	double base = kind == AXIS_PAGES ? 10 : 2;
	/* Rounding must not make a tick at the very end two. */
	double first = floor(log(smallest) / log(base) + 1e-9);
	double last = ceil(log(extent) / log(base) - 1e-9);
	double stride;

	if (last <= first)
		last = first + 1;
	stride = ceil((last - first) / AXIS_MAX_STEPS);
	axis->is_log = true;
	axis->start = pow(base, first);
	axis->step = pow(base, stride);
	axis->nr_steps = (unsigned int)ceil((last - first) / stride);
}

struct axis axis_new(enum axis_kind kind, bool is_log, double smallest_pages,
		     double extent_pages)
{
	struct axis axis = axis_of_unit(kind, is_log, extent_pages);
	double extent = extent_pages / axis.pages_per_unit;

	if (is_log)
		axis_scale_log(&axis, kind,
			       smallest_pages / axis.pages_per_unit, extent);
	else
		axis_scale_linear(&axis, kind, extent);
	return axis;
}

struct axis axis_for(double extent_pages)
{
	return axis_new(AXIS_MEMORY, false, 0, extent_pages);
}

static double axis_tick(const struct axis *axis, unsigned int index)
{
	return axis->is_log ? axis->start * pow(axis->step, index) :
			      axis->step * index;
}

double axis_tick_pages(const struct axis *axis, unsigned int index)
{
	return axis_tick(axis, index) * axis->pages_per_unit;
}

void axis_tick_label(const struct axis *axis, unsigned int index,
		     char label[AXIS_LABEL_BYTES])
{
	static const char decimal[] = "\0kMGTPE", binary[] = "\0KMGTPE";
	double factor = axis->suffix_factor, tick = axis_tick(axis, index);
	unsigned int i = 0;

	/* Up to five digits are no longer than with a suffix. */
	while (factor > 0 && tick >= factor && i + 2 < sizeof(decimal) &&
	       (axis->is_log || axis->step * axis->nr_steps >= 1e5)) {
		tick /= factor;
		i++;
	}
	(void)snprintf(label, AXIS_LABEL_BYTES, "%.6g%.1s", tick,
		       factor == 1024 ? &binary[i] : &decimal[i]);
}

double axis_position(const struct axis *axis, double pages)
{
	double units = pages / axis->pages_per_unit;

	if (!axis->is_log)
		return pages / axis_end_pages(axis);
	if (units <= axis->start)
		return 0;
	return log(units / axis->start) / (axis->nr_steps * log(axis->step));
}

double axis_pages(const struct axis *axis, double position)
{
	if (!axis->is_log)
		return axis_end_pages(axis) * position;
	return axis_tick_pages(axis, 0) *
	       pow(axis->step, axis->nr_steps * position);
}

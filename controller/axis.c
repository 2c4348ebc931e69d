// SPDX-License-Identifier: GPL-2.0-or-later
#include "axis.h"

#include <math.h>

#include "units.h"

/* From here on GiB read better: 16384 MiB. */
#define AXIS_GIB_PAGES (16384.0 * PAGES_PER_MIB)

struct axis axis_for(double extent_pages)
{
	struct axis axis = { .unit = "MiB", .pages_per_unit = PAGES_PER_MIB };
	double extent;

	if (extent_pages >= AXIS_GIB_PAGES) {
		axis.unit = "GiB";
		axis.pages_per_unit = 1024.0 * PAGES_PER_MIB;
	}
	/* A little room, so that the end of the curve is seen to be flat. */
	extent = 1.02 * extent_pages / axis.pages_per_unit;
	axis.step = exp2(ceil(log2(extent / 8)));
	axis.nr_steps = (unsigned int)ceil(extent / axis.step);
	return axis;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Arbitrary doubles as points: refused, or a curve that keeps its promises. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/curve.h>

#define MAX_POINTS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	double values[2 * MAX_POINTS + 1] = { 0 };
	double sizes[MAX_POINTS + 1] = { 0 };
	double ratios[MAX_POINTS + 1] = { 1 };
	struct mrc_curve *curve = NULL;
	size_t nr_points;
	uint64_t pages = 0;
	size_t i;

	if (size > sizeof(values))
		size = sizeof(values);
	memcpy(values, data, size);
	nr_points = size / 16;
	for (i = 0; i < nr_points && i < MAX_POINTS; i++) {
		sizes[i + 1] = values[2 * i];
		ratios[i + 1] = values[2 * i + 1];
	}
	if (mrc_curve_new(sizes, ratios, nr_points + 1, &curve) < 0)
		return 0;
	for (i = 0; i + 1 < 2 * MAX_POINTS; i++) {
		double tolerated = values[i + 1];
		double at = mrc_curve_at(curve, values[i]);

		if (values[i] >= 0 ? !(at >= 0 && at <= 1) : !isnan(at))
			abort();
		if (mrc_curve_wss_pages(curve, tolerated, &pages) < 0)
			continue;
		if (mrc_curve_at(curve, (double)pages) > tolerated)
			abort();
		if (pages > 0 &&
		    mrc_curve_at(curve, (double)pages - 1) <= tolerated)
			abort();
	}
	mrc_curve_free(curve);
	return 0;
}

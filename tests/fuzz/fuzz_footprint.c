// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A trace of one byte per access, cut in two and merged: footprints equal those
 * of all windows, and the curve keeps its promises.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <mrc/footprint.h>

#include "footprint_windows.h"

#define MAX_ACCESSES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mrc_footprint *footprint = NULL;
	struct mrc_footprint *later = NULL;
	struct mrc_curve *curve = NULL;
	uint64_t trace[MAX_ACCESSES];
	double last_size = -1;
	size_t cut;
	size_t i;

	if (size < 2)
		return 0;
	cut = data[0];
	size = size - 1 < MAX_ACCESSES ? size - 1 : MAX_ACCESSES;
	cut = cut < size ? cut : size;
	for (i = 0; i < size; i++)
		trace[i] = data[i + 1];
	require(mrc_footprint_new(7, &footprint) == 0);
	require(mrc_footprint_new(7, &later) == 0);
	require(mrc_footprint_access_n(footprint, trace, cut) == 0);
	require(mrc_footprint_access_n(later, trace + cut, size - cut) == 0);
	require(mrc_footprint_merge(footprint, later) == 0);
	for (i = 0; i <= size; i++) {
		double pages = NAN;

		require(mrc_footprint_at(footprint, i, &pages) == 0);
		require(fabs(pages -
			     footprint_windows_average(trace, size, i)) < 1e-9);
	}
	require(mrc_footprint_curve(footprint, &curve) == 0);
	for (i = 0; i < mrc_curve_nr_points(curve); i++) {
		double pages = NAN;
		double ratio = NAN;

		require(mrc_curve_point(curve, i, &pages, &ratio) == 0);
		require(pages > last_size && ratio >= 0 && ratio <= 1);
		last_size = pages;
	}
	require(last_size <= 256);
	mrc_curve_free(curve);
	mrc_footprint_free(later);
	mrc_footprint_free(footprint);
	return 0;
}

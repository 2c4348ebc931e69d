// SPDX-License-Identifier: GPL-2.0-or-later
/* A trace of one byte per access, any parameters: the curve keeps its promises. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <mrc/counter_stacks.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mrc_counter_stacks *stacks = NULL;
	struct mrc_counter_stacks *later = NULL;
	struct mrc_curve *curve = NULL;
	double last_size = -1;
	double last_ratio = 1;
	size_t i;

	if (size < 5)
		return 0;
	/* Few registers keep a run short, and noise large. */
	if (mrc_counter_stacks_new(data[0] % 6 + 3, data[1] % 64,
				   data[2] / 500.0, data[3], &stacks) < 0)
		return 0;
	require(mrc_counter_stacks_new(data[0] % 6 + 3, data[1] % 64,
				       data[2] / 500.0, data[3], &later) == 0);
	/* What the other one saw goes on where it ended. */
	for (i = 4; i < size; i++)
		require(mrc_counter_stacks_access(i % 256 < data[4] ? stacks :
								      later,
						  data[i]) == 0);
	require(mrc_counter_stacks_merge(stacks, later) == 0);
	mrc_counter_stacks_free(later);
	require(mrc_counter_stacks_nr_accesses(stacks) == size - 4);
	require(mrc_counter_stacks_curve(stacks, &curve) == 0);
	for (i = 0; i < mrc_curve_nr_points(curve); i++) {
		double pages = NAN;
		double ratio = NAN;

		require(mrc_curve_point(curve, i, &pages, &ratio) == 0);
		require(pages > last_size && isfinite(pages));
		require(ratio >= 0 && ratio <= last_ratio);
		last_size = pages;
		last_ratio = ratio;
	}
	mrc_curve_free(curve);
	mrc_counter_stacks_free(stacks);
	return 0;
}

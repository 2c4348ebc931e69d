// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A trace of one byte per access into estimators of any rate and size, cut in two
 * and merged. With all pages sampled and room for them the curve is the list's.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <mrc/shards.h>

#include "lru_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void check_exact(const struct mrc_curve *curve, const uint64_t *trace,
			size_t size)
{
	uint64_t pages[256];
	struct lru_list list = { .pages = pages };
	size_t nr_hits[256] = { 0 };
	size_t nr_misses = size;
	size_t i;

	for (i = 0; i < size; i++) {
		size_t depth = 0;

		if (lru_list_access(&list, trace[i], &depth))
			nr_hits[depth]++;
	}
	for (i = 0; i < 256; i++) {
		require(mrc_curve_at(curve, (double)i) ==
			(double)nr_misses / (double)size);
		nr_misses -= nr_hits[i];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mrc_shards *shards = NULL;
	struct mrc_shards *later = NULL;
	struct mrc_curve *curve = NULL;
	uint64_t trace[4096];
	size_t max_pages;
	double rate;
	size_t cut;
	size_t i;
	int correction;

	if (size < 5 || size > 4096)
		return 0;
	max_pages = data[0];
	rate = data[1] < 128 ? 1 : (data[1] - 127) / 130.0;
	cut = data[2] * 16u % (size - 4);
	size -= 4;
	for (i = 0; i < size; i++)
		trace[i] = data[i + 4];
	require(mrc_shards_new(rate, max_pages, data[3], &shards) == 0);
	require(mrc_shards_new(rate, max_pages, data[3], &later) == 0);
	for (i = 0; i < cut; i++)
		require(mrc_shards_access(shards, trace[i]) == 0);
	require(mrc_shards_access_n(later, trace + cut, size - cut) == 0);
	require(mrc_shards_merge(shards, later) == 0);
	require(mrc_shards_nr_accesses(shards) == size);
	if (max_pages != 0)
		require(mrc_shards_nr_sampled(shards) <= max_pages);

	for (correction = 0; correction < 3; correction++) {
		double last_size = -1;

		if (mrc_shards_curve_corrected(
			    shards, (enum mrc_shards_correction)correction,
			    &curve) < 0) {
			require(mrc_shards_nr_sampled(shards) == 0);
			continue;
		}
		for (i = 0; i < mrc_curve_nr_points(curve); i++) {
			double pages = NAN;
			double ratio = NAN;

			require(mrc_curve_point(curve, i, &pages, &ratio) == 0);
			require(pages > last_size && isfinite(pages));
			require(ratio >= 0 && ratio <= 1);
			last_size = pages;
		}
		if (rate == 1 && max_pages == 0)
			check_exact(curve, trace, size);
		mrc_curve_free(curve);
	}
	mrc_shards_free(later);
	mrc_shards_free(shards);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An arbitrary histogram, filled the three ways there are, and its curve, the band
 * around it and the write-backs: either an error that changed nothing, or all that a
 * curve promises. And a counter of arbitrary accesses, with its band.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/aet.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

/* The next 8 bytes; zeros behind the end. */
static uint64_t take(const uint8_t **data, size_t *size)
{
	size_t length = *size < 8 ? *size : 8;
	uint64_t value = 0;

	memcpy(&value, *data, length);
	*data += length;
	*size -= length;
	return value;
}

static void fill(struct mrc_hist *hist, const uint8_t *data, size_t size)
{
	uint64_t counts[64];
	size_t nr_counts = 0;

	while (size > 0) {
		uint64_t control = take(&data, &size);
		uint64_t before = mrc_hist_total(hist);
		uint64_t count = take(&data, &size) >> (control >> 8 & 63);
		uint64_t time = take(&data, &size) >> (control >> 16 & 63);
		int err;

		if ((control & 3) == 0) {
			if ((control & 12) == 12) {
				(void)mrc_hist_add_entered(hist, time, count);
				continue;
			}
			err = (control & 4) != 0 ?
				      mrc_hist_add_censored(hist, time, count) :
				      mrc_hist_add_cold(hist, count);
		} else if ((control & 3) == 1 && nr_counts < 64) {
			counts[nr_counts++] = count;
			continue;
		} else {
			err = mrc_hist_add(hist, time, count);
		}
		require(mrc_hist_total(hist) ==
			(err < 0 ? before : before + count));
	}
	(void)mrc_hist_add_buckets(hist, counts, nr_counts);
}

static void check_hist(const struct mrc_hist *hist)
{
	uint64_t sum = mrc_hist_cold(hist) + mrc_hist_censored(hist);
	size_t i;

	for (i = 0; i < mrc_hist_nr_buckets(hist); i++) {
		uint64_t count = 0;

		require(mrc_hist_bucket(hist, i, &count) == 0);
		require(count <= UINT64_MAX - sum);
		sum += count;
	}
	require(sum == mrc_hist_total(hist));
}

static void check_curve(const struct mrc_curve *curve, double tolerated)
{
	double last_size = -1;
	double last_ratio = 1;
	uint64_t pages = 0;
	size_t i;

	for (i = 0; i < mrc_curve_nr_points(curve); i++) {
		double size = NAN;
		double ratio = NAN;

		require(mrc_curve_point(curve, i, &size, &ratio) == 0);
		require(size > last_size && isfinite(size));
		require(ratio >= 0 && ratio <= last_ratio);
		require(mrc_curve_at(curve, size) == ratio);
		last_size = size;
		last_ratio = ratio;
	}
	require(mrc_curve_at(curve, 0) == 1);
	if (mrc_curve_wss_pages(curve, tolerated, &pages) < 0)
		return;
	require(mrc_curve_at(curve, (double)pages) <= tolerated);
	if (pages > 0)
		require(mrc_curve_at(curve, (double)pages - 1) > tolerated);
}

static void check_band(struct mrc_curve *low, const struct mrc_curve *curve,
		       struct mrc_curve *high)
{
	size_t i;

	check_curve(low, 0.5);
	check_curve(high, 0.5);
	for (i = 0; i < mrc_curve_nr_points(low); i++) {
		double size = NAN;
		double ratio = NAN;

		require(mrc_curve_point(low, i, &size, &ratio) == 0);
		require(ratio <= mrc_curve_at(curve, size) + 1e-9);
		require(mrc_curve_at(curve, size) <=
			mrc_curve_at(high, size) + 1e-9);
	}
	mrc_curve_free(low);
	mrc_curve_free(high);
}

/* What a byte says: how to sample, and then, which of 64 pages is accessed. */
static void check_counter(const uint8_t *data, size_t size, double rate)
{
	struct mrc_reuse_options options = { .sub_bucket_bits = 3 };
	struct mrc_curve *curve = NULL;
	struct mrc_curve *high = NULL;
	struct mrc_curve *low = NULL;
	struct mrc_reuse *reuse = NULL;
	size_t i;

	if (size == 0)
		return;
	options.sampling = (enum mrc_reuse_sampling)(data[0] % 3);
	options.seed = data[0] >> 4;
	options.window_accesses = (data[0] & 8) != 0 ? 32 : 0;
	options.inverse_rate = rate;
	if (mrc_reuse_new_with(&options, &reuse) < 0)
		return;
	for (i = 1; i < size && i < 2000; i++)
		require(mrc_reuse_access(reuse, data[i] % 64) == 0);
	if (mrc_reuse_curve(reuse, &curve) == 0) {
		check_curve(curve, 0.1);
		require(mrc_reuse_band(reuse, 0.9, &low, &high) == 0);
		check_band(low, curve, high);
		mrc_curve_free(curve);
	}
	mrc_reuse_free(reuse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t bits = take(&data, &size);
	struct mrc_curve *curve = NULL;
	struct mrc_curve *high = NULL;
	struct mrc_curve *low = NULL;
	struct mrc_hist *writes = NULL;
	struct mrc_hist *hist = NULL;
	uint64_t rate_bits = take(&data, &size);
	uint64_t tolerated_bits = take(&data, &size);
	double rate;
	double tolerated;

	memcpy(&rate, &rate_bits, sizeof(rate));
	memcpy(&tolerated, &tolerated_bits, sizeof(tolerated));
	/* Few sub-buckets keep a run short. */
	if (mrc_hist_new(bits % 6, &hist) < 0)
		abort();
	fill(hist, data, size);
	check_hist(hist);
	if (mrc_aet_curve(hist, rate, &curve) == 0) {
		check_curve(curve, tolerated);
		require(mrc_aet_band(hist, rate, 0.95, &low, &high) == 0);
		check_band(low, curve, high);
		mrc_curve_free(curve);
	}
	if (mrc_hist_new(bits % 6, &writes) < 0)
		abort();
	fill(writes, data, size / 2);
	if (mrc_aet_writeback_curve(hist, writes, rate, &curve) == 0) {
		check_curve(curve, tolerated);
		mrc_curve_free(curve);
	}
	mrc_hist_free(writes);
	check_counter(data, size, rate);
	check_counter(data, size, 1 + (double)(bits >> 60));
	if (mrc_aet_curve(hist, 1 + (double)(bits >> 40), &curve) == 0) {
		check_curve(curve, (double)(bits >> 8 & 255) / 255);
		mrc_curve_free(curve);
	}
	mrc_hist_free(hist);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/aet.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "curve_points.h"
#include "page_map.h"

__extension__ typedef unsigned __int128 mrc_u128;

/*
 * The integral of P from 0 to @time, walked from bucket to bucket.
 *
 * P is a step function that changes at whole reuse times only, so the integral
 * is a sum of P(t) over t < @time. It is kept as an integer, times twice the
 * total, and stays exact: the loop over N pages must fall at N, not at N plus
 * what rounding left behind. At most 2^(1 + VALUE_BITS + 64) < 2^128.
 */
struct integral {
	uint64_t total;
	uint64_t time;
	uint64_t nr_longer; /* accesses with a longer reuse time than @time */
	mrc_u128 twice_sum;
};

/* On to @time over reuse times that nothing has. */
static void skip_to(struct integral *integral, uint64_t time)
{
	integral->twice_sum +=
		(mrc_u128)2 * integral->nr_longer * (time - integral->time);
	integral->time = time;
}

/*
 * On over the next @width reuse times, which @count accesses share evenly:
 * the sum of (nr_longer - j * count / width) for j in [0, width).
 */
static void cross_bucket(struct integral *integral, uint64_t width,
			 uint64_t count)
{
	integral->twice_sum += (mrc_u128)2 * integral->nr_longer * width -
			       (mrc_u128)count * (width - 1);
	integral->time += width;
	integral->nr_longer -= count;
}

static void append_point(struct mrc_curve *curve,
			 const struct integral *integral, double inverse_rate)
{
	mrc_u128 twice_total = (mrc_u128)2 * integral->total;
	uint64_t whole = (uint64_t)(integral->twice_sum / twice_total);
	mrc_u128 rest = integral->twice_sum % twice_total;

	mrc_curve_append(curve,
			 ((double)whole + (double)rest / (double)twice_total) *
				 inverse_rate,
			 (double)integral->nr_longer / (double)integral->total);
}

static size_t count_used_buckets(const struct mrc_hist *hist)
{
	size_t nr_buckets = mrc_hist_nr_buckets(hist);
	size_t nr_used = 0;
	size_t i;

	for (i = 0; i < nr_buckets; i++) {
		uint64_t count = 0;

		(void)mrc_hist_bucket(hist, i, &count);
		nr_used += count != 0;
	}
	return nr_used;
}

int mrc_aet_curve(const struct mrc_hist *hist, double inverse_rate,
		  struct mrc_curve **ret_curve)
{
	struct integral integral = {
		.total = mrc_hist_total(hist),
		.nr_longer = mrc_hist_total(hist),
	};
	size_t nr_buckets = mrc_hist_nr_buckets(hist);
	unsigned int b = mrc_hist_sub_bucket_bits(hist);
	struct mrc_curve *curve;
	size_t i;

	/* Written so that a NaN fails. */
	if (!(inverse_rate >= 1 && inverse_rate <= MRC_AET_MAX_INVERSE_RATE))
		return -EINVAL;
	if (integral.total == 0)
		return -ENODATA;
	curve = mrc_curve_alloc(1 + 2 * count_used_buckets(hist));
	if (curve == NULL)
		return -ENOMEM;

	for (i = 0; i < nr_buckets; i++) {
		uint64_t count = 0;

		(void)mrc_hist_bucket(hist, i, &count);
		if (count == 0)
			continue;
		skip_to(&integral, mrc_bucket_low(b, i) - 1);
		append_point(curve, &integral, inverse_rate);
		cross_bucket(&integral, mrc_bucket_width(b, i), count);
		append_point(curve, &integral, inverse_rate);
	}
	*ret_curve = curve;
	return 0;
}

struct mrc_reuse {
	struct mrc_hist *hist;
	struct mrc_page_map last_access; /* stamp: number of the access, from 1 */
};

int mrc_reuse_new(unsigned int sub_bucket_bits, struct mrc_reuse **ret_reuse)
{
	struct mrc_reuse *reuse = calloc(1, sizeof(*reuse));
	int err;

	if (reuse == NULL)
		return -ENOMEM;
	err = mrc_hist_new(sub_bucket_bits, &reuse->hist);
	if (err < 0) {
		mrc_reuse_free(reuse);
		return err;
	}
	*ret_reuse = reuse;
	return 0;
}

void mrc_reuse_free(struct mrc_reuse *reuse)
{
	if (reuse == NULL)
		return;
	mrc_page_map_exit(&reuse->last_access);
	mrc_hist_free(reuse->hist);
	free(reuse);
}

int mrc_reuse_access(struct mrc_reuse *reuse, uint64_t page)
{
	/* Every access is counted once, so the total is the clock. */
	uint64_t now = mrc_hist_total(reuse->hist) + 1;
	struct mrc_page_entry *entry;
	int err;

	entry = mrc_page_map_find(&reuse->last_access, page);
	if (entry != NULL) {
		err = mrc_hist_add(reuse->hist, now - entry->stamp, 1);
		if (err < 0)
			return err;
		entry->stamp = now;
		return 0;
	}

	err = mrc_page_map_reserve(&reuse->last_access);
	if (err < 0)
		return err;
	err = mrc_hist_add_cold(reuse->hist, 1);
	if (err < 0)
		return err;
	(void)mrc_page_map_insert(&reuse->last_access, page, now);
	return 0;
}

const struct mrc_hist *mrc_reuse_hist(const struct mrc_reuse *reuse)
{
	return reuse->hist;
}

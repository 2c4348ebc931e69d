// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/hist.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hist_counts.h"

int mrc_hist_new(unsigned int sub_bucket_bits, struct mrc_hist **ret_hist)
{
	struct mrc_hist *hist;
	size_t nr_buckets;

	if (sub_bucket_bits > MRC_HIST_MAX_SUB_BUCKET_BITS)
		return -EINVAL;
	nr_buckets = mrc_bucket_count(sub_bucket_bits, MRC_HIST_VALUE_BITS);
	hist = calloc(1, sizeof(*hist) + nr_buckets * sizeof(hist->counts[0]));
	if (hist == NULL)
		return -ENOMEM;
	hist->sub_bucket_bits = sub_bucket_bits;
	hist->nr_buckets = nr_buckets;
	*ret_hist = hist;
	return 0;
}

void mrc_hist_free(struct mrc_hist *hist)
{
	if (hist == NULL)
		return;
	free(hist->censored);
	free(hist->entered);
	free(hist);
}

static int need_counts(const struct mrc_hist *hist, uint64_t **counts)
{
	if (*counts == NULL)
		*counts = calloc(hist->nr_buckets, sizeof(**counts));
	return *counts != NULL ? 0 : -ENOMEM;
}

int mrc_hist_need_censored(struct mrc_hist *hist)
{
	return need_counts(hist, &hist->censored);
}

int mrc_hist_need_entered(struct mrc_hist *hist)
{
	return need_counts(hist, &hist->entered);
}

void mrc_hist_clear(struct mrc_hist *hist)
{
	hist->total = 0;
	hist->cold = 0;
	hist->nr_censored = 0;
	memset(hist->counts, 0, hist->nr_buckets * sizeof(hist->counts[0]));
	if (hist->censored != NULL)
		memset(hist->censored, 0,
		       hist->nr_buckets * sizeof(hist->censored[0]));
	hist->nr_entered = 0;
	if (hist->entered != NULL)
		memset(hist->entered, 0,
		       hist->nr_buckets * sizeof(hist->entered[0]));
}

int mrc_hist_add(struct mrc_hist *hist, uint64_t reuse_time, uint64_t count)
{
	if (reuse_time == 0 || reuse_time >> MRC_HIST_VALUE_BITS != 0)
		return -ERANGE;
	if (count > UINT64_MAX - hist->total)
		return -EOVERFLOW;
	hist->counts[mrc_bucket_index(hist->sub_bucket_bits, reuse_time)] +=
		count;
	hist->total += count;
	return 0;
}

int mrc_hist_add_cold(struct mrc_hist *hist, uint64_t count)
{
	if (count > UINT64_MAX - hist->total)
		return -EOVERFLOW;
	hist->cold += count;
	hist->total += count;
	return 0;
}

/*
 * @total with all of @counts, none of which may be outside [@first_bucket,
 * nr_buckets).
 */
static int sum_buckets(const struct mrc_hist *hist, uint64_t total,
		       const uint64_t *counts, size_t nr_counts,
		       size_t first_bucket, uint64_t *ret_total)
{
	size_t i;

	for (i = 0; i < nr_counts; i++) {
		if (counts[i] == 0)
			continue;
		if (i < first_bucket || i >= hist->nr_buckets)
			return -ERANGE;
		if (counts[i] > UINT64_MAX - total)
			return -EOVERFLOW;
		total += counts[i];
	}
	*ret_total = total;
	return 0;
}

int mrc_hist_add_buckets(struct mrc_hist *hist, const uint64_t *counts,
			 size_t nr_counts)
{
	size_t i;
	int err;

	err = sum_buckets(hist, hist->total, counts, nr_counts, 1,
			  &hist->total);
	if (err < 0)
		return err;
	for (i = 0; i < nr_counts && i < hist->nr_buckets; i++)
		hist->counts[i] += counts[i];
	return 0;
}

int mrc_hist_add_censored(struct mrc_hist *hist, uint64_t time, uint64_t count)
{
	int err;

	if (time >> MRC_HIST_VALUE_BITS != 0)
		return -ERANGE;
	if (count > UINT64_MAX - hist->total)
		return -EOVERFLOW;
	err = mrc_hist_need_censored(hist);
	if (err < 0)
		return err;
	hist->censored[mrc_bucket_index(hist->sub_bucket_bits, time)] += count;
	hist->nr_censored += count;
	hist->total += count;
	return 0;
}

int mrc_hist_add_censored_buckets(struct mrc_hist *hist, const uint64_t *counts,
				  size_t nr_counts)
{
	uint64_t total = 0;
	size_t i;
	int err;

	err = sum_buckets(hist, hist->total, counts, nr_counts, 0, &total);
	if (err < 0)
		return err;
	err = mrc_hist_need_censored(hist);
	if (err < 0)
		return err;
	for (i = 0; i < nr_counts && i < hist->nr_buckets; i++)
		hist->censored[i] += counts[i];
	hist->nr_censored += total - hist->total;
	hist->total = total;
	return 0;
}

int mrc_hist_add_entered(struct mrc_hist *hist, uint64_t time, uint64_t count)
{
	int err;

	if (time >> MRC_HIST_VALUE_BITS != 0)
		return -ERANGE;
	if (count > UINT64_MAX - hist->nr_entered)
		return -EOVERFLOW;
	err = mrc_hist_need_entered(hist);
	if (err < 0)
		return err;
	hist->entered[mrc_bucket_index(hist->sub_bucket_bits, time)] += count;
	hist->nr_entered += count;
	return 0;
}

int mrc_hist_add_entered_buckets(struct mrc_hist *hist, const uint64_t *counts,
				 size_t nr_counts)
{
	uint64_t total = 0;
	size_t i;
	int err;

	err = sum_buckets(hist, hist->nr_entered, counts, nr_counts, 0, &total);
	if (err < 0)
		return err;
	err = mrc_hist_need_entered(hist);
	if (err < 0)
		return err;
	for (i = 0; i < nr_counts && i < hist->nr_buckets; i++)
		hist->entered[i] += counts[i];
	hist->nr_entered = total;
	return 0;
}

int mrc_hist_merge(struct mrc_hist *hist, const struct mrc_hist *other)
{
	size_t i;
	int err;

	if (hist->sub_bucket_bits != other->sub_bucket_bits)
		return -EINVAL;
	if (other->total > UINT64_MAX - hist->total ||
	    other->nr_entered > UINT64_MAX - hist->nr_entered)
		return -EOVERFLOW;
	if (other->nr_censored > 0) {
		err = mrc_hist_need_censored(hist);
		if (err < 0)
			return err;
	}
	if (other->nr_entered > 0) {
		err = mrc_hist_need_entered(hist);
		if (err < 0)
			return err;
	}
	for (i = 0; i < hist->nr_buckets; i++) {
		hist->counts[i] += other->counts[i];
		if (other->nr_censored > 0)
			hist->censored[i] += other->censored[i];
		if (other->nr_entered > 0)
			hist->entered[i] += other->entered[i];
	}
	hist->cold += other->cold;
	hist->nr_entered += other->nr_entered;
	hist->nr_censored += other->nr_censored;
	hist->total += other->total;
	return 0;
}

uint64_t mrc_hist_total(const struct mrc_hist *hist)
{
	return hist->total;
}

uint64_t mrc_hist_cold(const struct mrc_hist *hist)
{
	return hist->cold;
}

uint64_t mrc_hist_censored(const struct mrc_hist *hist)
{
	return hist->nr_censored;
}

uint64_t mrc_hist_entered(const struct mrc_hist *hist)
{
	return hist->nr_entered;
}

unsigned int mrc_hist_sub_bucket_bits(const struct mrc_hist *hist)
{
	return hist->sub_bucket_bits;
}

size_t mrc_hist_nr_buckets(const struct mrc_hist *hist)
{
	return hist->nr_buckets;
}

int mrc_hist_bucket(const struct mrc_hist *hist, size_t index,
		    uint64_t *ret_count)
{
	if (index >= hist->nr_buckets)
		return -ERANGE;
	*ret_count = hist->counts[index];
	return 0;
}

int mrc_hist_censored_bucket(const struct mrc_hist *hist, size_t index,
			     uint64_t *ret_count)
{
	if (index >= hist->nr_buckets)
		return -ERANGE;
	*ret_count = hist->censored != NULL ? hist->censored[index] : 0;
	return 0;
}

int mrc_hist_entered_bucket(const struct mrc_hist *hist, size_t index,
			    uint64_t *ret_count)
{
	if (index >= hist->nr_buckets)
		return -ERANGE;
	*ret_count = hist->entered != NULL ? hist->entered[index] : 0;
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/hist.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * @total is @cold plus all of @counts. It fits 64 bits, so no counter can
 * overflow on its own and only the total needs a check.
 */
struct mrc_hist {
	unsigned int sub_bucket_bits;
	size_t nr_buckets;
	uint64_t total;
	uint64_t cold;
	uint64_t counts[];
};

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
	free(hist);
}

void mrc_hist_clear(struct mrc_hist *hist)
{
	hist->total = 0;
	hist->cold = 0;
	memset(hist->counts, 0, hist->nr_buckets * sizeof(hist->counts[0]));
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

int mrc_hist_add_buckets(struct mrc_hist *hist, const uint64_t *counts,
			 size_t nr_counts)
{
	uint64_t total = hist->total;
	size_t i;

	for (i = 0; i < nr_counts; i++) {
		if (counts[i] == 0)
			continue;
		if (i == 0 || i >= hist->nr_buckets)
			return -ERANGE;
		if (counts[i] > UINT64_MAX - total)
			return -EOVERFLOW;
		total += counts[i];
	}

	for (i = 0; i < nr_counts && i < hist->nr_buckets; i++)
		hist->counts[i] += counts[i];
	hist->total = total;
	return 0;
}

int mrc_hist_merge(struct mrc_hist *hist, const struct mrc_hist *other)
{
	size_t i;

	if (hist->sub_bucket_bits != other->sub_bucket_bits)
		return -EINVAL;
	if (other->total > UINT64_MAX - hist->total)
		return -EOVERFLOW;
	for (i = 0; i < hist->nr_buckets; i++)
		hist->counts[i] += other->counts[i];
	hist->cold += other->cold;
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages are in a sample chosen by hash. At a low rate this is all the work
 * there is, so it takes many pages at a time.
 */
#ifndef MRC_SRC_SAMPLE_FILTER_H
#define MRC_SRC_SAMPLE_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "random.h"

/*
 * The hash is signed and @bound inclusive: SIMD compares nothing else, and all
 * pages are a bound too.
 */
struct mrc_sample_filter {
	uint64_t salt;
	int64_t bound;
};

/*
 * Write the hashes of those pages that are in the sample to @ret_hashes, which
 * has room for @nr_pages, in order. Returns how many.
 */
typedef size_t mrc_sample_select(const struct mrc_sample_filter *filter,
				 const uint64_t *pages, size_t nr_pages,
				 uint64_t *ret_hashes);

/* The fastest that this processor can run. */
mrc_sample_select *mrc_sample_best_select(void);

/* What it must equal; in plain C. */
mrc_sample_select mrc_sample_select_plain;

/*
 * The salt is added and not XORed: a range of pages that begins at a multiple
 * of its length, as dense ones do, is the same set after an XOR with a small
 * salt, and the sample would be as large with any seed. It is mixed first, so
 * that seeds 1 and 2 do not make samples of ranges that overlap.
 */
static inline uint64_t mrc_sample_salt(uint64_t seed)
{
	return mrc_mix64(seed + UINT64_C(0x9e3779b97f4a7c15));
}

/* A bijection: the hash stands for the page. */
static inline uint64_t mrc_sample_hash(uint64_t salt, uint64_t page)
{
	return mrc_mix64(page + salt);
}

/* The bound that a share @rate of all hashes, in [2^-53, 1], is within. */
static inline int64_t mrc_sample_bound(double rate)
{
	if (rate >= 1)
		return INT64_MAX;
	return (int64_t)((uint64_t)(rate * 0x1p64) - 1 + (UINT64_C(1) << 63));
}

/* The share of all hashes that is within @bound, in (0, 1]. */
static inline double mrc_sample_rate(int64_t bound)
{
	return ((double)((uint64_t)bound + (UINT64_C(1) << 63)) + 1) * 0x1p-64;
}

#endif /* MRC_SRC_SAMPLE_FILTER_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * AET: the LRU miss-ratio curve from reuse times alone, in O(1) per access.
 *
 * P(t) is the share of accesses whose reuse time is strictly greater than t,
 * cold accesses counted as infinite. A page at LRU stack position m is pushed
 * down with probability P(t), so the average eviction time AET(c) of a memory
 * of c pages and its miss ratio are
 *
 *	integral from 0 to AET(c) of P(t) dt = c	MRC(c) = P(AET(c))
 *
 * Source: Hu, Wang, Li, Zhou, Wang, Luo, Jiang, Ding: "Kinetic Modeling of Data
 * Eviction in Cache", USENIX ATC 2016.
 *
 *	struct mrc_reuse *reuse;
 *	struct mrc_curve *curve;
 *	int err = mrc_reuse_new(7, &reuse);
 *	while (err == 0 && next_page(&page))
 *		err = mrc_reuse_access(reuse, page);
 *	if (err == 0)
 *		err = mrc_aet_curve(mrc_reuse_hist(reuse), 1, &curve);
 *	...
 *	mrc_curve_free(curve);
 *	mrc_reuse_free(reuse);
 *
 * Ownership: the caller frees what a function returns through ret_*, with
 * mrc_reuse_free() and mrc_curve_free(). mrc_reuse_hist() is a loan.
 * Threads: no globals. A counter is used by one thread at a time.
 * Errors: 0 or -errno; a call that fails changes neither its object nor its
 * outputs. Passing NULL where only mrc_reuse_free() allows it is undefined.
 */
#ifndef MRC_AET_H
#define MRC_AET_H

#include <stddef.h>
#include <stdint.h>

#include <mrc/curve.h>
#include <mrc/hist.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Largest inverse sampling rate that mrc_aet_curve() takes. */
#define MRC_AET_MAX_INVERSE_RATE 4294967296.0

/**
 * mrc_aet_curve() - the miss-ratio curve of a reuse-time histogram
 * @hist: histogram with at least one access
 * @inverse_rate: one page in @inverse_rate was sampled and reuse times count
 *	sampled accesses; 1 (all) .. MRC_AET_MAX_INVERSE_RATE. Every size is
 *	multiplied by it.
 * @ret_curve: the curve, to be freed with mrc_curve_free()
 *
 * Exact AET where buckets hold one reuse time: the curve has a point at every
 * reuse time t in the histogram and at t - 1, so a loop over N pages falls
 * between N - 1 and N. In a wider bucket the accesses are taken to be spread
 * evenly over its reuse times, so a size is off by less than the bucket's
 * width. Cold accesses are misses at every size: the curve ends at their
 * share.
 *
 * Returns 0; -EINVAL @inverse_rate is out of range; -ENODATA @hist is empty;
 * -ENOMEM. O(buckets).
 */
int mrc_aet_curve(const struct mrc_hist *hist, double inverse_rate,
		  struct mrc_curve **ret_curve);

/*
 * A streaming counter of reuse times; opaque. Takes at most 43 bytes per
 * distinct page besides its histogram, 64 while its table grows.
 */
struct mrc_reuse;

/**
 * mrc_reuse_new() - allocate a counter that has seen nothing
 * @sub_bucket_bits: layout of its histogram, see mrc_hist_new()
 * @ret_reuse: the counter, to be freed with mrc_reuse_free()
 *
 * Returns 0; -EINVAL @sub_bucket_bits is out of range; -ENOMEM.
 */
int mrc_reuse_new(unsigned int sub_bucket_bits, struct mrc_reuse **ret_reuse);

/**
 * mrc_reuse_free() - free a counter and its histogram
 * @reuse: counter or NULL
 */
void mrc_reuse_free(struct mrc_reuse *reuse);

/**
 * mrc_reuse_access() - count one access
 * @reuse: counter
 * @page: page number, any value
 *
 * Returns 0; -ENOMEM; -ERANGE the page was last accessed
 * 2^MRC_HIST_VALUE_BITS or more accesses ago. O(1) on average.
 */
int mrc_reuse_access(struct mrc_reuse *reuse, uint64_t page);

/**
 * mrc_reuse_hist() - the histogram of the accesses so far
 * @reuse: counter
 *
 * Returns the counter's own histogram: valid until mrc_reuse_free(), changed
 * by mrc_reuse_access().
 */
const struct mrc_hist *mrc_reuse_hist(const struct mrc_reuse *reuse);

#ifdef __cplusplus
}
#endif

#endif /* MRC_AET_H */

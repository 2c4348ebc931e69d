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
 * Cold accesses are infinite only if nothing was accessed before the trace. An
 * access that was not reused within what is known of it is better *censored*
 * there: P is then the product-limit estimate, which takes what is not known to
 * be like what is. With all accesses counted, that is what AET's error on a
 * trace of finite length consists of, as long as the trace stays the same.
 *
 * Sources: Hu, Wang, Li, Zhou, Wang, Luo, Jiang, Ding: "Kinetic Modeling of Data
 * Eviction in Cache", USENIX ATC 2016; Kaplan, Meier: "Nonparametric estimation
 * from incomplete observations", JASA 53, 1958; Tsai, Jewell, Wang: "A note on the
 * product-limit estimator under right censoring and left truncation", Biometrika
 * 74(4), 1987.
 *
 *	const struct mrc_reuse_options options = {
 *		.sub_bucket_bits = 10,
 *		.sampling = MRC_REUSE_REFERENCES,
 *		.inverse_rate = 100,
 *	};
 *	struct mrc_reuse *reuse;
 *	struct mrc_curve *curve;
 *	int err = mrc_reuse_new_with(&options, &reuse);
 *	while (err == 0 && (nr = read_pages(pages)) > 0)
 *		err = mrc_reuse_access_n(reuse, pages, nr);
 *	if (err == 0)
 *		err = mrc_reuse_curve(reuse, &curve);
 *	...
 *	mrc_curve_free(curve);
 *	mrc_reuse_free(reuse);
 *
 * Ownership: the caller frees what a function returns through ret_*, with
 * mrc_reuse_free() and mrc_curve_free(). mrc_reuse_hist() is a loan.
 * Threads: no globals. Functions taking a const counter may run in parallel on
 * one counter; a function taking it non-const needs it alone.
 * Errors: 0 or -errno; a call that fails changes neither its object nor its
 * outputs, except where it says otherwise. Passing NULL where only
 * mrc_reuse_free() allows it is undefined.
 */
#ifndef MRC_AET_H
#define MRC_AET_H

#include <stdbool.h>
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
 * With censored accesses P is the product-limit estimate, and the curve is that
 * of a memory that has long been in use: it ends with what is known, at the
 * size where the longest reuse time is an eviction time. With accesses that entered,
 * only those watched at a reuse time are what its share is of (left truncation).
 * Those censored or entered within a wider bucket count for half of it.
 *
 * Returns 0; -EINVAL @inverse_rate is out of range; -ENODATA @hist is empty;
 * -ENOMEM. O(buckets).
 */
int mrc_aet_curve(const struct mrc_hist *hist, double inverse_rate,
		  struct mrc_curve **ret_curve);

/**
 * mrc_aet_band() - a confidence band of mrc_aet_curve()
 * @hist: as there
 * @inverse_rate: as there
 * @level: of confidence, in (0, 1); 0.95 is usual
 * @ret_low: lower end, to be freed with mrc_curve_free()
 * @ret_high: upper end, likewise
 *
 * At each size on its own, the ratio that all pages would have had, none left
 * out, is between the ends with probability @level, if the accesses counted are
 * independent. It covers the choice of the sample: which accesses were counted, and
 * how many pages a sampled one stands for; and the width of buckets. Where pages
 * differ in how often they are accessed, the accesses of a page come into the
 * sample together, and the band is too narrow: a histogram does not tell which
 * accesses those are. mrc_reuse_band() knows. No band covers what the model
 * gets wrong. At @inverse_rate 1 there is no sample, and what is left are the
 * buckets.
 *
 * Returns 0; -EINVAL @inverse_rate or @level is out of range; -ENODATA @hist is
 * empty; -ENOMEM. O(buckets * log buckets).
 */
int mrc_aet_band(const struct mrc_hist *hist, double inverse_rate, double level,
		 struct mrc_curve **ret_low, struct mrc_curve **ret_high);

/**
 * mrc_aet_writeback_curve() - the write-backs of a memory, by its size
 * @hist: reuse times of all accesses
 * @writes: of the writes among them: for each, the accesses since its page was
 *	*written* before, reads in between or not; the same layout and sample
 * @inverse_rate: as for mrc_aet_curve()
 * @ret_curve: upper bound of the share of writes that lead to a write-back, to be
 *	freed with mrc_curve_free(); times the rate of writes, as with
 *	mrc_curve_misses_per_s(), that of write-backs
 *
 * In AET's model a page leaves when it has been idle for AET(c), and is written
 * back if it is dirty: once between two writes, if it was idle for so long anywhere
 * between them. So it is not if the two are no further apart than AET(c), and
 * nothing is that was not evicted, which are as many as the misses:
 *
 *	write-backs per write <= min(Pw(AET(c)), P(AET(c)) accesses / writes)
 *
 * with P of @hist and Pw of @writes. Two histograms do not tell more: which
 * reads kept a page in memory is not in them. It is equality where pages are either
 * not read or not written. With uniform and independent accesses, a share q of which
 * are writes, it is above P / (q + P - q P), which is true then, by at most 0.1 for
 * q = 1/2, 0.32 for 1/10 and 0.46 for 1/100, where P is about q; at large sizes,
 * which matter, by little. The last write to a page, cold or censored in @writes,
 * counts as written back, as it is in the end.
 *
 * Source: as mrc_aet_curve(); the bound is ours.
 *
 * Returns 0; -EINVAL @inverse_rate is out of range, the layouts differ, or there are
 * more writes than accesses; -ENODATA @writes is empty; -ENOMEM. O(buckets).
 */
int mrc_aet_writeback_curve(const struct mrc_hist *hist,
			    const struct mrc_hist *writes, double inverse_rate,
			    struct mrc_curve **ret_curve);

/*
 * A streaming counter of reuse times; opaque. Takes at most 28 bytes per distinct
 * page, also while its table grows, and its histograms: one, and one per window.
 * In a sample of references, at most that per page with a sampled reference
 * that has not been reused; in a sample of pages, per sampled page. A page not
 * accessed for 2^31 accesses takes up to 43 bytes more.
 */
struct mrc_reuse;

/**
 * enum mrc_reuse_sampling - which accesses are counted
 * @MRC_REUSE_ALL: every one
 * @MRC_REUSE_REFERENCES: each with the same probability, however often its page
 *	is accessed; counted when its page is accessed next. The choice when in
 *	doubt.
 * @MRC_REUSE_PAGES: all those of pages chosen by a hash, as the kernel module
 *	does
 *
 * Whatever the sampling, reuse times count all accesses.
 */
enum mrc_reuse_sampling {
	MRC_REUSE_ALL,
	MRC_REUSE_REFERENCES,
	MRC_REUSE_PAGES,
};

/**
 * struct mrc_reuse_options - how to count; all zero is a valid default
 * @sub_bucket_bits: layout of the histograms, see mrc_hist_new(). 10 for curves near
 *	to the exact ones also where these have steps; 7 blurs a step by 1 %, for an
 *	eighth of the memory
 * @sampling: which accesses are counted
 * @inverse_rate: one in so many is, on average; 1 ..
 *	MRC_AET_MAX_INVERSE_RATE, ignored with MRC_REUSE_ALL
 * @seed: of the sample: the same seed, the same sample
 * @window_accesses: length of a window with reuse times of its own, in
 *	accesses; 0 for one window over all. With 64 windows, neighbours become
 *	one and the length doubles. Choose windows so short that the trace does
 *	not change within one, and so long that thousands of accesses are counted
 *	in it: 2^16 to 2^20 without sampling.
 * @is_cold_infinite: count first accesses as cold, instead of as censored at
 *	the number of accesses before; not with windows or sampled references
 * @is_mergeable: keep what it takes to be @later of mrc_reuse_merge(): when each
 *	page was accessed first, at most 24 bytes more per page, 40 while that grows;
 *	ignored with MRC_REUSE_REFERENCES, which needs nothing
 */
struct mrc_reuse_options {
	unsigned int sub_bucket_bits;
	enum mrc_reuse_sampling sampling;
	double inverse_rate;
	uint64_t seed;
	uint64_t window_accesses;
	bool is_cold_infinite;
	bool is_mergeable;
};

/**
 * mrc_reuse_new() - allocate a counter of all accesses, cold ones infinite
 * @sub_bucket_bits: layout of its histogram, see mrc_hist_new()
 * @ret_reuse: the counter, to be freed with mrc_reuse_free()
 *
 * Returns 0; -EINVAL @sub_bucket_bits is out of range; -ENOMEM.
 */
int mrc_reuse_new(unsigned int sub_bucket_bits, struct mrc_reuse **ret_reuse);

/**
 * mrc_reuse_new_with() - allocate a counter that has seen nothing
 * @options: how it counts; copied
 * @ret_reuse: the counter, to be freed with mrc_reuse_free()
 *
 * Returns 0; -EINVAL an option is out of range or does not go with another;
 * -ENOMEM.
 */
int mrc_reuse_new_with(const struct mrc_reuse_options *options,
		       struct mrc_reuse **ret_reuse);

/**
 * mrc_reuse_free() - free a counter and its histograms
 * @reuse: counter or NULL
 */
void mrc_reuse_free(struct mrc_reuse *reuse);

/**
 * mrc_reuse_access() - count one access
 * @reuse: counter
 * @page: page number, any value
 *
 * Returns 0; -ENOMEM; -ERANGE there were 2^MRC_HIST_VALUE_BITS - 1 accesses
 * already. O(1) on average.
 */
int mrc_reuse_access(struct mrc_reuse *reuse, uint64_t page);

/**
 * mrc_reuse_access_n() - count accesses in their order
 * @reuse: counter
 * @pages: @nr_pages page numbers
 * @nr_pages: any; several times faster than one by one from 32 on
 *
 * Returns 0; -ENOMEM or -ERANGE as mrc_reuse_access(): then the first ones have
 * been counted, as many as mrc_reuse_nr_accesses() has grown by.
 */
int mrc_reuse_access_n(struct mrc_reuse *reuse, const uint64_t *pages,
		       size_t nr_pages);

/**
 * mrc_reuse_nr_accesses() - number of accesses, whether sampled or not
 * @reuse: counter
 */
uint64_t mrc_reuse_nr_accesses(const struct mrc_reuse *reuse);

/**
 * mrc_reuse_hist() - the histogram of the accesses so far
 * @reuse: counter
 *
 * With MRC_REUSE_REFERENCES it has only those accesses whose page has been
 * accessed again. Those that wait are missing, not censored: for a curve use
 * mrc_reuse_curve().
 *
 * Returns the counter's own histogram: valid until mrc_reuse_free(), changed
 * by mrc_reuse_access().
 */
const struct mrc_hist *mrc_reuse_hist(const struct mrc_reuse *reuse);

/**
 * mrc_reuse_merge() - append what another counter saw later
 * @reuse: counter of the first part of a stream; becomes that of both
 * @later: counter of the rest, made with the same options and @is_mergeable (which
 *	@reuse may lack); not @reuse itself
 *
 * So parts of one trace can be counted at the same time. With all accesses or
 * sampled pages @reuse is afterwards what it would be, had it seen the whole stream:
 * the same histogram, curve and band, now and after any further access. With sampled
 * references, an access whose page was not accessed again in the first part is
 * censored where that ends. Reuse times longer than the parts are not known then:
 * parts of three to six passes over the pages double the error, which is small. With
 * windows, the first part must be a whole number of them, as long as they are by then
 * in either counter.
 *
 * Counters of disjoint sets of pages, of one stream, cannot be merged: reuse times
 * count the accesses of all.
 *
 * Returns 0; -EINVAL the options differ, or @later is not mergeable, or the first
 * part ends within a window; -ERANGE together there were 2^MRC_HIST_VALUE_BITS
 * accesses; -ENOMEM. O(distinct pages of @later).
 */
int mrc_reuse_merge(struct mrc_reuse *reuse, const struct mrc_reuse *later);

/**
 * mrc_reuse_nr_windows() - number of windows begun, at least 1
 * @reuse: counter
 */
size_t mrc_reuse_nr_windows(const struct mrc_reuse *reuse);

/**
 * mrc_reuse_curve() - the miss-ratio curve of the accesses so far
 * @reuse: counter with at least one access
 * @ret_curve: the curve, to be freed with mrc_curve_free()
 *
 * It is that of an LRU memory that is empty when the trace begins, which is what
 * mrc_lru_curve() computes: first accesses miss at every size. (For a memory long
 * in use: mrc_aet_curve() of mrc_reuse_hist(), at inverse rate 1.) Each window's
 * accesses are weighed against the pages that the windows before have left in
 * memory, and the curve is the mean of all windows, by accesses. Sizes are whole
 * pages below 2^(sub_bucket_bits + 1), and 2^sub_bucket_bits from one power of
 * two to the next, linear in between.
 *
 * Returns 0; -ENODATA nothing was accessed or sampled; -ENOMEM.
 * O(buckets * windows^2).
 */
int mrc_reuse_curve(const struct mrc_reuse *reuse,
		    struct mrc_curve **ret_curve);

/**
 * mrc_reuse_band() - a confidence band of mrc_reuse_curve()
 * @reuse: counter with at least one access
 * @level: of confidence, in (0, 1); 0.95 is usual
 * @ret_low: lower end, to be freed with mrc_curve_free()
 * @ret_high: upper end, likewise
 *
 * At each size on its own, the curve of all accesses is between the ends with
 * probability @level; not at all sizes at once. The error of a sample of references
 * is found by a bootstrap; that of a sample of pages by a jackknife of its pages in
 * 20 groups, so that it covers hot pages being in the sample or not, once there
 * are some in it. If fewer accesses were sampled than there should be, it reaches down
 * to where it would be if all those missing were hits, of hot pages. Where the counter cannot tell sizes apart, the band is wider by
 * the distance of two. No band covers what the model gets wrong. With
 * MRC_REUSE_ALL nothing is sampled, and what is left are the buckets. The same
 * accesses and options give the same band.
 *
 * Source: Efron: "Bootstrap methods: another look at the jackknife", Annals of
 * Statistics 7(1), 1979.
 *
 * Returns 0; -EINVAL @level is out of range; -ENODATA nothing was accessed or
 * sampled; -ENOMEM. Takes up to 40 times as long as mrc_reuse_curve().
 */
int mrc_reuse_band(const struct mrc_reuse *reuse, double level,
		   struct mrc_curve **ret_low, struct mrc_curve **ret_high);

#ifdef __cplusplus
}
#endif

#endif /* MRC_AET_H */

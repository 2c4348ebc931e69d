/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Miss-ratio curve: the share of accesses that miss, by memory size.
 *
 * A curve is a list of points (size, miss ratio) with sizes strictly
 * increasing from 0 and miss ratios in [0, 1], non-increasing, 1 at size 0.
 * Between two points it is linear; behind the last it stays at the last ratio.
 * Sizes are in pages, as double, because a sampled curve has points between
 * whole pages.
 *
 *	uint64_t pages;
 *	if (mrc_curve_wss_pages(curve, 0.05, &pages) == 0)
 *		printf("working set: %" PRIu64 " pages\n", pages);
 *	printf("at 1 GiB: %.3f\n", mrc_curve_at(curve, 262144));
 *	mrc_curve_free(curve);
 *
 * Ownership: the caller of a function that returns a curve frees it with
 * mrc_curve_free(). A curve refers to nothing it was made from.
 * Threads: a curve never changes, so threads may share it; only
 * mrc_curve_free() needs it alone.
 * Errors: 0 or -errno; outputs are untouched on failure. Passing NULL where
 * only mrc_curve_free() allows it is undefined.
 */
#ifndef MRC_CURVE_H
#define MRC_CURVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A miss-ratio curve; opaque. */
struct mrc_curve;

/**
 * mrc_curve_new() - make a curve from its points
 * @sizes_pages: @nr_points sizes: finite, strictly increasing, the first is 0
 * @miss_ratios: @nr_points ratios: in [0, 1], non-increasing, the first is 1
 * @nr_points: at least 1
 * @ret_curve: the curve, to be freed with mrc_curve_free()
 *
 * Returns 0; -EINVAL the points are not a curve; -ENOMEM.
 */
int mrc_curve_new(const double *sizes_pages, const double *miss_ratios,
		  size_t nr_points, struct mrc_curve **ret_curve);

/**
 * mrc_curve_free() - free a curve
 * @curve: curve or NULL
 */
void mrc_curve_free(struct mrc_curve *curve);

/**
 * mrc_curve_at() - miss ratio at a size
 * @curve: curve
 * @size_pages: at least 0; infinity is allowed
 *
 * Returns the ratio, in [0, 1]. Outside its domain (negative or NaN size) the
 * function has no value and returns NaN. O(log points).
 */
double mrc_curve_at(const struct mrc_curve *curve, double size_pages);

/**
 * mrc_curve_wss_pages() - working-set size at a tolerated miss ratio
 * @curve: curve
 * @miss_ratio: tolerated miss ratio, in [0, 1]; 0.05 is usual
 * @ret_pages: the smallest whole number of pages c for which
 *	mrc_curve_at(@curve, c) <= @miss_ratio
 *
 * Returns 0; -EINVAL @miss_ratio is outside [0, 1]; -ERANGE the curve never
 * gets that low, for instance because more accesses than that are cold;
 * -EOVERFLOW the size is above 2^53 pages, where a double no longer counts
 * single pages. O(log points).
 */
int mrc_curve_wss_pages(const struct mrc_curve *curve, double miss_ratio,
			uint64_t *ret_pages);

/**
 * mrc_curve_nr_points() - number of points, at least 1
 * @curve: curve
 */
size_t mrc_curve_nr_points(const struct mrc_curve *curve);

/**
 * mrc_curve_point() - read one point
 * @curve: curve
 * @index: below mrc_curve_nr_points(); point 0 is (0, 1)
 * @ret_size_pages: size of the point in pages
 * @ret_miss_ratio: miss ratio there
 *
 * Returns 0; -ERANGE there is no such point.
 */
int mrc_curve_point(const struct mrc_curve *curve, size_t index,
		    double *ret_size_pages, double *ret_miss_ratio);

/**
 * mrc_curve_max_pages() - size of the last point, behind which more memory is
 * not known to help
 * @curve: curve
 */
double mrc_curve_max_pages(const struct mrc_curve *curve);

/**
 * mrc_curve_marginal() - what one more page is worth
 * @curve: curve
 * @size_pages: at least 0; infinity is allowed
 *
 * Returns by how much the miss ratio falls per page from @size_pages on: the
 * slope to the right, with its sign turned, so at a kink that of the line that
 * begins there. At least 0; 0 behind the last point. NaN for a negative or NaN
 * size. On a curve with steps only that of mrc_curve_hull() tells how well
 * memory is spent: before a step one more page is worth nothing. O(log points).
 */
double mrc_curve_marginal(const struct mrc_curve *curve, double size_pages);

/**
 * mrc_curve_misses_per_s() - predicted misses per second
 * @curve: curve
 * @size_pages: at least 0; infinity is allowed
 * @accesses_per_s: at least 0
 *
 * Misses, not their ratio, are what balancing memory between VMs trades.
 *
 * Returns the rate; NaN if an argument is outside its range.
 */
double mrc_curve_misses_per_s(const struct mrc_curve *curve, double size_pages,
			      double accesses_per_s);

/**
 * mrc_curve_hull() - the lower convex hull of a curve
 * @curve: curve
 * @ret_hull: the largest convex curve that is nowhere above it, to be freed
 *	with mrc_curve_free(); its points are points of @curve
 *
 * Partitioning a memory can reach it: Beckmann, Sanchez: "Talus: A simple way
 * to remove cliffs in cache performance", HPCA 2015. Found by a monotone chain
 * (Andrew: "Another efficient algorithm for convex hulls in two dimensions",
 * Information Processing Letters 9(5), 1979).
 *
 * Returns 0; -ENOMEM. O(points).
 */
int mrc_curve_hull(const struct mrc_curve *curve, struct mrc_curve **ret_hull);

/**
 * mrc_curve_scale() - a curve with all sizes multiplied
 * @curve: curve
 * @factor: finite, above 0: for another page size, or a sampling rate
 * @ret_curve: the curve, to be freed with mrc_curve_free()
 *
 * Returns 0; -EINVAL @factor is out of range; -ERANGE sizes overflow or
 * underflow; -ENOMEM.
 */
int mrc_curve_scale(const struct mrc_curve *curve, double factor,
		    struct mrc_curve **ret_curve);

/**
 * mrc_curve_combine() - the curve of several VMs that share a memory
 * @curves: @nr_curves curves
 * @weights: @nr_curves rates of accesses, in any unit: finite, at least 0, not
 *	all 0
 * @nr_curves: at least 1
 * @ret_curve: the curve, to be freed with mrc_curve_free(): share of all
 *	accesses that miss, by the size of the whole memory, when it is split
 *	as mrc_curve_split() does
 *
 * Returns 0; -EINVAL an argument is out of range; -ERANGE sizes or weights
 * overflow; -ENOMEM. O(points * log points).
 */
int mrc_curve_combine(const struct mrc_curve *const *curves,
		      const double *weights, size_t nr_curves,
		      struct mrc_curve **ret_curve);

/**
 * mrc_curve_split() - split a memory between VMs for the fewest misses
 * @curves: @nr_curves curves
 * @weights: @nr_curves rates of accesses, as for mrc_curve_combine()
 * @nr_curves: at least 1
 * @total_pages: memory to be split, at least 0; infinity is allowed
 * @ret_pages: @nr_curves sizes, together at most @total_pages; less if no VM
 *	gains by more
 *
 * Memory goes where its marginal worth times weight is greatest, along the
 * hulls of the curves, for which that is optimal: Stone, Turek, Wolf: "Optimal
 * partitioning of cache memory", IEEE Transactions on Computers 41(9), 1992.
 * All sizes but one are at corners of the hulls, where hull and curve meet; the
 * VM with the last one may miss more than its hull says, if its curve is not
 * convex. Of several equally worthy VMs the first is served first.
 *
 * Returns 0; -EINVAL an argument is out of range; -ERANGE sizes or weights
 * overflow; -ENOMEM. O(points * log points).
 */
int mrc_curve_split(const struct mrc_curve *const *curves,
		    const double *weights, size_t nr_curves, double total_pages,
		    double *ret_pages);

/**
 * struct mrc_curve_difference - how far apart two curves are
 * @mean: mean absolute difference of the miss ratios
 * @max: greatest absolute difference
 * @max_at_pages: the smallest size where that is
 */
struct mrc_curve_difference {
	double mean;
	double max;
	double max_at_pages;
};

/**
 * mrc_curve_diff() - compare two curves at given sizes
 * @curve: curve
 * @other: another one
 * @sizes_pages: @nr_sizes sizes, each at least 0; infinity is allowed
 * @nr_sizes: at least 1
 * @ret_difference: how far apart they are
 *
 * Returns 0; -EINVAL an argument is out of range.
 */
int mrc_curve_diff(const struct mrc_curve *curve, const struct mrc_curve *other,
		   const double *sizes_pages, size_t nr_sizes,
		   struct mrc_curve_difference *ret_difference);

/**
 * mrc_curve_diff_evenly() - compare two curves at sizes spread evenly
 * @curve: curve
 * @other: another one
 * @max_pages: the last size, finite, above 0
 * @nr_sizes: at least 1: the sizes are @max_pages * i / @nr_sizes for i = 1 ..
 *	@nr_sizes; 100 is usual
 * @ret_difference: how far apart they are
 *
 * Returns 0; -EINVAL an argument is out of range.
 */
int mrc_curve_diff_evenly(const struct mrc_curve *curve,
			  const struct mrc_curve *other, double max_pages,
			  size_t nr_sizes,
			  struct mrc_curve_difference *ret_difference);

#ifdef __cplusplus
}
#endif

#endif /* MRC_CURVE_H */

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

#ifdef __cplusplus
}
#endif

#endif /* MRC_CURVE_H */

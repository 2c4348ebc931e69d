// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/smooth.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <mrc/hist.h>

#include "cleanup_curve.h"
#include "units.h"

/*
 * Sizes of the common grid are those of a histogram's buckets: no two neighbours
 * are further apart than 1/64 of their size.
 */
#define SMOOTH_GRID_BITS 6

/* A point that is so near to the line between its neighbours is left out. */
#define SMOOTH_LINE 1e-6

/* A curve over more pages than that is none. */
#define SMOOTH_MAX_PAGES 0x1p52

void smooth_done(struct smooth *smooth)
{
	mrc_curve_free(smooth->curve);
	mrc_curve_free(smooth->lower);
	mrc_curve_free(smooth->upper);
	*smooth = (struct smooth){ 0 };
}

/* Leaves out points on a line; returns how many are left. */
static size_t smooth_thin(double *sizes, double *ratios, size_t nr_points)
{
	size_t nr_kept = 1, i;

	for (i = 1; i < nr_points; i++) {
		double share, line;

		if (i + 1 < nr_points) {
			share = (sizes[i] - sizes[nr_kept - 1]) /
				(sizes[i + 1] - sizes[nr_kept - 1]);
			line = ratios[nr_kept - 1] +
			       share * (ratios[i + 1] - ratios[nr_kept - 1]);
			if (fabs(ratios[i] - line) < SMOOTH_LINE)
				continue;
		}
		sizes[nr_kept] = sizes[i];
		ratios[nr_kept++] = ratios[i];
	}
	return nr_kept;
}

/* The mean of two curves; @old counts for nothing if NULL or without weight. */
static int smooth_mean(const struct mrc_curve *old, double old_weight,
		       const struct mrc_curve *new, double new_weight,
		       struct mrc_curve **ret_curve)
{
	_cleanup_free_ double *sizes = NULL, *ratios = NULL;
	double max_pages = mrc_curve_max_pages(new), share = 1, size;
	size_t room, nr_points = 0, i;

	if (old && old_weight > 0) {
		max_pages = fmax(max_pages, mrc_curve_max_pages(old));
		share = new_weight / (old_weight + new_weight);
	}
	max_pages = fmin(max_pages, SMOOTH_MAX_PAGES);
	room = mrc_bucket_index(SMOOTH_GRID_BITS, (uint64_t)max_pages) + 2;
	sizes = calloc(room, sizeof(*sizes));
	ratios = calloc(room, sizeof(*ratios));
	if (!sizes || !ratios)
		return -ENOMEM;
	for (i = 0; i < room; i++) {
		double ratio;

		size = (double)mrc_bucket_low(SMOOTH_GRID_BITS, i);
		/* The very last point, as the curve stays at its ratio. */
		if (size > max_pages)
			size = max_pages;
		if (nr_points > 0 && size <= sizes[nr_points - 1])
			break;
		ratio = share * mrc_curve_at(new, size);
		if (share < 1)
			ratio += (1 - share) * mrc_curve_at(old, size);
		/* Rounding must not turn it upwards. */
		if (nr_points > 0)
			ratio = fmin(ratio, ratios[nr_points - 1]);
		else
			ratio = 1;
		sizes[nr_points] = size;
		ratios[nr_points++] = ratio;
	}
	nr_points = smooth_thin(sizes, ratios, nr_points);
	return mrc_curve_new(sizes, ratios, nr_points, ret_curve);
}

static double smooth_fade(const struct smooth *smooth,
			  const struct window *window, double half_life_s)
{
	double elapsed_s;

	if (!(half_life_s > 0))
		return 0;
	elapsed_s = window->end_ns > smooth->end_ns ?
			    units_seconds(window->end_ns - smooth->end_ns) :
			    0;
	return exp2(-elapsed_s / half_life_s);
}

int smooth_add(struct smooth *smooth, const struct window *window,
	       double half_life_s)
{
	_cleanup_curve_ struct mrc_curve *curve = NULL, *lower = NULL;
	_cleanup_curve_ struct mrc_curve *upper = NULL;
	double fade = smooth_fade(smooth, window, half_life_s);
	double old_weight = smooth->accesses * fade;
	double new_weight = (double)window->accesses * window->scale;
	int err;

	if (window->curve) {
		err = smooth_mean(smooth->curve, old_weight, window->curve,
				  new_weight, &curve);
		if (err == 0)
			err = smooth_mean(smooth->lower, old_weight,
					  window->lower, new_weight, &lower);
		if (err == 0)
			err = smooth_mean(smooth->upper, old_weight,
					  window->upper, new_weight, &upper);
		if (err < 0)
			return err;
		mrc_curve_free(smooth->curve);
		mrc_curve_free(smooth->lower);
		mrc_curve_free(smooth->upper);
		smooth->curve = TAKE_PTR(curve);
		smooth->lower = TAKE_PTR(lower);
		smooth->upper = TAKE_PTR(upper);
	}
	smooth->accesses = old_weight + new_weight;
	smooth->seconds = smooth->seconds * fade + window_seconds(window);
	smooth->max_distinct_pages = window->distinct_pages;
	smooth->range_pages = window->range_pages;
	smooth->end_ns = window->end_ns;
	return 0;
}

double smooth_accesses_per_s(const struct smooth *smooth)
{
	return smooth->seconds > 0 ? smooth->accesses / smooth->seconds : 0;
}

enum vm_wss smooth_wss(const struct smooth *smooth, double miss_ratio,
		       uint64_t *ret_bytes)
{
	enum vm_wss wss;
	double bound;
	uint64_t pages;

	*ret_bytes = 0;
	if (!smooth->curve)
		return VM_WSS_UNKNOWN;
	wss = VM_WSS_KNOWN;
	if (mrc_curve_wss_pages(smooth->curve, miss_ratio, &pages)) {
		wss = VM_WSS_ABOVE;
		bound = fmax(mrc_curve_max_pages(smooth->curve),
			     smooth->max_distinct_pages);
		pages = (uint64_t)fmin(bound, SMOOTH_MAX_PAGES);
	}
	/* The model's caches have no end: see window_set_wss(). */
	if (smooth->range_pages && pages > smooth->range_pages)
		pages = smooth->range_pages;
	*ret_bytes = pages * VIEW_PAGE_BYTES;
	return wss;
}

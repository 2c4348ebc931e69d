// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/curve.h>

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "curve_points.h"

/* Above it a double no longer counts single pages. */
#define MAX_WHOLE_PAGES (UINT64_C(1) << 53)

struct point {
	double size_pages;
	double miss_ratio;
};

struct mrc_curve {
	size_t nr_points;
	struct point points[];
};

struct mrc_curve *mrc_curve_alloc(size_t max_points)
{
	struct mrc_curve *curve;

	if (max_points > (SIZE_MAX - sizeof(*curve)) / sizeof(struct point))
		return NULL;
	curve = malloc(sizeof(*curve) + max_points * sizeof(struct point));
	if (curve == NULL)
		return NULL;
	curve->points[0] = (struct point){ .size_pages = 0, .miss_ratio = 1 };
	curve->nr_points = 1;
	return curve;
}

void mrc_curve_append(struct mrc_curve *curve, double size_pages,
		      double miss_ratio)
{
	const struct point *last = &curve->points[curve->nr_points - 1];

	assert(size_pages >= last->size_pages);
	assert(miss_ratio >= 0 && miss_ratio <= last->miss_ratio);
	if (size_pages == last->size_pages)
		curve->nr_points--;
	curve->points[curve->nr_points++] = (struct point){
		.size_pages = size_pages,
		.miss_ratio = miss_ratio,
	};
}

int mrc_curve_new(const double *sizes_pages, const double *miss_ratios,
		  size_t nr_points, struct mrc_curve **ret_curve)
{
	struct mrc_curve *curve;
	size_t i;

	/* Written so that a NaN fails every condition. */
	if (nr_points == 0 || !(sizes_pages[0] == 0 && miss_ratios[0] == 1))
		return -EINVAL;
	for (i = 1; i < nr_points; i++) {
		if (!(sizes_pages[i] > sizes_pages[i - 1] &&
		      isfinite(sizes_pages[i])))
			return -EINVAL;
		if (!(miss_ratios[i] <= miss_ratios[i - 1] &&
		      miss_ratios[i] >= 0))
			return -EINVAL;
	}

	curve = mrc_curve_alloc(nr_points);
	if (curve == NULL)
		return -ENOMEM;
	for (i = 1; i < nr_points; i++)
		mrc_curve_append(curve, sizes_pages[i], miss_ratios[i]);
	*ret_curve = curve;
	return 0;
}

void mrc_curve_free(struct mrc_curve *curve)
{
	free(curve);
}

/* Index of the last point whose size is at most @size_pages (at least 0). */
static size_t find_segment(const struct mrc_curve *curve, double size_pages)
{
	size_t low = 0;
	size_t high = curve->nr_points;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (curve->points[mid].size_pages <= size_pages)
			low = mid;
		else
			high = mid;
	}
	return low;
}

double mrc_curve_at(const struct mrc_curve *curve, double size_pages)
{
	const struct point *from;
	const struct point *to;
	double share;

	if (!(size_pages >= 0))
		return NAN;
	from = &curve->points[find_segment(curve, size_pages)];
	if (from == &curve->points[curve->nr_points - 1])
		return from->miss_ratio;
	to = from + 1;
	share = (size_pages - from->size_pages) /
		(to->size_pages - from->size_pages);
	/* Rounding may carry the sum below the next point, but not twice. */
	return fmax(from->miss_ratio +
			    share * (to->miss_ratio - from->miss_ratio),
		    to->miss_ratio);
}

double mrc_curve_marginal(const struct mrc_curve *curve, double size_pages)
{
	const struct point *from;

	if (!(size_pages >= 0))
		return NAN;
	from = &curve->points[find_segment(curve, size_pages)];
	if (from == &curve->points[curve->nr_points - 1])
		return 0;
	return (from->miss_ratio - from[1].miss_ratio) /
	       (from[1].size_pages - from->size_pages);
}

/* Index of the first point at or below @miss_ratio, or the number of points. */
static size_t find_ratio(const struct mrc_curve *curve, double miss_ratio)
{
	size_t low = 0;
	size_t high = curve->nr_points;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (curve->points[mid].miss_ratio <= miss_ratio)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

int mrc_curve_wss_pages(const struct mrc_curve *curve, double miss_ratio,
			uint64_t *ret_pages)
{
	uint64_t above;
	uint64_t below;
	size_t i;

	if (!(miss_ratio >= 0 && miss_ratio <= 1))
		return -EINVAL;
	i = find_ratio(curve, miss_ratio);
	if (i == curve->nr_points)
		return -ERANGE;
	if (i == 0) {
		*ret_pages = 0;
		return 0;
	}
	if (curve->points[i - 1].size_pages >= (double)MAX_WHOLE_PAGES)
		return -EOVERFLOW;
	above = (uint64_t)curve->points[i - 1].size_pages;
	below = MAX_WHOLE_PAGES;
	if (curve->points[i].size_pages < (double)MAX_WHOLE_PAGES)
		below = (uint64_t)ceil(curve->points[i].size_pages);
	if (mrc_curve_at(curve, (double)below) > miss_ratio)
		return -EOVERFLOW;

	/*
	 * Bisect mrc_curve_at() itself: inverting the line would round its own
	 * way and could miss the promised page by one.
	 */
	while (below - above > 1) {
		uint64_t mid = above + (below - above) / 2;

		if (mrc_curve_at(curve, (double)mid) <= miss_ratio)
			below = mid;
		else
			above = mid;
	}
	*ret_pages = below;
	return 0;
}

size_t mrc_curve_nr_points(const struct mrc_curve *curve)
{
	return curve->nr_points;
}

int mrc_curve_point(const struct mrc_curve *curve, size_t index,
		    double *ret_size_pages, double *ret_miss_ratio)
{
	if (index >= curve->nr_points)
		return -ERANGE;
	*ret_size_pages = curve->points[index].size_pages;
	*ret_miss_ratio = curve->points[index].miss_ratio;
	return 0;
}

double mrc_curve_max_pages(const struct mrc_curve *curve)
{
	return curve->points[curve->nr_points - 1].size_pages;
}

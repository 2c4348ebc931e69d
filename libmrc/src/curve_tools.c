// SPDX-License-Identifier: LGPL-2.1-or-later
/* What takes whole curves, and makes others of them. */
#include <mrc/curve.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "curve_points.h"

struct point {
	double size_pages;
	double miss_ratio;
};

/* A straight piece of the hull of one of several curves. */
struct piece {
	size_t owner; /* index of the curve */
	double start_pages;
	double end_pages;
	double fall; /* of the miss ratio, weighted */
	double slope; /* @fall per page */
};

static struct point point_at(const struct mrc_curve *curve, size_t index)
{
	struct point point = { 0, 1 };

	(void)mrc_curve_point(curve, index, &point.size_pages,
			      &point.miss_ratio);
	return point;
}

double mrc_curve_misses_per_s(const struct mrc_curve *curve, double size_pages,
			      double accesses_per_s)
{
	if (!(accesses_per_s >= 0))
		return NAN;
	return mrc_curve_at(curve, size_pages) * accesses_per_s;
}

/* Is @middle on or above the line from @left to @right? */
static bool is_above(struct point left, struct point middle, struct point right)
{
	return (middle.miss_ratio - left.miss_ratio) *
		       (right.size_pages - left.size_pages) >=
	       (right.miss_ratio - left.miss_ratio) *
		       (middle.size_pages - left.size_pages);
}

int mrc_curve_hull(const struct mrc_curve *curve, struct mrc_curve **ret_hull)
{
	size_t nr_points = mrc_curve_nr_points(curve);
	struct mrc_curve *hull = mrc_curve_alloc(nr_points);
	struct point *chain = malloc(nr_points * sizeof(*chain));
	size_t nr_chain = 0;
	size_t i;

	if (hull == NULL || chain == NULL) {
		mrc_curve_free(hull);
		free(chain);
		return -ENOMEM;
	}
	for (i = 0; i < nr_points; i++) {
		struct point point = point_at(curve, i);

		while (nr_chain >= 2 && is_above(chain[nr_chain - 2],
						 chain[nr_chain - 1], point))
			nr_chain--;
		chain[nr_chain++] = point;
	}
	for (i = 1; i < nr_chain; i++)
		mrc_curve_append(hull, chain[i].size_pages,
				 chain[i].miss_ratio);
	free(chain);
	*ret_hull = hull;
	return 0;
}

int mrc_curve_scale(const struct mrc_curve *curve, double factor,
		    struct mrc_curve **ret_curve)
{
	size_t nr_points = mrc_curve_nr_points(curve);
	struct mrc_curve *scaled;
	double before = 0;
	size_t i;

	if (!(factor > 0 && isfinite(factor)))
		return -EINVAL;
	scaled = mrc_curve_alloc(nr_points);
	if (scaled == NULL)
		return -ENOMEM;
	for (i = 1; i < nr_points; i++) {
		struct point point = point_at(curve, i);
		double size_pages = point.size_pages * factor;

		if (!(size_pages > before && isfinite(size_pages))) {
			mrc_curve_free(scaled);
			return -ERANGE;
		}
		mrc_curve_append(scaled, size_pages, point.miss_ratio);
		before = size_pages;
	}
	*ret_curve = scaled;
	return 0;
}

/* Steepest first; then in the order of the curves. */
static int compare_pieces(const void *a, const void *b)
{
	const struct piece *left = a;
	const struct piece *right = b;

	if (left->slope != right->slope)
		return left->slope < right->slope ? 1 : -1;
	if (left->owner != right->owner)
		return left->owner < right->owner ? -1 : 1;
	return (left->start_pages > right->start_pages) -
	       (left->start_pages < right->start_pages);
}

/* Append the pieces of @curve's hull that fall to @pieces. -ENOMEM, -ERANGE. */
static int add_pieces(const struct mrc_curve *curve, size_t owner,
		      double weight, struct piece *pieces, size_t *nr_pieces)
{
	struct mrc_curve *hull;
	struct point from = { 0, 1 };
	double before = INFINITY;
	size_t i;
	int err;

	err = mrc_curve_hull(curve, &hull);
	if (err < 0)
		return err;
	for (i = 1; i < mrc_curve_nr_points(hull); i++) {
		struct point to = point_at(hull, i);
		struct piece piece = {
			.owner = owner,
			.start_pages = from.size_pages,
			.end_pages = to.size_pages,
			.fall = (from.miss_ratio - to.miss_ratio) * weight,
		};

		piece.slope = piece.fall / (to.size_pages - from.size_pages);
		if (!isfinite(piece.slope)) {
			mrc_curve_free(hull);
			return -ERANGE;
		}
		/* Rounding must not make a piece overtake the one before. */
		piece.slope = fmin(piece.slope, before);
		before = piece.slope;
		if (piece.slope > 0)
			pieces[(*nr_pieces)++] = piece;
		from = to;
	}
	mrc_curve_free(hull);
	return 0;
}

/* The pieces of all hulls, the best first. To be freed with free(). */
static int new_pieces(const struct mrc_curve *const *curves,
		      const double *weights, size_t nr_curves,
		      struct piece **ret_pieces, size_t *ret_nr_pieces,
		      double *ret_sum)
{
	struct piece *pieces;
	size_t nr_pieces = 0;
	size_t nr_points = 0;
	double sum = 0;
	size_t i;
	int err;

	if (nr_curves == 0)
		return -EINVAL;
	for (i = 0; i < nr_curves; i++) {
		if (!(weights[i] >= 0 && isfinite(weights[i])))
			return -EINVAL;
		sum += weights[i];
		nr_points += mrc_curve_nr_points(curves[i]);
	}
	if (sum == 0)
		return -EINVAL;
	if (!isfinite(sum))
		return -ERANGE;
	if (nr_points > SIZE_MAX / sizeof(*pieces))
		return -ENOMEM;
	pieces = malloc(nr_points * sizeof(*pieces));
	if (pieces == NULL)
		return -ENOMEM;
	for (i = 0; i < nr_curves; i++) {
		err = add_pieces(curves[i], i, weights[i], pieces, &nr_pieces);
		if (err < 0) {
			free(pieces);
			return err;
		}
	}
	qsort(pieces, nr_pieces, sizeof(*pieces), compare_pieces);
	*ret_pieces = pieces;
	*ret_nr_pieces = nr_pieces;
	*ret_sum = sum;
	return 0;
}

int mrc_curve_combine(const struct mrc_curve *const *curves,
		      const double *weights, size_t nr_curves,
		      struct mrc_curve **ret_curve)
{
	struct mrc_curve *combined = NULL;
	struct piece *pieces;
	size_t nr_pieces;
	double size_pages = 0;
	double fall = 0;
	double sum;
	size_t i;
	int err;

	err = new_pieces(curves, weights, nr_curves, &pieces, &nr_pieces, &sum);
	if (err < 0)
		return err;
	combined = mrc_curve_alloc(1 + nr_pieces);
	if (combined == NULL) {
		err = -ENOMEM;
		goto out;
	}
	for (i = 0; i < nr_pieces; i++) {
		size_pages += pieces[i].end_pages - pieces[i].start_pages;
		fall += pieces[i].fall;
		if (!isfinite(size_pages)) {
			err = -ERANGE;
			goto out;
		}
		mrc_curve_append(combined, size_pages, fmax(1 - fall / sum, 0));
	}
	*ret_curve = combined;
	combined = NULL;
out:
	mrc_curve_free(combined);
	free(pieces);
	return err;
}

int mrc_curve_split(const struct mrc_curve *const *curves,
		    const double *weights, size_t nr_curves, double total_pages,
		    double *ret_pages)
{
	double left_pages = total_pages;
	struct piece *pieces;
	size_t nr_pieces;
	double sum;
	size_t i;
	int err;

	if (!(total_pages >= 0))
		return -EINVAL;
	err = new_pieces(curves, weights, nr_curves, &pieces, &nr_pieces, &sum);
	if (err < 0)
		return err;
	for (i = 0; i < nr_curves; i++)
		ret_pages[i] = 0;
	for (i = 0; i < nr_pieces && left_pages > 0; i++) {
		const struct piece *piece = &pieces[i];
		double nr_pages = piece->end_pages - piece->start_pages;

		if (nr_pages <= left_pages) {
			ret_pages[piece->owner] = piece->end_pages;
			left_pages -= nr_pages;
		} else {
			ret_pages[piece->owner] =
				piece->start_pages + left_pages;
			left_pages = 0;
		}
	}
	free(pieces);
	return 0;
}

/* Take one more size into @difference, whose mean is still a sum. */
static void compare_at(const struct mrc_curve *curve,
		       const struct mrc_curve *other, double size_pages,
		       struct mrc_curve_difference *difference)
{
	double error = fabs(mrc_curve_at(curve, size_pages) -
			    mrc_curve_at(other, size_pages));

	difference->mean += error;
	if (error > difference->max ||
	    (error == difference->max &&
	     size_pages < difference->max_at_pages)) {
		difference->max = error;
		difference->max_at_pages = size_pages;
	}
}

int mrc_curve_diff(const struct mrc_curve *curve, const struct mrc_curve *other,
		   const double *sizes_pages, size_t nr_sizes,
		   struct mrc_curve_difference *ret_difference)
{
	struct mrc_curve_difference difference = { .max_at_pages = INFINITY };
	size_t i;

	if (nr_sizes == 0)
		return -EINVAL;
	for (i = 0; i < nr_sizes; i++)
		if (!(sizes_pages[i] >= 0))
			return -EINVAL;
	for (i = 0; i < nr_sizes; i++)
		compare_at(curve, other, sizes_pages[i], &difference);
	difference.mean /= (double)nr_sizes;
	*ret_difference = difference;
	return 0;
}

int mrc_curve_diff_evenly(const struct mrc_curve *curve,
			  const struct mrc_curve *other, double max_pages,
			  size_t nr_sizes,
			  struct mrc_curve_difference *ret_difference)
{
	struct mrc_curve_difference difference = { .max_at_pages = INFINITY };
	size_t i;

	if (nr_sizes == 0 || !(max_pages > 0 && isfinite(max_pages)))
		return -EINVAL;
	for (i = 1; i <= nr_sizes; i++)
		compare_at(curve, other,
			   max_pages * ((double)i / (double)nr_sizes),
			   &difference);
	difference.mean /= (double)nr_sizes;
	*ret_difference = difference;
	return 0;
}

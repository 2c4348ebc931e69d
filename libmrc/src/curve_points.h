/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the estimators build a curve, point by point. */
#ifndef MRC_SRC_CURVE_POINTS_H
#define MRC_SRC_CURVE_POINTS_H

#include <mrc/curve.h>

/*
 * Room for @max_points points, starting with (0, 1); NULL without memory. To
 * be freed with mrc_curve_free().
 */
struct mrc_curve *mrc_curve_alloc(size_t max_points);

/*
 * Append a point. Neither coordinate may turn back: @size_pages must not be
 * below the last size, @miss_ratio not above the last ratio. If the size equals
 * the last one, which rounding makes possible, the lower ratio replaces it.
 */
void mrc_curve_append(struct mrc_curve *curve, double size_pages,
		      double miss_ratio);

#endif /* MRC_SRC_CURVE_POINTS_H */

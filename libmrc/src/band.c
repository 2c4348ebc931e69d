// SPDX-License-Identifier: LGPL-2.1-or-later
#include "band.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "curve_points.h"

#define PI 3.14159265358979323846

int mrc_band_init(struct mrc_band *band, const double *sizes, size_t nr_sizes)
{
	*band = (struct mrc_band){
		.sizes = sizes,
		.nr_sizes = nr_sizes,
		.sums = calloc(nr_sizes, sizeof(*band->sums)),
		.squares = calloc(nr_sizes, sizeof(*band->squares)),
	};
	if (band->sums != NULL && band->squares != NULL)
		return 0;
	mrc_band_exit(band);
	return -ENOMEM;
}

void mrc_band_exit(struct mrc_band *band)
{
	free(band->sums);
	free(band->squares);
	band->sums = NULL;
	band->squares = NULL;
}

void mrc_band_add(struct mrc_band *band, const double *ratios)
{
	size_t i;

	for (i = 0; i < band->nr_sizes; i++) {
		double ratio = fmin(fmax(ratios[i], 0), 1);

		band->sums[i] += ratio;
		band->squares[i] += ratio * ratio;
	}
	band->nr_replicates++;
}

/*
 * The distribution function has a closed form: Abramowitz, Stegun: "Handbook of
 * Mathematical Functions", 26.7.3.
 */
static double student_share(size_t nr_free, double x)
{
	double angle = atan(x / sqrt((double)nr_free));
	double power = cos(angle);
	double sum = 0;
	size_t i;

	for (i = 1; i + 2 <= nr_free; i += 2) {
		sum += power;
		power *= cos(angle) * cos(angle) * (double)(i + 1) /
			 (double)(i + 2);
	}
	return (angle + sin(angle) * sum) * 2 / PI;
}

double mrc_student_quantile(size_t nr_free, double level)
{
	double low = 0;
	double high = 1;
	int i;

	while (high < 0x1p30 && student_share(nr_free, high) < level)
		high *= 2;
	for (i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (student_share(nr_free, middle) < level)
			low = middle;
		else
			high = middle;
	}
	return high;
}

double mrc_random_normal(struct mrc_random *random)
{
	/* Box, Muller: Annals of Mathematical Statistics 29(2), 1958. */
	double radius = sqrt(-2 * log(1 - mrc_random_unit(random)));

	return radius * cos(2 * PI * mrc_random_unit(random));
}

/* Above this, the normal distribution is as good. */
#define MAX_PRODUCT_COUNT 50

double mrc_band_weigh(struct mrc_random *random, double count)
{
	double bound;
	double product = 1;
	double nr = -1;

	if (count == 0)
		return 0;
	if (count > MAX_PRODUCT_COUNT)
		return fmax(
			round(count + sqrt(count) * mrc_random_normal(random)),
			0);
	/* Knuth: "The Art of Computer Programming", vol. 2, 3.4.1. */
	bound = exp(-count);
	do {
		nr++;
		product *= 1 - mrc_random_unit(random);
	} while (product > bound);
	return nr;
}

double mrc_band_redraw(struct mrc_random *random, double count,
		       double nr_at_risk)
{
	double rest = fmax(round(nr_at_risk - count), 0);

	if (count <= rest)
		return fmin(mrc_band_weigh(random, count), nr_at_risk);
	return fmax(count + rest - mrc_band_weigh(random, rest), 0);
}

/* How far the interval reaches from a share @ratio, down or up. */
static double score_reach(double ratio, double nr_observed, double quantile,
			  double sign)
{
	double square = quantile * quantile / nr_observed;
	double centre = (ratio + square / 2) / (1 + square);
	double half = sqrt(square * ratio * (1 - ratio) + square * square / 4) /
		      (1 + square);

	return sign * (centre - ratio) + half;
}

static double deviation_at(const struct mrc_band *band, size_t i)
{
	double nr = (double)band->nr_replicates;
	double mean;

	if (nr < 2)
		return 0;
	mean = band->sums[i] / nr;
	return sqrt(fmax(band->squares[i] / nr - mean * mean, 0) * nr /
		    (nr - 1));
}

static void fill_ends(const struct mrc_band *band,
		      const struct mrc_curve *estimate, double level,
		      double spread, double nr_observed, double *lows,
		      double *highs)
{
	double student = mrc_student_quantile(band->nr_free | 1, level);
	/* As good as the normal distribution's. */
	double normal = mrc_student_quantile(1001, level);
	size_t i;

	for (i = 0; i < band->nr_sizes; i++) {
		double ratio = mrc_curve_at(estimate, band->sizes[i]);
		double reach = student * sqrt(spread) * deviation_at(band, i);

		lows[i] =
			fmax(ratio - fmax(reach, score_reach(ratio, nr_observed,
							     normal, -1)),
			     0);
		highs[i] =
			fmin(ratio + fmax(reach, score_reach(ratio, nr_observed,
							     normal, 1)),
			     1);
	}
}

/*
 * A curve that is above the lower end at a size is above it at smaller ones, and one
 * below the upper end at larger ones. Without that, what is unknown about a step
 * would be about all sizes in front of it or behind.
 */
static void make_monotone(double *lows, double *highs, size_t nr_sizes)
{
	size_t i;

	for (i = 1; i < nr_sizes; i++)
		highs[i] = fmin(highs[i], highs[i - 1]);
	for (i = nr_sizes - 1; i > 0; i--)
		lows[i - 1] = fmax(lows[i - 1], lows[i]);
}

/* Both ends move outwards by the distance of two sizes. */
static void widen(double *lows, double *highs, size_t nr_sizes, size_t nr_exact)
{
	size_t i;

	for (i = nr_exact > 0 ? nr_exact : 1; i + 1 < nr_sizes; i++)
		lows[i] = lows[i + 1];
	for (i = nr_sizes - 1; i > 0 && i >= nr_exact; i--)
		highs[i] = highs[i - 1];
}

static struct mrc_curve *curve_of_end(const struct mrc_band *band,
				      const double *ratios)
{
	struct mrc_curve *curve = mrc_curve_alloc(band->nr_sizes);
	size_t i;

	for (i = 1; curve != NULL && i < band->nr_sizes; i++)
		mrc_curve_append(curve, band->sizes[i], ratios[i]);
	return curve;
}

int mrc_band_curves(const struct mrc_band *band,
		    const struct mrc_curve *estimate, double level,
		    double spread, double nr_observed, size_t nr_exact,
		    struct mrc_curve **ret_low, struct mrc_curve **ret_high)
{
	double *lows = malloc(band->nr_sizes * sizeof(*lows));
	double *highs = malloc(band->nr_sizes * sizeof(*highs));
	struct mrc_curve *low = NULL;
	struct mrc_curve *high = NULL;

	if (lows != NULL && highs != NULL) {
		fill_ends(band, estimate, level, spread, nr_observed, lows,
			  highs);
		highs[0] = 1;
		make_monotone(lows, highs, band->nr_sizes);
		widen(lows, highs, band->nr_sizes, nr_exact);
		low = curve_of_end(band, lows);
		high = curve_of_end(band, highs);
	}
	free(lows);
	free(highs);
	if (low == NULL || high == NULL) {
		mrc_curve_free(low);
		mrc_curve_free(high);
		return -ENOMEM;
	}
	*ret_low = low;
	*ret_high = high;
	return 0;
}

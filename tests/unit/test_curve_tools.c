// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include <mrc/curve.h>

#define MAX_POINTS 12

static struct mrc_curve *new_curve(const double *sizes, const double *ratios,
				   size_t nr_points)
{
	struct mrc_curve *curve = NULL;

	assert_int_equal(mrc_curve_new(sizes, ratios, nr_points, &curve), 0);
	return curve;
}

/* Whole sizes, with steps and flat pieces. */
static struct mrc_curve *new_random_curve(uint64_t *seed)
{
	double sizes[MAX_POINTS] = { 0 };
	double ratios[MAX_POINTS] = { 1 };
	size_t nr_points = 1 + test_random(seed) % MAX_POINTS;
	size_t i;

	for (i = 1; i < nr_points; i++) {
		sizes[i] = sizes[i - 1] + (double)(1 + test_random(seed) % 5);
		ratios[i] = ratios[i - 1] * (double)(test_random(seed) % 9) / 8;
	}
	return new_curve(sizes, ratios, nr_points);
}

static void assert_points(const struct mrc_curve *curve, const double *sizes,
			  const double *ratios, size_t nr_points)
{
	size_t i;

	assert_int_equal(mrc_curve_nr_points(curve), nr_points);
	for (i = 0; i < nr_points; i++) {
		double size = -1;
		double ratio = -1;

		assert_int_equal(mrc_curve_point(curve, i, &size, &ratio), 0);
		assert_near(size, sizes[i], 1e-12 * sizes[i]);
		assert_near(ratio, ratios[i], 1e-15);
	}
}

static void test_marginal(void **state)
{
	const double sizes[] = { 0, 10, 20, 30 };
	const double ratios[] = { 1, 0.5, 0.5, 0.25 };
	struct mrc_curve *curve = new_curve(sizes, ratios, 4);

	(void)state;
	assert_near(mrc_curve_marginal(curve, 0), 0.05, 1e-17);
	assert_near(mrc_curve_marginal(curve, 9.9), 0.05, 1e-17);
	/* At a kink: the line to the right. */
	assert_near(mrc_curve_marginal(curve, 10), 0, 0);
	assert_near(mrc_curve_marginal(curve, 20), 0.025, 1e-17);
	assert_near(mrc_curve_marginal(curve, 30), 0, 0);
	assert_near(mrc_curve_marginal(curve, INFINITY), 0, 0);
	assert_true(isnan(mrc_curve_marginal(curve, -1)));
	assert_true(isnan(mrc_curve_marginal(curve, NAN)));
	mrc_curve_free(curve);
}

static void test_misses_per_s(void **state)
{
	const double sizes[] = { 0, 10 };
	const double ratios[] = { 1, 0.5 };
	struct mrc_curve *curve = new_curve(sizes, ratios, 2);

	(void)state;
	assert_near(mrc_curve_misses_per_s(curve, 5, 1000), 750, 1e-12);
	assert_near(mrc_curve_misses_per_s(curve, 5, 0), 0, 0);
	assert_true(isnan(mrc_curve_misses_per_s(curve, 5, -1)));
	assert_true(isnan(mrc_curve_misses_per_s(curve, 5, NAN)));
	assert_true(isnan(mrc_curve_misses_per_s(curve, -5, 1)));
	mrc_curve_free(curve);
}

static void test_hull_by_hand(void **state)
{
	/* A cliff at 100, then a slope with a bump. */
	const double sizes[] = { 0, 99, 100, 150, 200, 300 };
	const double ratios[] = { 1, 0.9, 0.5, 0.45, 0.3, 0.3 };
	const double hull_sizes[] = { 0, 100, 200, 300 };
	const double hull_ratios[] = { 1, 0.5, 0.3, 0.3 };
	struct mrc_curve *curve = new_curve(sizes, ratios, 6);
	struct mrc_curve *hull = NULL;

	(void)state;
	assert_int_equal(mrc_curve_hull(curve, &hull), 0);
	assert_points(hull, hull_sizes, hull_ratios, 4);
	mrc_curve_free(hull);
	mrc_curve_free(curve);

	/* What is convex stays; points on a line are not needed. */
	curve = new_curve(sizes, ratios, 1);
	assert_int_equal(mrc_curve_hull(curve, &hull), 0);
	assert_points(hull, sizes, ratios, 1);
	mrc_curve_free(hull);
	mrc_curve_free(curve);
}

/* The line through the curve's points at @a and @b, at @x. */
static double chord(const struct mrc_curve *curve, int a, int b, int x)
{
	double from = mrc_curve_at(curve, a);

	return from + (mrc_curve_at(curve, b) - from) * (x - a) / (b - a);
}

/* By definition: no chord of two points of the curve is below the hull. */
static void test_hull_of_random_curves(void **state)
{
	uint64_t seed = test_seed();
	int round;

	(void)state;
	for (round = 0; round < 500; round++) {
		struct mrc_curve *curve = new_random_curve(&seed);
		struct mrc_curve *hull = NULL;
		int max = (int)mrc_curve_max_pages(curve);
		double before = INFINITY;
		int x;

		assert_int_equal(mrc_curve_hull(curve, &hull), 0);
		for (x = 0; x <= max; x++) {
			double lowest = mrc_curve_at(curve, x);
			double slope = mrc_curve_marginal(hull, x);
			int a;
			int b;

			for (a = 0; a < x; a++)
				for (b = x + 1; b <= max; b++)
					lowest = fmin(lowest,
						      chord(curve, a, b, x));
			assert_near(mrc_curve_at(hull, x), lowest, 1e-14);
			assert_true(slope <= before + 1e-15);
			before = slope;
		}
		mrc_curve_free(hull);
		mrc_curve_free(curve);
	}
}

static void test_scale(void **state)
{
	const double sizes[] = { 0, 3, 5 };
	const double ratios[] = { 1, 0.5, 0.25 };
	const double scaled_sizes[] = { 0, 1536, 2560 };
	struct mrc_curve *curve = new_curve(sizes, ratios, 3);
	struct mrc_curve *scaled = UNTOUCHED;

	(void)state;
	assert_int_equal(mrc_curve_scale(curve, 0, &scaled), -EINVAL);
	assert_int_equal(mrc_curve_scale(curve, -1, &scaled), -EINVAL);
	assert_int_equal(mrc_curve_scale(curve, NAN, &scaled), -EINVAL);
	assert_int_equal(mrc_curve_scale(curve, INFINITY, &scaled), -EINVAL);
	assert_int_equal(mrc_curve_scale(curve, DBL_MAX, &scaled), -ERANGE);
	assert_int_equal(mrc_curve_scale(curve, DBL_TRUE_MIN / 4, &scaled),
			 -EINVAL);
	assert_ptr_equal(scaled, UNTOUCHED);
	assert_int_equal(mrc_curve_scale(curve, 512, &scaled), 0);
	assert_points(scaled, scaled_sizes, ratios, 3);
	mrc_curve_free(scaled);
	mrc_curve_free(curve);
	/* 3 and 4 times the smallest double, quartered, round to the same. */
	curve = new_curve((const double[]){ 0, 3 * DBL_TRUE_MIN,
					    4 * DBL_TRUE_MIN },
			  ratios, 3);
	scaled = UNTOUCHED;
	assert_int_equal(mrc_curve_scale(curve, 0.25, &scaled), -ERANGE);
	assert_ptr_equal(scaled, UNTOUCHED);
	mrc_curve_free(curve);
}

static void test_combine_and_split_by_hand(void **state)
{
	/* A loop over 100 pages; one that halves every 50 pages, 3 times. */
	const double loop_sizes[] = { 0, 99, 100 };
	const double loop_ratios[] = { 1, 1, 0 };
	const double slope_sizes[] = { 0, 50, 100, 150 };
	const double slope_ratios[] = { 1, 0.5, 0.25, 0.125 };
	struct mrc_curve *loop = new_curve(loop_sizes, loop_ratios, 3);
	struct mrc_curve *slope = new_curve(slope_sizes, slope_ratios, 4);
	const struct mrc_curve *curves[] = { loop, slope };
	/* Per page: the loop 3 / 100, the other 1 / 100, 0.5 / 100, ... */
	const double weights[] = { 3, 1 };
	const double sizes[] = { 0, 100, 150, 200, 250 };
	const double ratios[] = { 1, 0.25, 0.125, 0.0625, 0.03125 };
	struct mrc_curve *both = NULL;
	double pages[2] = { -1, -1 };

	(void)state;
	assert_int_equal(mrc_curve_combine(curves, weights, 2, &both), 0);
	assert_points(both, sizes, ratios, 5);
	mrc_curve_free(both);

	assert_int_equal(mrc_curve_split(curves, weights, 2, 175, pages), 0);
	assert_near(pages[0], 100, 0);
	assert_near(pages[1], 75, 0);
	assert_int_equal(mrc_curve_split(curves, weights, 2, 60, pages), 0);
	assert_near(pages[0], 60, 0);
	assert_near(pages[1], 0, 0);
	/* More than any of them can use. */
	assert_int_equal(mrc_curve_split(curves, weights, 2, INFINITY, pages),
			 0);
	assert_near(pages[0], 100, 0);
	assert_near(pages[1], 150, 0);
	assert_int_equal(mrc_curve_split(curves, weights, 2, 0, pages), 0);
	assert_near(pages[0], 0, 0);
	assert_near(pages[1], 0, 0);

	/* One curve without accesses has no claim. */
	assert_int_equal(mrc_curve_split(curves, (const double[]){ 0, 1 }, 2,
					 INFINITY, pages),
			 0);
	assert_near(pages[0], 0, 0);
	mrc_curve_free(loop);
	mrc_curve_free(slope);
}

/* Misses of three VMs, weighted, on their hulls. */
static double misses_of(struct mrc_curve *const *hulls, const double *weights,
			double a, double b, double c)
{
	return weights[0] * mrc_curve_at(hulls[0], a) +
	       weights[1] * mrc_curve_at(hulls[1], b) +
	       weights[2] * mrc_curve_at(hulls[2], c);
}

/*
 * Brute force: the fewest misses over all splits into whole pages, on the hulls.
 * At whole sizes that is the combined curve, since all corners are whole.
 */
static void test_split_is_optimal(void **state)
{
	uint64_t seed = test_seed();
	int round;

	(void)state;
	for (round = 0; round < 100; round++) {
		const struct mrc_curve *curves[3];
		struct mrc_curve *hulls[3];
		struct mrc_curve *combined = NULL;
		double weights[3];
		double sum = 0;
		int total;
		int i;

		for (i = 0; i < 3; i++) {
			curves[i] = new_random_curve(&seed);
			assert_int_equal(mrc_curve_hull(curves[i], &hulls[i]),
					 0);
			weights[i] = (double)(1 + test_random(&seed) % 10);
			sum += weights[i];
		}
		assert_int_equal(
			mrc_curve_combine(curves, weights, 3, &combined), 0);
		for (total = 0; total <= 100; total += 7) {
			double pages[3] = { -1, -1, -1 };
			double fewest = INFINITY;
			double misses;
			int a;
			int b;

			for (a = 0; a <= total; a++)
				for (b = 0; a + b <= total; b++)
					fewest = fmin(fewest,
						      misses_of(hulls, weights,
								a, b,
								total - a - b));
			assert_int_equal(mrc_curve_split(curves, weights, 3,
							 total, pages),
					 0);
			for (i = 0; i < 3; i++)
				assert_true(pages[i] >= 0);
			misses = misses_of(hulls, weights, pages[0], pages[1],
					   pages[2]);
			assert_true(pages[0] + pages[1] + pages[2] <=
				    total + 1e-9);
			assert_near(misses, fewest, 1e-12);
			assert_near(mrc_curve_at(combined, total) * sum, fewest,
				    1e-12);
		}
		for (i = 0; i < 3; i++) {
			mrc_curve_free(hulls[i]);
			mrc_curve_free((struct mrc_curve *)curves[i]);
		}
		mrc_curve_free(combined);
	}
}

static void test_combine_refuses(void **state)
{
	const double sizes[] = { 0, DBL_MAX };
	const double tiny_sizes[] = { 0, DBL_TRUE_MIN };
	const double ratios[] = { 1, 0 };
	struct mrc_curve *curve = new_curve(sizes, ratios, 2);
	struct mrc_curve *tiny = new_curve(tiny_sizes, ratios, 2);
	const struct mrc_curve *curves[] = { curve, curve };
	const double weights[] = { 1, 1 };
	static const double bad[][2] = { { -1, 2 },
					 { NAN, 1 },
					 { INFINITY, 1 },
					 { 0, 0 } };
	struct mrc_curve *both = UNTOUCHED;
	double pages[2] = { -1, -1 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(mrc_curve_combine(curves, bad[i], 2, &both),
				 -EINVAL);
		assert_int_equal(mrc_curve_split(curves, bad[i], 2, 1, pages),
				 -EINVAL);
	}
	assert_int_equal(mrc_curve_combine(curves, weights, 0, &both), -EINVAL);
	assert_int_equal(mrc_curve_split(curves, weights, 0, 1, pages),
			 -EINVAL);
	assert_int_equal(mrc_curve_split(curves, weights, 2, -1, pages),
			 -EINVAL);
	assert_int_equal(mrc_curve_split(curves, weights, 2, NAN, pages),
			 -EINVAL);
	assert_int_equal(mrc_curve_combine(curves,
					   (const double[]){ DBL_MAX, DBL_MAX },
					   2, &both),
			 -ERANGE);
	curves[1] = tiny;
	assert_int_equal(mrc_curve_split(curves, weights, 2, 1, pages),
			 -ERANGE);
	/* Sizes whose sum is no double any more. */
	curves[1] = curve;
	assert_int_equal(mrc_curve_combine(curves,
					   (const double[]){ 1e300, 1e300 }, 2,
					   &both),
			 -ERANGE);
	assert_ptr_equal(both, UNTOUCHED);
	assert_near(pages[0], -1, 0);
	mrc_curve_free(curve);
	mrc_curve_free(tiny);
}

static void test_difference_by_hand(void **state)
{
	const double sizes[] = { 0, 10 };
	const double ratios[] = { 1, 0 };
	const double flat_ratios[] = { 1, 0.5 };
	const double at[] = { 0, 10, 4, INFINITY };
	struct mrc_curve *curve = new_curve(sizes, ratios, 2);
	struct mrc_curve *flat = new_curve(sizes, flat_ratios, 2);
	struct mrc_curve_difference difference = { -1, -1, -1 };

	(void)state;
	assert_int_equal(mrc_curve_diff(curve, flat, at, 4, &difference), 0);
	assert_near(difference.mean, (0 + 0.5 + 0.2 + 0.5) / 4, 1e-15);
	assert_near(difference.max, 0.5, 0);
	assert_near(difference.max_at_pages, 10, 0);
	assert_int_equal(mrc_curve_diff_evenly(flat, curve, 20, 4, &difference),
			 0);
	assert_near(difference.mean, (0.25 + 0.5 + 0.5 + 0.5) / 4, 1e-15);
	assert_near(difference.max, 0.5, 0);
	assert_near(difference.max_at_pages, 10, 0);
	assert_int_equal(
		mrc_curve_diff_evenly(curve, curve, 20, 4, &difference), 0);
	assert_near(difference.mean, 0, 0);
	assert_near(difference.max, 0, 0);
	assert_near(difference.max_at_pages, 5, 0);

	difference.mean = -1;
	assert_int_equal(mrc_curve_diff(curve, flat, at, 0, &difference),
			 -EINVAL);
	assert_int_equal(mrc_curve_diff(curve, flat, (const double[]){ 1, -1 },
					2, &difference),
			 -EINVAL);
	assert_int_equal(mrc_curve_diff_evenly(curve, flat, 0, 4, &difference),
			 -EINVAL);
	assert_int_equal(mrc_curve_diff_evenly(curve, flat, INFINITY, 4,
					       &difference),
			 -EINVAL);
	assert_int_equal(mrc_curve_diff_evenly(curve, flat, NAN, 4,
					       &difference),
			 -EINVAL);
	assert_int_equal(mrc_curve_diff_evenly(curve, flat, 1, 0, &difference),
			 -EINVAL);
	assert_near(difference.mean, -1, 0);
	mrc_curve_free(curve);
	mrc_curve_free(flat);
}

static void test_without_memory(void **state)
{
	const double sizes[] = { 0, 10 };
	const double ratios[] = { 1, 0 };
	struct mrc_curve *curve = new_curve(sizes, ratios, 2);
	const struct mrc_curve *curves[] = { curve };
	const double weight = 1;
	struct mrc_curve *out = UNTOUCHED;
	double pages = -1;
	unsigned int nr_good;
	int err;

	(void)state;
	for (nr_good = 0; nr_good < 2; nr_good++) {
		fail_alloc_after(nr_good);
		err = mrc_curve_hull(curve, &out);
		fail_alloc_off();
		assert_int_equal(err, -ENOMEM);
	}
	for (nr_good = 0; nr_good < 4; nr_good++) {
		fail_alloc_after(nr_good);
		err = mrc_curve_combine(curves, &weight, 1, &out);
		fail_alloc_off();
		assert_int_equal(err, -ENOMEM);
	}
	for (nr_good = 0; nr_good < 3; nr_good++) {
		fail_alloc_after(nr_good);
		err = mrc_curve_split(curves, &weight, 1, 5, &pages);
		fail_alloc_off();
		assert_int_equal(err, -ENOMEM);
	}
	fail_alloc_after(0);
	err = mrc_curve_scale(curve, 2, &out);
	fail_alloc_off();
	assert_int_equal(err, -ENOMEM);
	assert_ptr_equal(out, UNTOUCHED);
	assert_near(pages, -1, 0);
	mrc_curve_free(curve);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marginal),
		cmocka_unit_test(test_misses_per_s),
		cmocka_unit_test(test_hull_by_hand),
		cmocka_unit_test(test_hull_of_random_curves),
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_combine_and_split_by_hand),
		cmocka_unit_test(test_split_is_optimal),
		cmocka_unit_test(test_combine_refuses),
		cmocka_unit_test(test_difference_by_hand),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests_name("curve_tools", tests, NULL, NULL);
}

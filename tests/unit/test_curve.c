// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <float.h>
#include <math.h>

#include <mrc/curve.h>

static struct mrc_curve *new_curve(const double *sizes, const double *ratios,
				   size_t nr_points)
{
	struct mrc_curve *curve = NULL;

	assert_int_equal(mrc_curve_new(sizes, ratios, nr_points, &curve), 0);
	assert_non_null(curve);
	return curve;
}

static void test_points_come_back(void **state)
{
	const double sizes[] = { 0, 10, 10.5, 1e6 };
	const double ratios[] = { 1, 1, 0.5, 0.25 };
	struct mrc_curve *curve = new_curve(sizes, ratios, 4);
	double size = -1;
	double ratio = -1;
	size_t i;

	(void)state;
	assert_int_equal(mrc_curve_nr_points(curve), 4);
	for (i = 0; i < 4; i++) {
		assert_int_equal(mrc_curve_point(curve, i, &size, &ratio), 0);
		assert_near(size, sizes[i], 0);
		assert_near(ratio, ratios[i], 0);
		assert_near(mrc_curve_at(curve, sizes[i]), ratios[i], 0);
	}
	assert_near(mrc_curve_max_pages(curve), 1e6, 0);

	size = -1;
	ratio = -1;
	assert_int_equal(mrc_curve_point(curve, 4, &size, &ratio), -ERANGE);
	assert_int_equal(mrc_curve_point(curve, SIZE_MAX, &size, &ratio),
			 -ERANGE);
	assert_near(size, -1, 0);
	assert_near(ratio, -1, 0);
	mrc_curve_free(curve);
}

static void test_linear_between_points_and_flat_behind(void **state)
{
	const double sizes[] = { 0, 100, 200 };
	const double ratios[] = { 1, 0.5, 0.1 };
	struct mrc_curve *curve = new_curve(sizes, ratios, 3);

	(void)state;
	assert_near(mrc_curve_at(curve, 0), 1, 0);
	assert_near(mrc_curve_at(curve, 50), 0.75, 1e-15);
	assert_near(mrc_curve_at(curve, 99), 0.505, 1e-15);
	assert_near(mrc_curve_at(curve, 150), 0.3, 1e-15);
	assert_near(mrc_curve_at(curve, 201), 0.1, 0);
	assert_near(mrc_curve_at(curve, DBL_MAX), 0.1, 0);
	assert_near(mrc_curve_at(curve, INFINITY), 0.1, 0);
	mrc_curve_free(curve);
}

static void test_no_value_outside_the_domain(void **state)
{
	const double zero[] = { 0 };
	const double one[] = { 1 };
	struct mrc_curve *curve = new_curve(zero, one, 1);

	(void)state;
	assert_true(isnan(mrc_curve_at(curve, -1)));
	assert_true(isnan(mrc_curve_at(curve, -INFINITY)));
	assert_true(isnan(mrc_curve_at(curve, NAN)));
	mrc_curve_free(curve);
}

static void test_new_refuses_what_is_no_curve(void **state)
{
	static const struct {
		const char *what;
		double sizes[3];
		double ratios[3];
	} bad[] = {
		{ "first size", { 1, 2, 3 }, { 1, 0.5, 0 } },
		{ "first ratio", { 0, 2, 3 }, { 0.9, 0.5, 0 } },
		{ "equal sizes", { 0, 2, 2 }, { 1, 0.5, 0 } },
		{ "falling sizes", { 0, 2, 1 }, { 1, 0.5, 0 } },
		{ "negative size", { 0, -2, 1 }, { 1, 0.5, 0 } },
		{ "infinite size", { 0, 2, INFINITY }, { 1, 0.5, 0 } },
		{ "size is NaN", { 0, NAN, 3 }, { 1, 0.5, 0 } },
		{ "first size is NaN", { NAN, 2, 3 }, { 1, 0.5, 0 } },
		{ "rising ratio", { 0, 2, 3 }, { 1, 0.5, 0.6 } },
		{ "ratio above 1", { 0, 2, 3 }, { 1, 1.1, 0 } },
		{ "negative ratio", { 0, 2, 3 }, { 1, 0.5, -0.1 } },
		{ "ratio is NaN", { 0, 2, 3 }, { 1, 0.5, NAN } },
	};
	struct mrc_curve *curve = UNTOUCHED;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int err = mrc_curve_new(bad[i].sizes, bad[i].ratios, 3, &curve);

		if (err != -EINVAL)
			fail_msg("%s: returned %d", bad[i].what, err);
		assert_ptr_equal(curve, UNTOUCHED);
	}
	assert_int_equal(mrc_curve_new(bad[0].sizes, bad[0].ratios, 0, &curve),
			 -EINVAL);
	assert_ptr_equal(curve, UNTOUCHED);
}

static void test_wss_by_hand(void **state)
{
	const double sizes[] = { 0, 100, 200, 300 };
	const double ratios[] = { 1, 0.5, 0.1, 0.1 };
	static const struct {
		double miss_ratio;
		uint64_t pages;
	} cases[] = {
		{ 1, 0 },	{ 0.999, 1 },  { 0.995, 1 },
		{ 0.75, 50 },	{ 0.749, 51 }, { 0.5, 100 },
		{ 0.499, 101 }, { 0.3, 150 },  { 0.1, 200 },
	};
	struct mrc_curve *curve = new_curve(sizes, ratios, 4);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t pages = 12345;

		assert_int_equal(mrc_curve_wss_pages(curve, cases[i].miss_ratio,
						     &pages),
				 0);
		assert_int_equal(pages, cases[i].pages);
	}
	mrc_curve_free(curve);
}

static void test_wss_refuses(void **state)
{
	const double sizes[] = { 0, 100 };
	const double ratios[] = { 1, 0.1 };
	struct mrc_curve *curve = new_curve(sizes, ratios, 2);
	uint64_t pages = 12345;

	(void)state;
	assert_int_equal(mrc_curve_wss_pages(curve, 0.0999, &pages), -ERANGE);
	assert_int_equal(mrc_curve_wss_pages(curve, 0, &pages), -ERANGE);
	assert_int_equal(mrc_curve_wss_pages(curve, -0.1, &pages), -EINVAL);
	assert_int_equal(mrc_curve_wss_pages(curve, 1.1, &pages), -EINVAL);
	assert_int_equal(mrc_curve_wss_pages(curve, NAN, &pages), -EINVAL);
	assert_int_equal(pages, 12345);
	mrc_curve_free(curve);
}

static void test_wss_beyond_whole_pages(void **state)
{
	const double limit = 9007199254740992.0; /* 2^53 */
	const double sizes[] = { 0, limit, 4 * limit };
	const double straddling[] = { 0, 4 * limit };
	const double ratios[] = { 1, 0.5, 0 };
	struct mrc_curve *curve = new_curve(sizes, ratios, 3);
	uint64_t pages = 12345;

	(void)state;
	assert_int_equal(mrc_curve_wss_pages(curve, 0.25, &pages), -EOVERFLOW);
	assert_int_equal(pages, 12345);
	/* Next to 2^53 the ratio of a page more or less rounds to the same. */
	assert_int_equal(mrc_curve_wss_pages(curve, 0.5, &pages), 0);
	assert_in_range(pages, (UINT64_C(1) << 53) - 1, UINT64_C(1) << 53);
	assert_int_equal(mrc_curve_wss_pages(curve, 0.75, &pages), 0);
	assert_in_range(pages, (UINT64_C(1) << 52) - 1, UINT64_C(1) << 52);
	mrc_curve_free(curve);

	/* A line from below the limit to above it, crossed on either side. */
	curve = new_curve(straddling, ratios, 2);
	pages = 12345;
	assert_int_equal(mrc_curve_wss_pages(curve, 0.75, &pages), -EOVERFLOW);
	assert_int_equal(pages, 12345);
	assert_int_equal(mrc_curve_wss_pages(curve, 0.9, &pages), 0);
	assert_in_range(pages, 1, (UINT64_C(1) << 53) - 1);
	mrc_curve_free(curve);
}

/* Slopes at the limit of double: the search still ends, and on its promise. */
static void test_wss_on_a_nearly_flat_line(void **state)
{
	const double sizes[] = { 0, 4503599627370496.0 };
	const double ratios[] = { 1, 1 - DBL_EPSILON };
	struct mrc_curve *curve = new_curve(sizes, ratios, 2);
	uint64_t pages = 0;

	(void)state;
	assert_int_equal(
		mrc_curve_wss_pages(curve, 1 - DBL_EPSILON / 2, &pages), 0);
	assert_true(mrc_curve_at(curve, (double)pages) <= 1 - DBL_EPSILON / 2);
	assert_true(mrc_curve_at(curve, (double)pages - 1) >
		    1 - DBL_EPSILON / 2);
	mrc_curve_free(curve);
}

/* The definitions of both readings, on random curves. */
static void test_random_curves_keep_their_promises(void **state)
{
	uint64_t seed = test_seed();
	int round;

	(void)state;
	for (round = 0; round < 200; round++) {
		double sizes[40] = { 0 };
		double ratios[40] = { 1 };
		size_t nr_points = 1 + test_random(&seed) % 40;
		struct mrc_curve *curve;
		double before = 1;
		size_t i;
		int step;

		for (i = 1; i < nr_points; i++) {
			sizes[i] = sizes[i - 1] +
				   (double)(1 + test_random(&seed) % 4000) / 64;
			ratios[i] = ratios[i - 1] *
				    (double)(test_random(&seed) % 101) / 100;
		}
		curve = new_curve(sizes, ratios, nr_points);
		for (step = 0; step < 500; step++) {
			double at = mrc_curve_at(curve, step * 0.7);

			assert_true(at >= 0 && at <= before);
			before = at;
		}
		for (step = 0; step <= 100; step++) {
			double tolerated = step / 100.0;
			uint64_t pages = 0;
			int err = mrc_curve_wss_pages(curve, tolerated, &pages);

			if (ratios[nr_points - 1] > tolerated) {
				assert_int_equal(err, -ERANGE);
				continue;
			}
			assert_int_equal(err, 0);
			assert_true(mrc_curve_at(curve, (double)pages) <=
				    tolerated);
			if (pages > 0)
				assert_true(
					mrc_curve_at(curve, (double)pages - 1) >
					tolerated);
		}
		mrc_curve_free(curve);
	}
}

static void test_new_without_memory(void **state)
{
	const double zero[] = { 0 };
	const double one[] = { 1 };
	struct mrc_curve *curve = UNTOUCHED;
	int err;

	(void)state;
	fail_alloc_after(0);
	err = mrc_curve_new(zero, one, 1, &curve);
	fail_alloc_off();
	assert_int_equal(err, -ENOMEM);
	assert_ptr_equal(curve, UNTOUCHED);
}

static void test_free_takes_null(void **state)
{
	(void)state;
	mrc_curve_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points_come_back),
		cmocka_unit_test(test_linear_between_points_and_flat_behind),
		cmocka_unit_test(test_no_value_outside_the_domain),
		cmocka_unit_test(test_new_refuses_what_is_no_curve),
		cmocka_unit_test(test_wss_by_hand),
		cmocka_unit_test(test_wss_refuses),
		cmocka_unit_test(test_wss_beyond_whole_pages),
		cmocka_unit_test(test_wss_on_a_nearly_flat_line),
		cmocka_unit_test(test_random_curves_keep_their_promises),
		cmocka_unit_test(test_new_without_memory),
		cmocka_unit_test(test_free_takes_null),
	};

	return cmocka_run_group_tests_name("curve", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <math.h>

#include <mrc/aet.h>
#include <mrc/lru.h>

/* Not exported: quantiles have tables to be compared with. */
#include "../../libmrc/src/band.h"

/* Abramowitz, Stegun, table 26.10, and the normal distribution's table 26.5. */
static void test_student_table(void **state)
{
	(void)state;
	assert_near(mrc_student_quantile(1, 0.95), 12.706, 0.0005);
	assert_near(mrc_student_quantile(3, 0.95), 3.182, 0.0005);
	assert_near(mrc_student_quantile(5, 0.99), 4.032, 0.0005);
	assert_near(mrc_student_quantile(19, 0.95), 2.093, 0.0005);
	assert_near(mrc_student_quantile(19, 0.99), 2.861, 0.0005);
	assert_near(mrc_student_quantile(1000001, 0.95), 1.95996, 0.00001);
}

/* Mean and variance of a sum of n weights are n; of 20 000 of them, within 5. */
static void test_weights(void **state)
{
	static const double counts[] = { 1, 7, 50, 51, 400 };
	struct mrc_random random = { .state = test_seed() };
	size_t c;
	int i;

	(void)state;
	assert_near(mrc_band_weigh(&random, 0), 0, 0);
	for (c = 0; c < ARRAY_SIZE(counts); c++) {
		double squares = 0;
		double sum = 0;
		double mean;

		for (i = 0; i < 20000; i++) {
			double nr = mrc_band_weigh(&random, counts[c]);

			assert_true(nr >= 0 && nr == floor(nr));
			sum += nr;
			squares += nr * nr;
		}
		mean = sum / 20000;
		assert_near(mean, counts[c], 5 * sqrt(counts[c] / 20000));
		/* The variance of a squared deviation is about 3 n^2. */
		assert_near(squares / 20000 - mean * mean, counts[c],
			    5 * sqrt(3.0 / 20000) * counts[c]);
	}
}

#define NR_ACCESSES 100000
#define NR_PAGES 5000
#define NR_SEEDS 40
#define NR_SIZES 50

enum shape {
	UNIFORM,
	SKEWED,
	LOOP
};

static uint64_t trace[NR_ACCESSES];

static struct mrc_curve *fill_trace(enum shape shape, uint64_t *seed)
{
	struct mrc_curve *curve = NULL;
	struct mrc_lru *lru = NULL;
	size_t i;

	for (i = 0; i < NR_ACCESSES; i++) {
		uint64_t random = test_random(seed);

		trace[i] = shape == UNIFORM ?
				   random % NR_PAGES :
			   shape == SKEWED ?
				   (random >> 32) % (1 + random % NR_PAGES) :
				   i % NR_PAGES;
	}
	assert_int_equal(mrc_lru_new(&lru), 0);
	assert_int_equal(mrc_lru_access_n(lru, trace, NR_ACCESSES, NULL), 0);
	assert_int_equal(mrc_lru_curve(lru, &curve), 0);
	mrc_lru_free(lru);
	return curve;
}

static void assert_around(const struct mrc_curve *low,
			  const struct mrc_curve *curve,
			  const struct mrc_curve *high)
{
	const struct mrc_curve *const all[] = { low, curve, high };
	size_t c;
	size_t i;

	for (c = 0; c < 3; c++)
		for (i = 0; i < mrc_curve_nr_points(all[c]); i++) {
			double size = -1;
			double ratio = -1;

			assert_int_equal(
				mrc_curve_point(all[c], i, &size, &ratio), 0);
			/* Rounding, where a curve is linear between points. */
			assert_true(mrc_curve_at(low, size) <=
				    mrc_curve_at(curve, size) + 1e-12);
			assert_true(mrc_curve_at(high, size) >=
				    mrc_curve_at(curve, size) - 1e-12);
		}
}

static double times_inside;
static double total_width;

static void tally(const struct mrc_curve *low, const struct mrc_curve *exact,
		  const struct mrc_curve *high)
{
	int i;

	for (i = 0; i < NR_SIZES; i++) {
		double size = (i + 0.5) / NR_SIZES * NR_PAGES;
		double ratio = mrc_curve_at(exact, size);
		double from = mrc_curve_at(low, size);
		double to = mrc_curve_at(high, size);

		times_inside += ratio >= from && ratio <= to;
		total_width += to - from;
	}
}

static void check_coverage(enum mrc_reuse_sampling sampling, enum shape shape,
			   double max_width)
{
	uint64_t seed = test_seed();
	struct mrc_curve *exact = fill_trace(shape, &seed);
	double inside;
	double width;
	int i;

	times_inside = 0;
	total_width = 0;
	for (i = 0; i < NR_SEEDS; i++) {
		const struct mrc_reuse_options options = {
			.sub_bucket_bits = 7,
			.sampling = sampling,
			.inverse_rate = 32,
			.seed = test_random(&seed),
		};
		struct mrc_reuse *reuse = NULL;
		struct mrc_curve *curve = NULL;
		struct mrc_curve *low = NULL;
		struct mrc_curve *high = NULL;

		assert_int_equal(mrc_reuse_new_with(&options, &reuse), 0);
		assert_int_equal(mrc_reuse_access_n(reuse, trace, NR_ACCESSES),
				 0);
		assert_int_equal(mrc_reuse_curve(reuse, &curve), 0);
		assert_int_equal(mrc_reuse_band(reuse, 0.95, &low, &high), 0);
		assert_around(low, curve, high);
		tally(low, exact, high);
		mrc_curve_free(low);
		mrc_curve_free(high);
		mrc_curve_free(curve);
		mrc_reuse_free(reuse);
	}
	inside = times_inside / (NR_SEEDS * NR_SIZES);
	width = total_width / (NR_SEEDS * NR_SIZES);
	print_message("sampling %d, shape %d: inside at %.1f %%, width %.4f\n",
		      sampling, shape, 100 * inside, width);
	assert_true(inside >= 0.9);
	assert_true(width < max_width);
	mrc_curve_free(exact);
}

/*
 * Some 3100 references, or 156 pages with theirs. A share of 3100 is known to
 * +- 0.0175 at most, and the size where it is, about as well; a loop is flat but
 * for its end.
 */
static void test_coverage(void **state)
{
	(void)state;
	check_coverage(MRC_REUSE_REFERENCES, UNIFORM, 0.06);
	check_coverage(MRC_REUSE_REFERENCES, SKEWED, 0.05);
	check_coverage(MRC_REUSE_REFERENCES, LOOP, 0.006);
	check_coverage(MRC_REUSE_PAGES, UNIFORM, 0.06);
	check_coverage(MRC_REUSE_PAGES, SKEWED, 0.12);
	check_coverage(MRC_REUSE_PAGES, LOOP, 0.006);
}

/* Sampled accesses to one page in 32, as the kernel module counts them. */
static void test_coverage_of_histogram(void **state)
{
	uint64_t seed = test_seed();
	struct mrc_curve *exact = fill_trace(UNIFORM, &seed);
	double width;
	int i;

	(void)state;
	times_inside = 0;
	total_width = 0;
	for (i = 0; i < NR_SEEDS; i++) {
		uint64_t salt = test_random(&seed);
		struct mrc_reuse *reuse = NULL;
		struct mrc_curve *curve = NULL;
		struct mrc_curve *low = NULL;
		struct mrc_curve *high = NULL;
		const struct mrc_reuse_options all = { .sub_bucket_bits = 7 };
		size_t j;

		assert_int_equal(mrc_reuse_new_with(&all, &reuse), 0);
		for (j = 0; j < NR_ACCESSES; j++)
			if (mrc_mix64(trace[j] + salt) >> 59 == 0)
				assert_int_equal(
					mrc_reuse_access(reuse, trace[j]), 0);
		assert_int_equal(
			mrc_aet_curve(mrc_reuse_hist(reuse), 32, &curve), 0);
		assert_int_equal(mrc_aet_band(mrc_reuse_hist(reuse), 32, 0.95,
					      &low, &high),
				 0);
		assert_around(low, curve, high);
		tally(low, exact, high);
		mrc_curve_free(low);
		mrc_curve_free(high);
		mrc_curve_free(curve);
		mrc_reuse_free(reuse);
	}
	width = total_width / (NR_SEEDS * NR_SIZES);
	print_message("histogram: inside at %.1f %%, width %.4f\n",
		      100 * times_inside / (NR_SEEDS * NR_SIZES), width);
	assert_true(times_inside / (NR_SEEDS * NR_SIZES) >= 0.9);
	/* 156 +- 12 pages in the sample: sizes are known to 2 * 8 %. */
	assert_true(width < 0.25);
	mrc_curve_free(exact);
}

/*
 * The score interval of n in n is [n / (n + 1.96^2), 1] (Wilson, 1927): 16 cold
 * accesses, half of those there were, say as much as 32 of a large trace.
 */
static void test_floor(void **state)
{
	struct mrc_hist *hist = NULL;
	struct mrc_curve *low = NULL;
	struct mrc_curve *high = NULL;

	(void)state;
	assert_int_equal(mrc_hist_new(7, &hist), 0);
	assert_int_equal(mrc_hist_add_cold(hist, 16), 0);
	assert_int_equal(mrc_aet_band(hist, 2, 0.95, &low, &high), 0);
	assert_near(mrc_curve_at(high, 1000), 1, 0);
	assert_near(mrc_curve_at(low, 1000), 1 - 3.8415 / (32 + 3.8415),
		    0.0005);
	mrc_curve_free(low);
	mrc_curve_free(high);
	mrc_hist_free(hist);
}

/* All pages are there: what is left is the width of a bucket. */
static void test_no_sample_no_error(void **state)
{
	const struct mrc_reuse_options options = { .sub_bucket_bits = 7 };
	uint64_t seed = test_seed();
	struct mrc_curve *exact = fill_trace(LOOP, &seed);
	struct mrc_curve *low = NULL;
	struct mrc_curve *high = NULL;
	struct mrc_reuse *reuse = NULL;

	(void)state;
	assert_int_equal(mrc_reuse_new_with(&options, &reuse), 0);
	assert_int_equal(mrc_reuse_access_n(reuse, trace, NR_ACCESSES), 0);
	assert_int_equal(mrc_reuse_band(reuse, 0.99, &low, &high), 0);
	assert_near(mrc_curve_at(low, NR_PAGES * 0.98), 1, 0);
	assert_near(mrc_curve_at(high, NR_PAGES - 1), 1, 0.02);
	assert_true(mrc_curve_at(low, NR_PAGES) <= 0.05);
	assert_near(mrc_curve_at(high, NR_PAGES * 1.02), 0.05, 1e-9);
	times_inside = 0;
	tally(low, exact, high);
	assert_near(times_inside, NR_SIZES, 0);
	mrc_curve_free(low);
	mrc_curve_free(high);
	assert_int_equal(
		mrc_aet_band(mrc_reuse_hist(reuse), 1, 0.5, &low, &high), 0);
	assert_near(mrc_curve_at(low, NR_PAGES * 0.98), 1, 0);
	assert_near(mrc_curve_at(high, NR_PAGES - 1), 1, 0.02);
	assert_true(mrc_curve_at(low, NR_PAGES) <= 0.05);
	/* A few are censored in the loop's bucket. */
	assert_near(mrc_curve_at(high, NR_PAGES * 1.02), 0, 1e-4);
	mrc_curve_free(low);
	mrc_curve_free(high);
	mrc_reuse_free(reuse);
	mrc_curve_free(exact);
}

static void test_band_refuses(void **state)
{
	static const double bad_levels[] = { 0, 1, -1, 2, NAN };
	struct mrc_reuse_options options = { .sub_bucket_bits = 3 };
	struct mrc_curve *high = UNTOUCHED;
	struct mrc_curve *low = UNTOUCHED;
	struct mrc_reuse *reuse = NULL;
	struct mrc_hist *hist = NULL;
	int sampling;
	size_t i;

	(void)state;
	assert_int_equal(mrc_hist_new(3, &hist), 0);
	assert_int_equal(mrc_aet_band(hist, 2, 0.95, &low, &high), -ENODATA);
	assert_int_equal(mrc_hist_add_censored(hist, 7, 4), 0);
	assert_int_equal(mrc_hist_add(hist, 7, 4), 0);
	assert_int_equal(mrc_aet_band(hist, 0.5, 0.95, &low, &high), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(bad_levels); i++)
		assert_int_equal(mrc_aet_band(hist, 2, bad_levels[i], &low,
					      &high),
				 -EINVAL);
	for (sampling = 0; sampling < 3; sampling++) {
		unsigned int nr_good;
		int err = -ENOMEM;

		options.sampling = (enum mrc_reuse_sampling)sampling;
		options.inverse_rate = 1.5;
		assert_int_equal(mrc_reuse_new_with(&options, &reuse), 0);
		assert_int_equal(mrc_reuse_band(reuse, 0.95, &low, &high),
				 -ENODATA);
		for (i = 0; i < 100; i++)
			assert_int_equal(mrc_reuse_access(reuse, i % 30), 0);
		for (i = 0; i < ARRAY_SIZE(bad_levels); i++)
			assert_int_equal(mrc_reuse_band(reuse, bad_levels[i],
							&low, &high),
					 -EINVAL);
		for (nr_good = 0; err < 0; nr_good++) {
			assert_ptr_equal(low, UNTOUCHED);
			assert_ptr_equal(high, UNTOUCHED);
			fail_alloc_after(nr_good);
			err = mrc_reuse_band(reuse, 0.95, &low, &high);
			fail_alloc_off();
			assert_true(err == 0 || err == -ENOMEM);
		}
		assert_true(nr_good > 5);
		mrc_curve_free(low);
		mrc_curve_free(high);
		low = UNTOUCHED;
		high = UNTOUCHED;
		mrc_reuse_free(reuse);
	}
	for (i = 0;; i++) {
		int err;

		fail_alloc_after((unsigned int)i);
		err = mrc_aet_band(hist, 2, 0.95, &low, &high);
		fail_alloc_off();
		if (err == 0)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_ptr_equal(low, UNTOUCHED);
		assert_ptr_equal(high, UNTOUCHED);
	}
	mrc_curve_free(low);
	mrc_curve_free(high);
	mrc_hist_free(hist);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_student_table),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_coverage_of_histogram),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_no_sample_no_error),
		cmocka_unit_test(test_band_refuses),
	};

	return cmocka_run_group_tests_name("band", tests, NULL, NULL);
}

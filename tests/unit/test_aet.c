// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <mrc/aet.h>
#include <mrc/lru.h>

#include "aet_direct.h"

#define MAX_REUSE_TIME ((UINT64_C(1) << MRC_HIST_VALUE_BITS) - 1)

static struct mrc_hist *new_hist(unsigned int b)
{
	struct mrc_hist *hist = NULL;

	assert_int_equal(mrc_hist_new(b, &hist), 0);
	assert_non_null(hist);
	return hist;
}

static struct mrc_reuse *new_reuse(unsigned int b)
{
	struct mrc_reuse *reuse = NULL;

	assert_int_equal(mrc_reuse_new(b, &reuse), 0);
	assert_non_null(reuse);
	return reuse;
}

static struct mrc_curve *new_curve(const struct mrc_hist *hist, double rate)
{
	struct mrc_curve *curve = NULL;

	assert_int_equal(mrc_aet_curve(hist, rate, &curve), 0);
	assert_non_null(curve);
	return curve;
}

static void assert_points(const struct mrc_curve *curve,
			  const double (*points)[2], size_t nr_points)
{
	size_t i;

	assert_int_equal(mrc_curve_nr_points(curve), nr_points);
	for (i = 0; i < nr_points; i++) {
		double size = -1;
		double ratio = -1;

		assert_int_equal(mrc_curve_point(curve, i, &size, &ratio), 0);
		assert_near(size, points[i][0], 1e-15);
		assert_near(ratio, points[i][1], 1e-15);
	}
}

/* What holds for every curve of this model. */
static void assert_invariants(const struct mrc_curve *curve,
			      const struct mrc_hist *hist)
{
	double last_size = 0;
	double last_ratio = 1;
	double size = -1;
	double ratio = -1;
	size_t i;

	assert_int_equal(mrc_curve_point(curve, 0, &size, &ratio), 0);
	assert_near(size, 0, 0);
	assert_near(ratio, 1, 0);
	for (i = 1; i < mrc_curve_nr_points(curve); i++) {
		assert_int_equal(mrc_curve_point(curve, i, &size, &ratio), 0);
		assert_true(size > last_size && isfinite(size));
		assert_true(ratio <= last_ratio && ratio >= 0);
		last_size = size;
		last_ratio = ratio;
	}
	assert_near(ratio,
		    (double)mrc_hist_cold(hist) / (double)mrc_hist_total(hist),
		    0);
}

/*
 * a b a c b b c a: reuse times - - 2 - 3 1 3 5, so with strictly greater
 * P(0..5) = 8 7 6 4 4 3 (of 8), and the integral up to 0..5 is
 * 0 8 15 21 25 29 (of 8).
 */
static void test_stack_example(void **state)
{
	static const double points[][2] = {
		{ 0, 1 },
		{ 1, 7.0 / 8 },
		{ 15.0 / 8, 6.0 / 8 },
		{ 21.0 / 8, 4.0 / 8 },
		{ 25.0 / 8, 4.0 / 8 },
		{ 29.0 / 8, 3.0 / 8 },
	};
	const char trace[] = "abacbbca";
	struct mrc_reuse *reuse = new_reuse(7);
	const struct mrc_hist *hist = mrc_reuse_hist(reuse);
	struct mrc_curve *curve;
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++)
		assert_int_equal(mrc_reuse_access(reuse, (uint64_t)trace[i]),
				 0);
	assert_int_equal(mrc_hist_total(hist), 8);
	assert_int_equal(mrc_hist_cold(hist), 3);
	curve = new_curve(hist, 1);
	assert_points(curve, points, ARRAY_SIZE(points));
	mrc_curve_free(curve);
	mrc_reuse_free(reuse);
}

/* With "at least t" in place of "more than t" the step would be at N + 1. */
static void test_longer_is_strict(void **state)
{
	static const double points[][2] = { { 0, 1 }, { 4, 1 }, { 5, 0 } };
	struct mrc_hist *hist = new_hist(7);
	struct mrc_curve *curve;

	(void)state;
	assert_int_equal(mrc_hist_add(hist, 5, 1000), 0);
	curve = new_curve(hist, 1);
	assert_points(curve, points, ARRAY_SIZE(points));
	mrc_curve_free(curve);
	mrc_hist_free(hist);
}

static void test_only_cold_accesses(void **state)
{
	struct mrc_hist *hist = new_hist(7);
	struct mrc_curve *curve;
	uint64_t pages = 12345;

	(void)state;
	assert_int_equal(mrc_hist_add_cold(hist, 10), 0);
	curve = new_curve(hist, 1);
	assert_int_equal(mrc_curve_nr_points(curve), 1);
	assert_near(mrc_curve_at(curve, 1e9), 1, 0);
	assert_int_equal(mrc_curve_wss_pages(curve, 0.05, &pages), -ERANGE);
	assert_int_equal(pages, 12345);
	mrc_curve_free(curve);
	mrc_hist_free(hist);
}

/*
 * A loop over N pages: the step is at N exactly where buckets hold one value,
 * and off by less than the width of N's bucket elsewhere.
 */
static void check_loop(unsigned int b, uint64_t n)
{
	uint64_t width = mrc_bucket_width(b, mrc_bucket_index(b, n));
	struct mrc_reuse *reuse = new_reuse(b);
	struct mrc_curve *curve;
	uint64_t pages = 0;
	uint64_t i;

	for (i = 0; i < 25 * n; i++)
		assert_int_equal(mrc_reuse_access(reuse, i % n), 0);
	curve = new_curve(mrc_reuse_hist(reuse), 1);
	assert_invariants(curve, mrc_reuse_hist(reuse));
	assert_int_equal(mrc_curve_wss_pages(curve, 0.05, &pages), 0);
	if (width == 1) {
		assert_int_equal(pages, n);
		assert_near(mrc_curve_at(curve, (double)n - 1), 1, 0);
		assert_near(mrc_curve_at(curve, (double)n), 0.04, 0);
	} else {
		assert_in_range(pages, n - width + 1, n + width - 1);
	}
	assert_near(mrc_curve_at(curve, (double)(n - width)), 1, 0);
	assert_near(mrc_curve_at(curve, (double)(n + width)), 0.04, 0);
	mrc_curve_free(curve);
	mrc_reuse_free(reuse);
}

static void test_loop_steps_at_its_length(void **state)
{
	static const uint64_t lengths[] = {
		1,    2,    3,	  100,	127,  128,  129,  254,	255,  256,
		257,  258,  259,  260,	511,  512,  513,  515,	516,  1000,
		1023, 1024, 1025, 1031, 1032, 2047, 2048, 3000, 4097,
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		check_loop(7, lengths[i]);
		check_loop(16, lengths[i]);
		check_loop(0, lengths[i]);
	}
}

/*
 * Any histogram of one value, without the trace: over the whole range the step
 * stays within the width of the bucket.
 */
static void test_single_reuse_time_of_any_length(void **state)
{
	size_t nr_buckets = mrc_bucket_count(7, MRC_HIST_VALUE_BITS);
	struct mrc_hist *hist = new_hist(7);
	size_t i;

	(void)state;
	for (i = 1; i < nr_buckets; i += 7) {
		uint64_t low = mrc_bucket_low(7, i);
		uint64_t width = mrc_bucket_width(7, i);
		struct mrc_curve *curve;
		uint64_t pages = 0;

		mrc_hist_clear(hist);
		assert_int_equal(mrc_hist_add(hist, low, 3), 0);
		curve = new_curve(hist, 1);
		assert_int_equal(mrc_curve_wss_pages(curve, 0.05, &pages), 0);
		assert_in_range(pages, low, low + width - 1);
		mrc_curve_free(curve);
	}
	mrc_hist_free(hist);
}

/*
 * One access at each value of a bucket is what the even spread supposes, so a
 * coarse histogram must agree with an exact one at the edges of its buckets.
 */
static void test_wide_bucket_spreads_evenly(void **state)
{
	struct mrc_hist *coarse = new_hist(0);
	struct mrc_hist *exact = new_hist(16);
	struct mrc_curve *coarse_curve;
	struct mrc_curve *exact_curve;
	uint64_t time;
	size_t i;

	(void)state;
	for (time = 1; time < 4096; time++) {
		assert_int_equal(mrc_hist_add(coarse, time, 1), 0);
		assert_int_equal(mrc_hist_add(exact, time, 1), 0);
	}
	coarse_curve = new_curve(coarse, 1);
	exact_curve = new_curve(exact, 1);
	assert_int_equal(mrc_curve_nr_points(coarse_curve), 13);
	for (i = 0; i < 13; i++) {
		double size = -1;
		double ratio = -1;

		assert_int_equal(
			mrc_curve_point(coarse_curve, i, &size, &ratio), 0);
		assert_near(ratio, mrc_curve_at(exact_curve, size), 1e-12);
	}
	mrc_curve_free(coarse_curve);
	mrc_curve_free(exact_curve);
	mrc_hist_free(coarse);
	mrc_hist_free(exact);
}

/* Random short traces against the definition, counted and summed naively. */
static void test_same_as_the_definition(void **state)
{
	uint64_t seed = test_seed();
	int round;

	(void)state;
	for (round = 0; round < 40; round++) {
		size_t nr_accesses = 1 + test_random(&seed) % 300;
		uint64_t nr_pages = 1 + test_random(&seed) % 60;
		struct mrc_reuse *reuse = new_reuse(8);
		uint64_t trace[300];
		size_t reuse_times[300];
		struct mrc_curve *curve;
		double size;
		size_t i;

		for (i = 0; i < nr_accesses; i++) {
			trace[i] = test_random(&seed) % nr_pages;
			reuse_times[i] = aet_direct_reuse_time(trace, i);
			assert_int_equal(mrc_reuse_access(reuse, trace[i]), 0);
		}
		curve = new_curve(mrc_reuse_hist(reuse), 1);
		assert_invariants(curve, mrc_reuse_hist(reuse));
		for (size = 0; size < (double)nr_pages + 20; size += 0.37)
			assert_near(mrc_curve_at(curve, size),
				    aet_direct_miss_ratio(reuse_times,
							  nr_accesses, size),
				    1e-9);
		mrc_curve_free(curve);
		mrc_reuse_free(reuse);
	}
}

/*
 * P(t) that uniform random accesses have on average: access i (from 0) is
 * longer than t if its page is not among the min(i, t) before it.
 */
static double uniform_share_longer(double nr_pages, double nr_accesses,
				   double time)
{
	double missed = pow(1 - 1 / nr_pages, time);

	return ((1 - missed) * nr_pages + (nr_accesses - time) * missed) /
	       nr_accesses;
}

/*
 * Uniform random accesses to N pages, 300 000 of them, N = 2000.
 *
 * The model's own expected curve follows from the P(t) above. What is left is
 * noise: a ratio's is at most 0.5 / sqrt(300 000) = 0.0009; five of that are
 * 0.0046, so 0.005.
 * Cold accesses counted as infinite bend the model up near c = N: there it
 * expects 0.0213, where LRU has the cold share, 2000 / 300 000 = 0.0067, and
 * the theory 1 - c / N has 0. That bias is largest there, so the curves may
 * differ by 0.0147 + 0.005 and 0.0213 + 0.005.
 */
static void test_uniform_random(void **state)
{
	const uint64_t nr_pages = 2000;
	const uint64_t nr_accesses = 300000;
	struct mrc_reuse *reuse = new_reuse(7);
	uint64_t seed = test_seed();
	struct mrc_curve *aet_curve;
	struct mrc_curve *lru_curve = NULL;
	struct mrc_lru *lru = NULL;
	double worst_model = 0;
	double worst_lru = 0;
	double worst_line = 0;
	double model_size = 0;
	double time = 0;
	uint64_t i;

	(void)state;
	assert_int_equal(mrc_lru_new(&lru), 0);
	for (i = 0; i < nr_accesses; i++) {
		uint64_t page = test_random(&seed) % nr_pages;

		assert_int_equal(mrc_reuse_access(reuse, page), 0);
		assert_int_equal(mrc_lru_access(lru, page, NULL), 0);
	}
	aet_curve = new_curve(mrc_reuse_hist(reuse), 1);
	assert_int_equal(mrc_lru_curve(lru, &lru_curve), 0);
	for (i = 0; i <= nr_pages; i += 20) {
		double aet = mrc_curve_at(aet_curve, (double)i);
		double exact = mrc_curve_at(lru_curve, (double)i);
		double line = 1 - (double)i / (double)nr_pages;
		double model = 1;

		while (model_size < (double)i) {
			model = uniform_share_longer(
				(double)nr_pages, (double)nr_accesses, time++);
			model_size += model;
		}
		worst_model = fmax(worst_model, fabs(aet - model));
		worst_lru = fmax(worst_lru, fabs(aet - exact));
		worst_line = fmax(worst_line, fabs(aet - line));
	}
	print_message("largest error: %.4f to the model's expectation, "
		      "%.4f to LRU, %.4f to 1 - c/N\n",
		      worst_model, worst_lru, worst_line);
	assert_true(worst_model < 0.005);
	assert_true(worst_lru < 0.0197);
	assert_true(worst_line < 0.0263);
	mrc_curve_free(aet_curve);
	mrc_curve_free(lru_curve);
	mrc_reuse_free(reuse);
	mrc_lru_free(lru);
}

static void test_sizes_scale_by_the_inverse_rate(void **state)
{
	const double rates[] = { 1, 1.5, 128, 65536, MRC_AET_MAX_INVERSE_RATE };
	struct mrc_hist *hist = new_hist(7);
	struct mrc_curve *plain;
	uint64_t seed = test_seed();
	size_t r;
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_int_equal(mrc_hist_add(hist,
					      1 + test_random(&seed) % 5000, 1),
				 0);
	assert_int_equal(mrc_hist_add_cold(hist, 100), 0);
	plain = new_curve(hist, 1);
	for (r = 0; r < ARRAY_SIZE(rates); r++) {
		struct mrc_curve *curve = new_curve(hist, rates[r]);

		assert_invariants(curve, hist);
		assert_int_equal(mrc_curve_nr_points(curve),
				 mrc_curve_nr_points(plain));
		for (i = 0; i < mrc_curve_nr_points(curve); i++) {
			double size = -1;
			double plain_size = -1;
			double ratio = -1;
			double plain_ratio = -1;

			assert_int_equal(
				mrc_curve_point(curve, i, &size, &ratio), 0);
			assert_int_equal(mrc_curve_point(plain, i, &plain_size,
							 &plain_ratio),
					 0);
			assert_near(size, plain_size * rates[r], 0);
			assert_near(ratio, plain_ratio, 0);
		}
		mrc_curve_free(curve);
	}
	mrc_curve_free(plain);
	mrc_hist_free(hist);
}

/* Sampling one page in T of a loop over N, counted in sampled accesses. */
static void test_sampled_loop(void **state)
{
	struct mrc_reuse *reuse = new_reuse(7);
	struct mrc_curve *curve;
	uint64_t pages = 0;
	uint64_t i;

	(void)state;
	for (i = 0; i < 25 * 12800; i++)
		if (i % 12800 % 128 == 5)
			assert_int_equal(mrc_reuse_access(reuse, i % 12800), 0);
	curve = new_curve(mrc_reuse_hist(reuse), 128);
	assert_int_equal(mrc_curve_wss_pages(curve, 0.04, &pages), 0);
	assert_int_equal(pages, 12800);
	/* Linear over the last sampled page, so 5 % are passed within it. */
	assert_int_equal(mrc_curve_wss_pages(curve, 0.05, &pages), 0);
	assert_in_range(pages, 12800 - 127, 12800);
	mrc_curve_free(curve);
	mrc_reuse_free(reuse);
}

/* The largest sums there are, and a tail too thin for a double to see. */
static void test_extremes(void **state)
{
	struct mrc_hist *hist = new_hist(0);
	struct mrc_curve *curve;

	(void)state;
	assert_int_equal(mrc_hist_add(hist, MAX_REUSE_TIME, UINT64_MAX), 0);
	curve = new_curve(hist, 1);
	assert_invariants(curve, hist);
	assert_near(mrc_curve_at(curve, 0x1p47 - 1), 1, 0);
	/* Evenly spread over [2^47, 2^48): 2^47 - 1 + (2^47 + 1) / 2. */
	assert_near(mrc_curve_max_pages(curve), 0x1p47 + 0x1p46 - 0.5, 0);
	mrc_curve_free(curve);

	mrc_hist_clear(hist);
	assert_int_equal(mrc_hist_add(hist, 1000000, UINT64_MAX - 40), 0);
	for (uint64_t bit = 20; bit < MRC_HIST_VALUE_BITS; bit++)
		assert_int_equal(mrc_hist_add(hist, UINT64_C(1) << bit, 1), 0);
	assert_int_equal(mrc_hist_add_cold(hist, 1), 0);
	curve = new_curve(hist, MRC_AET_MAX_INVERSE_RATE);
	assert_invariants(curve, hist);
	mrc_curve_free(curve);
	mrc_hist_free(hist);
}

static void test_random_histograms_keep_the_invariants(void **state)
{
	uint64_t seed = test_seed();
	int round;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct mrc_hist *hist = new_hist((unsigned int)round % 9);
		uint64_t nr_adds = test_random(&seed) % 200;
		struct mrc_curve *curve;
		uint64_t i;

		assert_int_equal(mrc_hist_add_cold(hist, 1), 0);
		for (i = 0; i < nr_adds; i++) {
			uint64_t time_shift = 16 + test_random(&seed) % 48;
			uint64_t count_shift = 8 + test_random(&seed) % 56;

			assert_int_equal(
				mrc_hist_add(hist,
					     test_random(&seed) >> time_shift |
						     1,
					     test_random(&seed) >> count_shift),
				0);
		}
		curve = new_curve(hist, 1 + (double)(round % 1000));
		assert_invariants(curve, hist);
		mrc_curve_free(curve);
		mrc_hist_free(hist);
	}
}

static void test_curve_refuses(void **state)
{
	const double bad_rates[] = {
		0, -1, 0.999, NAN, INFINITY, 2 * MRC_AET_MAX_INVERSE_RATE,
	};
	struct mrc_curve *curve = UNTOUCHED;
	struct mrc_hist *hist = new_hist(7);
	size_t i;

	(void)state;
	assert_int_equal(mrc_aet_curve(hist, 1, &curve), -ENODATA);
	assert_int_equal(mrc_hist_add(hist, 1, 1), 0);
	for (i = 0; i < ARRAY_SIZE(bad_rates); i++)
		assert_int_equal(mrc_aet_curve(hist, bad_rates[i], &curve),
				 -EINVAL);
	assert_ptr_equal(curve, UNTOUCHED);
	mrc_hist_free(hist);
}

static void test_reuse_refuses_bits_out_of_range(void **state)
{
	struct mrc_reuse *reuse = UNTOUCHED;

	(void)state;
	assert_int_equal(mrc_reuse_new(MRC_HIST_MAX_SUB_BUCKET_BITS + 1,
				       &reuse),
			 -EINVAL);
	assert_ptr_equal(reuse, UNTOUCHED);
}

/* Keys that differ only high up, and both ends of the range, are pages too. */
static void test_reuse_takes_any_page_number(void **state)
{
	struct mrc_reuse *reuse = new_reuse(7);
	const struct mrc_hist *hist = mrc_reuse_hist(reuse);
	uint64_t count = 0;
	uint64_t pass;
	uint64_t i;

	(void)state;
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < 98; i++)
			assert_int_equal(mrc_reuse_access(reuse, (i + 1) << 50),
					 0);
		assert_int_equal(mrc_reuse_access(reuse, 0), 0);
		assert_int_equal(mrc_reuse_access(reuse, UINT64_MAX), 0);
	}
	assert_int_equal(mrc_hist_cold(hist), 100);
	assert_int_equal(mrc_hist_bucket(hist, 100, &count), 0);
	assert_int_equal(count, 100);
	mrc_reuse_free(reuse);
}

static void test_new_and_curve_without_memory(void **state)
{
	struct mrc_reuse *reuse = UNTOUCHED;
	struct mrc_curve *curve = UNTOUCHED;
	struct mrc_hist *hist = new_hist(7);
	unsigned int nr_good;
	int err;

	(void)state;
	for (nr_good = 0; nr_good < 2; nr_good++) {
		fail_alloc_after(nr_good);
		err = mrc_reuse_new(7, &reuse);
		fail_alloc_off();
		assert_int_equal(err, -ENOMEM);
		assert_ptr_equal(reuse, UNTOUCHED);
	}
	assert_int_equal(mrc_hist_add(hist, 1, 1), 0);
	fail_alloc_after(0);
	err = mrc_aet_curve(hist, 1, &curve);
	fail_alloc_off();
	assert_int_equal(err, -ENOMEM);
	assert_ptr_equal(curve, UNTOUCHED);
	mrc_hist_free(hist);
}

/* A failed access is not counted, and can be tried again. */
static void test_access_without_memory(void **state)
{
	struct mrc_reuse *reuse = new_reuse(7);
	const struct mrc_hist *hist = mrc_reuse_hist(reuse);
	unsigned int nr_failures = 0;
	uint64_t count = 0;
	uint64_t i;

	(void)state;
	for (i = 0; i < 400; i++) {
		uint64_t page = i % 200;
		int err;

		fail_alloc_after(0);
		err = mrc_reuse_access(reuse, page);
		fail_alloc_off();
		if (err < 0) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(mrc_hist_total(hist), i);
			nr_failures++;
			assert_int_equal(mrc_reuse_access(reuse, page), 0);
		}
		assert_int_equal(mrc_hist_total(hist), i + 1);
	}
	assert_true(nr_failures > 1);
	assert_int_equal(mrc_hist_bucket(hist, 200, &count), 0);
	assert_int_equal(count, 200);
	mrc_reuse_free(reuse);
}

static void test_free_takes_null(void **state)
{
	(void)state;
	mrc_reuse_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack_example),
		cmocka_unit_test(test_longer_is_strict),
		cmocka_unit_test(test_only_cold_accesses),
		cmocka_unit_test(test_loop_steps_at_its_length),
		cmocka_unit_test(test_single_reuse_time_of_any_length),
		cmocka_unit_test(test_wide_bucket_spreads_evenly),
		cmocka_unit_test(test_same_as_the_definition),
		cmocka_unit_test(test_uniform_random),
		cmocka_unit_test(test_sizes_scale_by_the_inverse_rate),
		cmocka_unit_test(test_sampled_loop),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_random_histograms_keep_the_invariants),
		cmocka_unit_test(test_curve_refuses),
		cmocka_unit_test(test_reuse_refuses_bits_out_of_range),
		cmocka_unit_test(test_reuse_takes_any_page_number),
		cmocka_unit_test(test_new_and_curve_without_memory),
		cmocka_unit_test(test_access_without_memory),
		cmocka_unit_test(test_free_takes_null),
	};

	return cmocka_run_group_tests_name("aet", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <mrc/aet.h>
#include <mrc/lru.h>

#include "aet_direct.h"

/* Not exported: a test lets time pass that accesses would take hours for. */
#include "../../libmrc/src/reuse.h"

static struct mrc_reuse *new_reuse(const struct mrc_reuse_options *options)
{
	struct mrc_reuse *reuse = NULL;

	assert_int_equal(mrc_reuse_new_with(options, &reuse), 0);
	assert_non_null(reuse);
	return reuse;
}

static void assert_hist_equal(const struct mrc_hist *a,
			      const struct mrc_hist *b)
{
	size_t i;

	assert_int_equal(mrc_hist_total(a), mrc_hist_total(b));
	assert_int_equal(mrc_hist_cold(a), mrc_hist_cold(b));
	assert_int_equal(mrc_hist_censored(a), mrc_hist_censored(b));
	for (i = 0; i < mrc_hist_nr_buckets(a); i++) {
		uint64_t in_a = 1;
		uint64_t in_b = 2;

		assert_int_equal(mrc_hist_bucket(a, i, &in_a), 0);
		assert_int_equal(mrc_hist_bucket(b, i, &in_b), 0);
		assert_int_equal(in_a, in_b);
		assert_int_equal(mrc_hist_censored_bucket(a, i, &in_a), 0);
		assert_int_equal(mrc_hist_censored_bucket(b, i, &in_b), 0);
		assert_int_equal(in_a, in_b);
	}
}

static uint64_t events_at(const struct mrc_hist *hist, uint64_t reuse_time)
{
	size_t index =
		mrc_bucket_index(mrc_hist_sub_bucket_bits(hist), reuse_time);
	uint64_t count = 0;

	assert_int_equal(mrc_hist_bucket(hist, index, &count), 0);
	return count;
}

/*
 * Kaplan and Meier's own example (JASA 53, 1958, section 2): deaths at 0.8, 3.1,
 * 5.4 and 9.2, losses at 1.0, 2.7, 7.0 and 12.1, here in tenths; P falls to 7/8,
 * 7/10, 21/40 and 21/80.
 */
static void test_product_limit_example(void **state)
{
	static const uint64_t deaths[] = { 8, 31, 54, 92 };
	static const uint64_t losses[] = { 10, 27, 70, 121 };
	static const double survival[] = { 1, 7.0 / 8, 7.0 / 10, 21.0 / 40,
					   21.0 / 80 };
	struct mrc_hist *hist = NULL;
	struct mrc_curve *curve = NULL;
	double expected_size = 0;
	double last = 0;
	size_t i;

	(void)state;
	assert_int_equal(mrc_hist_new(7, &hist), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(mrc_hist_add(hist, deaths[i], 1), 0);
		assert_int_equal(mrc_hist_add_censored(hist, losses[i], 1), 0);
	}
	assert_int_equal(mrc_aet_curve(hist, 2, &curve), 0);
	assert_int_equal(mrc_curve_nr_points(curve), 9);
	for (i = 0; i < 4; i++) {
		double size = 0;
		double ratio = 0;

		expected_size +=
			2 * survival[i] * ((double)deaths[i] - 1 - last);
		last = (double)deaths[i];
		assert_int_equal(
			mrc_curve_point(curve, 2 * i + 1, &size, &ratio), 0);
		assert_near(size, expected_size, 1e-12);
		assert_near(ratio, survival[i], 1e-15);
		expected_size += 2 * survival[i];
		assert_int_equal(
			mrc_curve_point(curve, 2 * i + 2, &size, &ratio), 0);
		assert_near(size, expected_size, 1e-12);
		assert_near(ratio, survival[i + 1], 1e-15);
	}
	mrc_curve_free(curve);
	mrc_hist_free(hist);
}

/* A loss at the time of a death comes after it; all lost or all dead is fine. */
static void test_product_limit_ties(void **state)
{
	struct mrc_hist *hist = NULL;
	struct mrc_curve *curve = NULL;

	(void)state;
	assert_int_equal(mrc_hist_new(7, &hist), 0);
	assert_int_equal(mrc_hist_add_censored(hist, 5, 3), 0);
	assert_int_equal(mrc_aet_curve(hist, 1, &curve), 0);
	assert_near(mrc_curve_at(curve, 100), 1, 0);
	mrc_curve_free(curve);
	assert_int_equal(mrc_hist_add(hist, 5, 1), 0);
	assert_int_equal(mrc_aet_curve(hist, 1, &curve), 0);
	assert_near(mrc_curve_at(curve, 5), 0.75, 0);
	mrc_curve_free(curve);
	assert_int_equal(mrc_hist_add(hist, 9, 2), 0);
	assert_int_equal(mrc_aet_curve(hist, 1, &curve), 0);
	assert_near(mrc_curve_max_pages(curve), 5 + 4 * 5.0 / 6, 1e-12);
	assert_near(mrc_curve_at(curve, 9), 0, 0);
	mrc_curve_free(curve);
	mrc_hist_free(hist);
}

/*
 * By hand: three that are watched from the beginning, deaths at 2 and 6 and one lost
 * at 4; two that enter at 3, of whom one dies at 5, and one is lost at 9. At risk:
 * 3 at 2; 1 + 2 at 5, as the one lost at 4 is gone; 2 at 6.
 */
static void test_entered_example(void **state)
{
	static const double survival[] = { 1, 2.0 / 3, 4.0 / 9, 2.0 / 9 };
	static const uint64_t deaths[] = { 2, 5, 6 };
	struct mrc_hist *hist = NULL;
	struct mrc_curve *curve = NULL;
	double expected_size = 0;
	double last = 0;
	size_t i;

	(void)state;
	assert_int_equal(mrc_hist_new(7, &hist), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(mrc_hist_add(hist, deaths[i], 1), 0);
	assert_int_equal(mrc_hist_add_censored(hist, 4, 1), 0);
	assert_int_equal(mrc_hist_add_censored(hist, 9, 1), 0);
	assert_int_equal(mrc_hist_add_entered(hist, 3, 2), 0);
	assert_int_equal(mrc_aet_curve(hist, 1, &curve), 0);
	for (i = 0; i < 3; i++) {
		expected_size += survival[i] * ((double)deaths[i] - last);
		last = (double)deaths[i];
		assert_near(mrc_curve_at(curve, expected_size), survival[i + 1],
			    1e-12);
	}
	assert_near(mrc_curve_at(curve, 100), 2.0 / 9, 1e-12);
	mrc_curve_free(curve);
	/* At the time of a death: watched from after it. In a wide bucket, half. */
	mrc_hist_clear(hist);
	assert_int_equal(mrc_hist_add(hist, 5, 1), 0);
	assert_int_equal(mrc_hist_add_censored(hist, 7, 4), 0);
	assert_int_equal(mrc_hist_add_entered(hist, 5, 3), 0);
	assert_int_equal(mrc_aet_curve(hist, 1, &curve), 0);
	assert_near(mrc_curve_at(curve, 100), 0.5, 1e-12);
	mrc_curve_free(curve);
	mrc_hist_clear(hist);
	assert_int_equal(mrc_hist_add(hist, 1025, 1), 0);
	assert_int_equal(mrc_hist_add_censored(hist, 4000, 4), 0);
	assert_int_equal(mrc_hist_add_entered(hist, 1024, 2), 0);
	assert_int_equal(mrc_aet_curve(hist, 1, &curve), 0);
	assert_near(mrc_curve_at(curve, 4000), 0.75, 1e-12);
	mrc_curve_free(curve);
	/* Who dies with nobody at risk was at risk. */
	assert_int_equal(mrc_hist_add_entered(hist, 4000, 3), 0);
	assert_int_equal(mrc_aet_curve(hist, 1, &curve), 0);
	assert_near(mrc_curve_at(curve, 4000), 0, 0);
	mrc_curve_free(curve);
	mrc_hist_free(hist);
}

enum shape {
	UNIFORM,
	SKEWED,
	LOOP,
	NR_SHAPES
};

static void fill_trace(uint64_t *trace, size_t nr, enum shape shape,
		       uint64_t nr_pages, uint64_t *seed)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		uint64_t random = test_random(seed);

		if (shape == UNIFORM)
			trace[i] = random % nr_pages;
		else if (shape == SKEWED)
			trace[i] = (random >> 32) % (1 + random % nr_pages);
		else
			trace[i] = i % nr_pages;
		trace[i] = trace[i] << 20 | trace[i];
	}
}

/* In batches of any length: what a look back along the trace finds. */
static void test_batches_count_the_same(void **state)
{
	uint64_t seed = test_seed();
	uint64_t trace[2000];
	int round;

	(void)state;
	for (round = 0; round < 30; round++) {
		const struct mrc_reuse_options options = {
			.sub_bucket_bits = 7,
			.window_accesses = round % 2 == 0 ? 0 : 100,
		};
		struct mrc_reuse *reuse = new_reuse(&options);
		struct mrc_hist *expected = NULL;
		size_t done = 0;
		size_t i;

		fill_trace(trace, 2000, (enum shape)(round % NR_SHAPES),
			   1 + test_random(&seed) % 300, &seed);
		assert_int_equal(mrc_hist_new(7, &expected), 0);
		while (done < 2000) {
			size_t nr = test_random(&seed) % 150;

			if (nr > 2000 - done)
				nr = 2000 - done;
			assert_int_equal(
				mrc_reuse_access_n(reuse, trace + done, nr), 0);
			done += nr;
			assert_int_equal(mrc_reuse_nr_accesses(reuse), done);
		}
		for (i = 0; i < 2000; i++) {
			size_t time = aet_direct_reuse_time(trace, i);

			if (time > 0)
				assert_int_equal(
					mrc_hist_add(expected, time, 1), 0);
			else
				assert_int_equal(mrc_hist_add_censored(expected,
								       i, 1),
						 0);
		}
		assert_hist_equal(mrc_reuse_hist(reuse), expected);
		mrc_hist_free(expected);
		mrc_reuse_free(reuse);
	}
}

/*
 * Times beyond 32 bits: pages that were accessed long ago, in the sample or out
 * of it, keep their times however often the others move on.
 */
static void check_long_times(enum mrc_reuse_sampling sampling)
{
	const struct mrc_reuse_options options = {
		.sub_bucket_bits = 7,
		.sampling = sampling,
		.inverse_rate = 1.0000001,
		.seed = 3,
	};
	const uint64_t pause = UINT64_C(2000000000);
	struct mrc_reuse *reuse = new_reuse(&options);
	const struct mrc_hist *hist = mrc_reuse_hist(reuse);
	uint64_t page;
	int i;

	/* Pages 0..99, then for each pause page 1 alone, then all again. */
	for (page = 0; page < 100; page++)
		assert_int_equal(mrc_reuse_access(reuse, page), 0);
	for (i = 0; i < 4; i++) {
		page = 1;
		reuse->nr_accesses += pause;
		reuse->next_sample += pause;
		assert_int_equal(mrc_reuse_access(reuse, page), 0);
	}
	reuse->nr_accesses += pause;
	reuse->next_sample += pause;
	for (page = 0; page < 100; page++)
		assert_int_equal(mrc_reuse_access(reuse, page), 0);
	assert_int_equal(events_at(hist, pause + 1), 5);
	assert_int_equal(events_at(hist, 5 * pause + 104), 99);
	/* And they are known since then. */
	for (page = 0; page < 100; page++)
		assert_int_equal(mrc_reuse_access(reuse, page), 0);
	assert_int_equal(events_at(hist, 100), 100);
	assert_int_equal(mrc_reuse_nr_accesses(reuse), 5 * pause + 304);
	mrc_reuse_free(reuse);
}

static void test_times_beyond_32_bits(void **state)
{
	(void)state;
	check_long_times(MRC_REUSE_ALL);
	check_long_times(MRC_REUSE_REFERENCES);
	check_long_times(MRC_REUSE_PAGES);
}

/* The number sampled is binomial (references) or nearly so: five deviations. */
static void test_sampling_rate(void **state)
{
	static const double rates[] = { 1.25, 2, 10.5, 100 };
	static uint64_t trace[200000];
	uint64_t seed = test_seed();
	int sampling;
	size_t r;

	(void)state;
	/* Each page twice, 100 000 accesses apart. */
	fill_trace(trace, 200000, LOOP, 100000, &seed);
	for (sampling = MRC_REUSE_REFERENCES; sampling <= MRC_REUSE_PAGES;
	     sampling++)
		for (r = 0; r < ARRAY_SIZE(rates); r++) {
			const struct mrc_reuse_options options = {
				.sub_bucket_bits = 7,
				.sampling = (enum mrc_reuse_sampling)sampling,
				.inverse_rate = rates[r],
				.seed = test_random(&seed),
			};
			struct mrc_reuse *reuse = new_reuse(&options);
			double share = 1 / rates[r];
			double nr;

			assert_int_equal(
				mrc_reuse_access_n(reuse, trace, 200000), 0);
			/* All that comes back comes back after 100 000. */
			nr = (double)events_at(mrc_reuse_hist(reuse), 100000);
			assert_near(nr, 1e5 * share,
				    5 * sqrt(1e5 * share * (1 - share)));
			assert_int_equal(mrc_hist_total(mrc_reuse_hist(reuse)),
					 sampling == MRC_REUSE_PAGES ? 2 * nr :
								       nr);
			mrc_reuse_free(reuse);
		}
}

static void test_rate_one_is_everything(void **state)
{
	static uint64_t trace[5000];
	struct mrc_reuse_options options = { .sub_bucket_bits = 5 };
	struct mrc_reuse *all = new_reuse(&options);
	struct mrc_reuse *sample;
	uint64_t seed = test_seed();

	(void)state;
	fill_trace(trace, 5000, SKEWED, 400, &seed);
	options.sampling = MRC_REUSE_PAGES;
	options.inverse_rate = 1;
	sample = new_reuse(&options);
	assert_int_equal(mrc_reuse_access_n(all, trace, 5000), 0);
	assert_int_equal(mrc_reuse_access_n(sample, trace, 5000), 0);
	assert_hist_equal(mrc_reuse_hist(all), mrc_reuse_hist(sample));
	mrc_reuse_free(all);
	mrc_reuse_free(sample);
}

/* Largest and mean distance of two curves at 100 sizes up to @nr_pages. */
static double distance(const struct mrc_curve *a, const struct mrc_curve *b,
		       double nr_pages, double *ret_mean)
{
	double largest = 0;
	double sum = 0;
	int i;

	for (i = 1; i <= 100; i++) {
		double size = (double)i / 100 * nr_pages;
		double error =
			fabs(mrc_curve_at(a, size) - mrc_curve_at(b, size));

		largest = fmax(largest, error);
		sum += error;
	}
	*ret_mean = sum / 100;
	return largest;
}

#define NR_ACCESSES 200000
#define NR_PAGES 2000

/* The distance of a counter's curve from the exact one. */
static double lru_distance(const struct mrc_reuse_options *options,
			   const uint64_t *trace, double *ret_mean)
{
	struct mrc_reuse *reuse = new_reuse(options);
	struct mrc_curve *exact = NULL;
	struct mrc_curve *curve = NULL;
	struct mrc_lru *lru = NULL;
	double largest;
	double last = 1;
	size_t i;

	assert_int_equal(mrc_lru_new(&lru), 0);
	for (i = 0; i < NR_ACCESSES; i++)
		assert_int_equal(mrc_lru_access(lru, trace[i], NULL), 0);
	assert_int_equal(mrc_lru_curve(lru, &exact), 0);
	assert_int_equal(mrc_reuse_access_n(reuse, trace, NR_ACCESSES), 0);
	assert_int_equal(mrc_reuse_curve(reuse, &curve), 0);
	assert_near(mrc_curve_at(curve, 0), 1, 0);
	for (i = 0; i < mrc_curve_nr_points(curve); i++) {
		double size = -1;
		double ratio = -1;

		assert_int_equal(mrc_curve_point(curve, i, &size, &ratio), 0);
		assert_true(ratio >= 0 && ratio <= last);
		last = ratio;
	}
	largest = distance(curve, exact, NR_PAGES, ret_mean);
	mrc_curve_free(curve);
	mrc_curve_free(exact);
	mrc_lru_free(lru);
	mrc_reuse_free(reuse);
	return largest;
}

/*
 * First accesses are censored, not infinite: what is left of AET's error on
 * uniform and skewed accesses is noise. A ratio's deviation is at most
 * 0.5 / sqrt(200 000) = 0.0011. With cold accesses infinite the uniform trace is
 * off by 0.02 near its end.
 */
static void test_curve_is_that_of_lru(void **state)
{
	static uint64_t trace[NR_ACCESSES];
	const struct mrc_reuse_options options = { .sub_bucket_bits = 10 };
	uint64_t seed = test_seed();
	double mean = 1;

	(void)state;
	fill_trace(trace, NR_ACCESSES, UNIFORM, NR_PAGES, &seed);
	assert_true(lru_distance(&options, trace, &mean) < 0.0033);
	assert_true(mean < 0.0008);
	fill_trace(trace, NR_ACCESSES, SKEWED, NR_PAGES, &seed);
	assert_true(lru_distance(&options, trace, &mean) < 0.0033);
	assert_true(mean < 0.0008);
	fill_trace(trace, NR_ACCESSES, LOOP, NR_PAGES, &seed);
	assert_true(lru_distance(&options, trace, &mean) < 0.0001);
}

/*
 * One access in 20, or the accesses to one page in 20: 10 000 or so. Shares of
 * 10 000 deviate by 0.005; pages vary more than that, and 100 in the sample are
 * few, so twice the tolerance. A loop is exact but for the share of first
 * accesses, which is small.
 */
static void test_sampled_curve(void **state)
{
	static uint64_t trace[NR_ACCESSES];
	uint64_t seed = test_seed();
	int sampling;
	int shape;

	(void)state;
	for (sampling = MRC_REUSE_REFERENCES; sampling <= MRC_REUSE_PAGES;
	     sampling++)
		for (shape = 0; shape < NR_SHAPES; shape++) {
			const struct mrc_reuse_options options = {
				.sub_bucket_bits = 10,
				.sampling = (enum mrc_reuse_sampling)sampling,
				.inverse_rate = 20,
				.seed = test_random(&seed),
			};
			double mean = 1;
			double largest;

			fill_trace(trace, NR_ACCESSES, (enum shape)shape,
				   NR_PAGES, &seed);
			largest = lru_distance(&options, trace, &mean);
			print_message("sampling %d, shape %d: %.4f, %.4f\n",
				      sampling, shape, largest, mean);
			if (shape == LOOP)
				assert_true(largest < 0.006);
			else
				assert_true(largest <
					    (sampling == MRC_REUSE_PAGES ?
						     0.04 :
						     0.02));
		}
}

/* A loop over a quarter, then uniform accesses, in turn, all of 25 000. */
static void test_windows_see_phases(void **state)
{
	static uint64_t trace[NR_ACCESSES];
	uint64_t seed = test_seed();
	double mean[4] = { 1, 1, 1, 1 };
	int i;

	(void)state;
	for (i = 0; i < NR_ACCESSES; i++)
		trace[i] = i / 25000 % 2 == 0 ? (uint64_t)i % (NR_PAGES / 4) :
						test_random(&seed) % NR_PAGES;
	for (i = 0; i < 4; i++) {
		const struct mrc_reuse_options options = {
			.sub_bucket_bits = 9,
			.sampling = i == 3 ? MRC_REUSE_REFERENCES :
					     MRC_REUSE_ALL,
			.inverse_rate = 4,
			/* The last but one has too many, and halves them. */
			.window_accesses = i == 0 ? 0 :
					   i == 1 ? 5300 :
					   i == 2 ? 2600 :
						    5300,
		};

		(void)lru_distance(&options, trace, &mean[i]);
		print_message("windows of %u: %.4f\n",
			      (unsigned int)options.window_accesses, mean[i]);
	}
	assert_true(mean[0] > 0.03);
	assert_true(mean[1] < mean[0] / 4);
	assert_true(mean[2] < mean[0] / 4);
	assert_true(mean[3] < mean[0] / 3);
}

static void test_number_of_windows(void **state)
{
	const struct mrc_reuse_options options = { .window_accesses = 10 };
	struct mrc_reuse *reuse = new_reuse(&options);
	uint64_t i;

	(void)state;
	assert_int_equal(mrc_reuse_nr_windows(reuse), 1);
	for (i = 0; i < 640; i++)
		assert_int_equal(mrc_reuse_access(reuse, i), 0);
	assert_int_equal(mrc_reuse_nr_windows(reuse), 64);
	assert_int_equal(mrc_reuse_access(reuse, i), 0);
	/* 32 of 20, and one begun. */
	assert_int_equal(mrc_reuse_nr_windows(reuse), 33);
	mrc_reuse_free(reuse);
}

static void test_new_refuses(void **state)
{
	static const struct mrc_reuse_options bad[] = {
		{ .sub_bucket_bits = MRC_HIST_MAX_SUB_BUCKET_BITS + 1 },
		{ .sampling = MRC_REUSE_PAGES, .inverse_rate = 0.5 },
		{ .sampling = MRC_REUSE_PAGES, .inverse_rate = NAN },
		{ .sampling = MRC_REUSE_REFERENCES },
		{ .sampling = MRC_REUSE_REFERENCES,
		  .inverse_rate = 2 * MRC_AET_MAX_INVERSE_RATE },
		{ .sampling = (enum mrc_reuse_sampling)3, .inverse_rate = 2 },
		{ .sampling = MRC_REUSE_PAGES,
		  .inverse_rate = 2,
		  .is_cold_infinite = true },
		{ .window_accesses = 10, .is_cold_infinite = true },
		{ .window_accesses = UINT64_MAX },
	};
	const struct mrc_reuse_options options = { .sub_bucket_bits = 7 };
	struct mrc_reuse *reuse = UNTOUCHED;
	struct mrc_curve *curve = UNTOUCHED;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(mrc_reuse_new_with(&bad[i], &reuse), -EINVAL);
	assert_ptr_equal(reuse, UNTOUCHED);
	reuse = new_reuse(&options);
	assert_int_equal(mrc_reuse_curve(reuse, &curve), -ENODATA);
	assert_ptr_equal(curve, UNTOUCHED);
	assert_int_equal(mrc_reuse_access_n(reuse, NULL, 0), 0);
	mrc_reuse_free(reuse);
}

/*
 * Every allocation fails once, what was not counted is tried again, and in the
 * end all is as it would have been.
 */
static void check_without_memory(const struct mrc_reuse_options *options)
{
	static uint64_t trace[3000];
	struct mrc_reuse *expected = new_reuse(options);
	struct mrc_reuse *reuse = UNTOUCHED;
	struct mrc_curve *curve = UNTOUCHED;
	unsigned int nr_failures = 0;
	uint64_t seed = 1;
	uint64_t done = 0;
	unsigned int nr_good;
	int err = -ENOMEM;

	fill_trace(trace, 3000, UNIFORM, 1000, &seed);
	for (nr_good = 0; err < 0; nr_good++) {
		assert_ptr_equal(reuse, UNTOUCHED);
		fail_alloc_after(nr_good);
		err = mrc_reuse_new_with(options, &reuse);
		fail_alloc_off();
		assert_true(err == 0 || err == -ENOMEM);
	}
	assert_true(nr_good > 2);
	assert_int_equal(mrc_reuse_access_n(expected, trace, 3000), 0);
	nr_good = 0;
	while (done < 3000) {
		fail_alloc_after(nr_good);
		err = mrc_reuse_access_n(reuse, trace + done, 3000 - done);
		fail_alloc_off();
		done = mrc_reuse_nr_accesses(reuse);
		nr_failures += err < 0;
		nr_good = err < 0 ? nr_good + 1 : 0;
	}
	assert_true(nr_failures > 3);
	assert_hist_equal(mrc_reuse_hist(reuse), mrc_reuse_hist(expected));
	err = -ENOMEM;
	for (nr_good = 0; err < 0; nr_good++) {
		assert_ptr_equal(curve, UNTOUCHED);
		fail_alloc_after(nr_good);
		err = mrc_reuse_curve(reuse, &curve);
		fail_alloc_off();
		assert_true(err == 0 || err == -ENOMEM);
	}
	assert_true(nr_good > 5);
	mrc_curve_free(curve);
	mrc_reuse_free(reuse);
	mrc_reuse_free(expected);
}

static void test_without_memory(void **state)
{
	int sampling;

	(void)state;
	for (sampling = 0; sampling < 3; sampling++) {
		const struct mrc_reuse_options options = {
			.sub_bucket_bits = 4,
			.sampling = (enum mrc_reuse_sampling)sampling,
			.inverse_rate = 1.5,
			.window_accesses = 500,
		};

		check_without_memory(&options);
	}
}

static void assert_same_curve(const struct mrc_curve *a,
			      const struct mrc_curve *b)
{
	size_t i;

	assert_int_equal(mrc_curve_nr_points(a), mrc_curve_nr_points(b));
	for (i = 0; i < mrc_curve_nr_points(a); i++) {
		double sizes[2] = { -1, -2 };
		double ratios[2] = { -1, -2 };

		assert_int_equal(mrc_curve_point(a, i, &sizes[0], &ratios[0]),
				 0);
		assert_int_equal(mrc_curve_point(b, i, &sizes[1], &ratios[1]),
				 0);
		assert_near(sizes[0], sizes[1], 0);
		assert_near(ratios[0], ratios[1], 0);
	}
}

/* Not only alike now: what is known of windows and groups is the same. */
static void assert_same(const struct mrc_reuse *a, const struct mrc_reuse *b)
{
	struct mrc_curve *curves[6] = { NULL };
	size_t i;

	assert_int_equal(mrc_reuse_nr_accesses(a), mrc_reuse_nr_accesses(b));
	assert_int_equal(mrc_reuse_nr_windows(a), mrc_reuse_nr_windows(b));
	assert_hist_equal(mrc_reuse_hist(a), mrc_reuse_hist(b));
	if (mrc_hist_total(mrc_reuse_hist(a)) == 0)
		return;
	assert_int_equal(mrc_reuse_curve(a, &curves[0]), 0);
	assert_int_equal(mrc_reuse_curve(b, &curves[1]), 0);
	assert_int_equal(mrc_reuse_band(a, 0.9, &curves[2], &curves[4]), 0);
	assert_int_equal(mrc_reuse_band(b, 0.9, &curves[3], &curves[5]), 0);
	for (i = 0; i < 6; i += 2)
		assert_same_curve(curves[i], curves[i + 1]);
	for (i = 0; i < 6; i++)
		mrc_curve_free(curves[i]);
}

static void access_all(struct mrc_reuse *reuse, const uint64_t *pages,
		       size_t nr)
{
	assert_int_equal(mrc_reuse_access_n(reuse, pages, nr), 0);
}

#define NR_MERGED 1500

/* Three parts of @trace, merged from the left or from the right. */
static struct mrc_reuse *merge_parts(const struct mrc_reuse_options *options,
				     const uint64_t *trace, size_t nr,
				     const size_t *ends, bool from_right)
{
	struct mrc_reuse *parts[3];
	size_t begin = 0;
	size_t p;

	for (p = 0; p < 3; p++) {
		size_t end = p < 2 ? ends[p] : nr;

		parts[p] = new_reuse(options);
		access_all(parts[p], trace + begin, end - begin);
		begin = end;
	}
	if (from_right) {
		assert_int_equal(mrc_reuse_merge(parts[1], parts[2]), 0);
		assert_int_equal(mrc_reuse_merge(parts[0], parts[1]), 0);
	} else {
		assert_int_equal(mrc_reuse_merge(parts[0], parts[1]), 0);
		assert_int_equal(mrc_reuse_merge(parts[0], parts[2]), 0);
	}
	mrc_reuse_free(parts[1]);
	mrc_reuse_free(parts[2]);
	return parts[0];
}

static const struct mrc_reuse_options merged_options[] = {
	{ .sub_bucket_bits = 7, .is_mergeable = true },
	{ .sub_bucket_bits = 7, .is_mergeable = true, .is_cold_infinite = true },
	/* 125 windows, of which pairs become one. */
	{ .sub_bucket_bits = 3, .is_mergeable = true, .window_accesses = 12 },
	{ .sub_bucket_bits = 5, .is_mergeable = true, .window_accesses = 100 },
	{ .sub_bucket_bits = 7,
	  .is_mergeable = true,
	  .sampling = MRC_REUSE_PAGES,
	  .inverse_rate = 3 },
	{ .sub_bucket_bits = 7,
	  .is_mergeable = true,
	  .sampling = MRC_REUSE_PAGES,
	  .inverse_rate = 2,
	  .window_accesses = 100 },
};

static void test_merge_is_the_whole(void **state)
{
	static uint64_t trace[NR_MERGED];
	uint64_t seed = test_seed();
	int round;

	(void)state;
	for (round = 0; round < 6 * (int)ARRAY_SIZE(merged_options); round++) {
		const struct mrc_reuse_options *options =
			&merged_options[(size_t)round %
					ARRAY_SIZE(merged_options)];
		struct mrc_reuse *whole = new_reuse(options);
		size_t done = NR_MERGED - test_random(&seed) % 100;
		/* In windows that two halvings leave whole. */
		size_t unit = options->window_accesses == 0 ?
				      1 :
				      4 * options->window_accesses;
		struct mrc_reuse *merged;
		size_t ends[2];

		fill_trace(trace, NR_MERGED, (enum shape)(round % NR_SHAPES),
			   1 + test_random(&seed) % 500, &seed);
		ends[0] = test_random(&seed) % (done / 2 / unit + 1) * unit;
		ends[1] = ends[0] + test_random(&seed) %
					    ((done - ends[0]) / unit + 1) *
					    unit;
		merged = merge_parts(options, trace, done, ends,
				     round / 3 % 2 == 0);
		access_all(whole, trace, done);
		assert_same(merged, whole);
		access_all(merged, trace + done, NR_MERGED - done);
		access_all(whole, trace + done, NR_MERGED - done);
		assert_same(merged, whole);
		/* And it can be the later one. */
		if (options->window_accesses == 0) {
			struct mrc_reuse *first = new_reuse(options);

			access_all(first, trace, 777);
			assert_int_equal(mrc_reuse_merge(first, merged), 0);
			mrc_reuse_free(merged);
			merged = first;
			first = new_reuse(options);
			access_all(first, trace, 777);
			access_all(first, trace, NR_MERGED);
			assert_same(merged, first);
			mrc_reuse_free(first);
		}
		mrc_reuse_free(merged);
		mrc_reuse_free(whole);
	}
}

/* Pages and parts that lie further apart than 32 bits. */
static void test_merge_beyond_32_bits(void **state)
{
	const uint64_t pauses[] = { 3000000000, 5000000000, 20000000000 };
	int round;

	(void)state;
	for (round = 0; round < 6; round++) {
		const struct mrc_reuse_options options = {
			.sub_bucket_bits = 7,
			.sampling = round < 3 ? MRC_REUSE_ALL : MRC_REUSE_PAGES,
			.inverse_rate = 1.5,
			.is_mergeable = true,
		};
		uint64_t pause = pauses[round % 3];
		struct mrc_reuse *parts[2] = { new_reuse(&options),
					       new_reuse(&options) };
		struct mrc_reuse *whole = new_reuse(&options);
		uint64_t page;
		int step;

		for (step = 0; step < 4; step++)
			for (page = 0; page < 100; page++) {
				struct mrc_reuse *part = parts[step / 2];
				uint64_t other = page + (uint64_t)step * 20;

				if (page == 50 && step > 0) {
					part->nr_accesses += pause;
					whole->nr_accesses += pause;
				}
				access_all(part, &other, 1);
				access_all(whole, &other, 1);
			}
		assert_int_equal(mrc_reuse_merge(parts[0], parts[1]), 0);
		for (step = 0; step < 2; step++)
			for (page = 0; page < 200; page++) {
				access_all(parts[0], &page, 1);
				access_all(whole, &page, 1);
			}
		assert_hist_equal(mrc_reuse_hist(parts[0]),
				  mrc_reuse_hist(whole));
		mrc_reuse_free(parts[0]);
		mrc_reuse_free(parts[1]);
		mrc_reuse_free(whole);
	}
}

/*
 * Sampled references: what waits at the end of a part is lost, so what is counted is
 * what was drawn, and the curve is near to that of all accesses: parts of three to six
 * passes over the pages double the error. Lost ones counted as misses make it 0.03.
 */
static void test_merge_of_references(void **state)
{
	static uint64_t trace[30000];
	uint64_t seed = test_seed();
	double sums[2] = { 0 };
	int round;

	(void)state;
	for (round = 0; round < 12; round++) {
		struct mrc_reuse_options options = { .sub_bucket_bits = 7 };
		struct mrc_reuse *all = new_reuse(&options);
		struct mrc_reuse *counters[2];
		struct mrc_curve *curves[3] = { NULL };
		const size_t ends[] = { 11000, 20000 };
		int i;

		fill_trace(trace, 30000, (enum shape)(round % NR_SHAPES), 2000,
			   &seed);
		options.sampling = MRC_REUSE_REFERENCES;
		options.inverse_rate = 20;
		options.seed = test_random(&seed);
		if (round % 2 == 0)
			options.window_accesses = 1000;
		access_all(all, trace, 30000);
		counters[0] = merge_parts(&options, trace, 25000, ends,
					  round % 4 < 2);
		counters[1] = new_reuse(&options);
		access_all(counters[0], trace + 25000, 5000);
		access_all(counters[1], trace, 30000);
		/* Waiting ones, counted as well: binomial, within 5 deviations. */
		assert_near(
			(double)mrc_hist_total(mrc_reuse_hist(counters[0])) +
				(double)counters[0]->nr_open,
			1500, 5 * sqrt(1500));
		assert_int_equal(mrc_reuse_curve(all, &curves[2]), 0);
		for (i = 0; i < 2; i++) {
			double mean = 0;

			assert_int_equal(
				mrc_reuse_curve(counters[i], &curves[i]), 0);
			(void)distance(curves[i], curves[2], 2000, &mean);
			sums[i] += mean / 12;
			mrc_curve_free(curves[i]);
			mrc_reuse_free(counters[i]);
		}
		mrc_curve_free(curves[2]);
		mrc_reuse_free(all);
	}
	print_message("mean error %.5f merged, %.5f whole\n", sums[0], sums[1]);
	assert_true(sums[0] < 0.015);
}

static void test_merge_refuses(void **state)
{
	struct mrc_reuse_options options = { .sub_bucket_bits = 5,
					     .is_mergeable = true,
					     .window_accesses = 10 };
	uint64_t trace[100];
	struct mrc_reuse *reuse = new_reuse(&options);
	struct mrc_reuse *same = new_reuse(&options);
	struct mrc_reuse *later = new_reuse(&options);
	struct mrc_reuse *other;
	uint64_t seed = test_seed();
	int i;

	(void)state;
	fill_trace(trace, 100, UNIFORM, 30, &seed);
	access_all(reuse, trace, 45);
	access_all(same, trace, 45);
	assert_int_equal(mrc_reuse_merge(reuse, later), 0);
	access_all(later, trace, 50);
	/* Ends within a window. */
	assert_int_equal(mrc_reuse_merge(reuse, later), -EINVAL);
	for (i = 0; i < 6; i++) {
		struct mrc_reuse_options changed = options;

		changed.sub_bucket_bits += i == 0;
		changed.window_accesses += i == 1 ? 1 : 0;
		changed.is_mergeable = i != 2;
		if (i >= 3)
			changed.sampling = MRC_REUSE_PAGES;
		changed.inverse_rate = 2;
		if (i == 4)
			changed.window_accesses = 0;
		if (i == 5)
			changed.sampling = MRC_REUSE_REFERENCES;
		other = new_reuse(&changed);
		access_all(other, trace, 20);
		assert_int_equal(mrc_reuse_merge(reuse, other), -EINVAL);
		mrc_reuse_free(other);
	}
	assert_same(reuse, same);
	access_all(reuse, trace, 5);
	access_all(same, trace, 5);
	later->nr_accesses += (UINT64_C(1) << MRC_HIST_VALUE_BITS) - 51;
	assert_int_equal(mrc_reuse_merge(reuse, later), -ERANGE);
	assert_same(reuse, same);
	mrc_reuse_free(reuse);
	mrc_reuse_free(same);
	mrc_reuse_free(later);
}

/* Every allocation fails once, and then nothing has changed. */
static void test_merge_without_memory(void **state)
{
	static uint64_t trace[NR_MERGED];
	uint64_t seed = test_seed();
	size_t o;

	(void)state;
	fill_trace(trace, NR_MERGED, SKEWED, 500, &seed);
	for (o = 0; o <= ARRAY_SIZE(merged_options); o++) {
		struct mrc_reuse_options options = {
			.sub_bucket_bits = 5,
			.sampling = MRC_REUSE_REFERENCES,
			.inverse_rate = 3,
			.window_accesses = 200,
		};
		struct mrc_reuse *parts[2];
		struct mrc_reuse *same;
		unsigned int nr_good;

		if (o < ARRAY_SIZE(merged_options))
			options = merged_options[o];
		parts[0] = new_reuse(&options);
		parts[1] = new_reuse(&options);
		same = new_reuse(&options);
		access_all(parts[0], trace, 600);
		access_all(same, trace, 600);
		access_all(parts[1], trace + 600, NR_MERGED - 600);
		for (nr_good = 0;; nr_good++) {
			int err;

			fail_alloc_after(nr_good);
			err = mrc_reuse_merge(parts[0], parts[1]);
			fail_alloc_off();
			if (err == 0)
				break;
			assert_int_equal(err, -ENOMEM);
			assert_hist_equal(mrc_reuse_hist(parts[0]),
					  mrc_reuse_hist(same));
			if (nr_good % 64 == 8)
				assert_same(parts[0], same);
		}
		assert_true(nr_good > 2);
		mrc_reuse_free(parts[0]);
		mrc_reuse_free(parts[1]);
		mrc_reuse_free(same);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_product_limit_example),
		cmocka_unit_test(test_product_limit_ties),
		cmocka_unit_test(test_entered_example),
		cmocka_unit_test(test_batches_count_the_same),
		cmocka_unit_test(test_times_beyond_32_bits),
		cmocka_unit_test(test_sampling_rate),
		cmocka_unit_test(test_rate_one_is_everything),
		cmocka_unit_test(test_curve_is_that_of_lru),
		cmocka_unit_test(test_sampled_curve),
		cmocka_unit_test(test_windows_see_phases),
		cmocka_unit_test(test_number_of_windows),
		cmocka_unit_test(test_new_refuses),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_merge_is_the_whole),
		cmocka_unit_test(test_merge_beyond_32_bits),
		cmocka_unit_test(test_merge_of_references),
		cmocka_unit_test(test_merge_refuses),
		cmocka_unit_test(test_merge_without_memory),
	};

	return cmocka_run_group_tests_name("reuse", tests, NULL, NULL);
}

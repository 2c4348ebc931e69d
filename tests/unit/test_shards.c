// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <mrc/hist.h>
#include <mrc/lru.h>
#include <mrc/shards.h>

#include "lru_list.h"

#define NR_CORRECTIONS 3

static struct mrc_shards *new_shards(double rate, size_t max_pages,
				     uint64_t seed)
{
	struct mrc_shards *shards = NULL;

	assert_int_equal(mrc_shards_new(rate, max_pages, seed, &shards), 0);
	assert_non_null(shards);
	return shards;
}

static struct mrc_curve *new_curve(const struct mrc_shards *shards,
				   enum mrc_shards_correction correction)
{
	struct mrc_curve *curve = NULL;

	assert_int_equal(mrc_shards_curve_corrected(shards, correction, &curve),
			 0);
	assert_non_null(curve);
	return curve;
}

static void access_all(struct mrc_shards *shards, const uint64_t *pages,
		       size_t nr_pages)
{
	assert_int_equal(mrc_shards_access_n(shards, pages, nr_pages), 0);
}

static void assert_same_points(const struct mrc_curve *a,
			       const struct mrc_curve *b)
{
	size_t i;

	assert_int_equal(mrc_curve_nr_points(a), mrc_curve_nr_points(b));
	for (i = 0; i < mrc_curve_nr_points(a); i++) {
		double sizes[2] = { 0, 0 };
		double ratios[2] = { 0, 0 };

		assert_int_equal(mrc_curve_point(a, i, &sizes[0], &ratios[0]),
				 0);
		assert_int_equal(mrc_curve_point(b, i, &sizes[1], &ratios[1]),
				 0);
		assert_near(sizes[0], sizes[1], 0);
		assert_near(ratios[0], ratios[1], 0);
	}
}

/* Both objects give the same curve, whatever is asked. */
static void assert_same(const struct mrc_shards *a, const struct mrc_shards *b,
			int nr_corrections)
{
	int i;

	assert_int_equal(mrc_shards_nr_accesses(a), mrc_shards_nr_accesses(b));
	assert_int_equal(mrc_shards_nr_sampled(a), mrc_shards_nr_sampled(b));
	assert_near(mrc_shards_rate(a), mrc_shards_rate(b), 0);
	for (i = 0; i < nr_corrections; i++) {
		struct mrc_curve *curve = UNTOUCHED;
		struct mrc_curve *other;

		if (mrc_shards_curve_corrected(a, (enum mrc_shards_correction)i,
					       &curve) < 0) {
			assert_int_equal(mrc_shards_nr_sampled(b), 0);
			continue;
		}
		other = new_curve(b, (enum mrc_shards_correction)i);
		assert_same_points(curve, other);
		mrc_curve_free(other);
		mrc_curve_free(curve);
	}
}

enum shape {
	UNIFORM,
	SKEWED,
	LOOP,
	PHASES,
	SKEWED_AND_SCAN,
	HIGH_BITS,
	NR_SHAPES
};

static uint64_t next_page(enum shape shape, uint64_t nr_pages, uint64_t i,
			  uint64_t *seed)
{
	uint64_t random = test_random(seed);
	double unit = (double)(random >> 11) * 0x1p-53;

	switch (shape) {
	case UNIFORM:
		return random % nr_pages;
	case SKEWED:
		/* Density 1 / page: Zipf(1) but for the rounding. */
		return (uint64_t)pow((double)nr_pages, unit);
	case LOOP:
		return i % nr_pages;
	case PHASES:
		return i / 1000 * (nr_pages / 2) + i % nr_pages;
	case SKEWED_AND_SCAN:
		return i % 10 < 7 ? (uint64_t)pow((double)nr_pages / 4, unit) :
				    nr_pages + i % (nr_pages * 10);
	default:
		return random % nr_pages << 44;
	}
}

static uint64_t *new_trace(enum shape shape, uint64_t nr_pages,
			   size_t nr_accesses, uint64_t seed)
{
	uint64_t *pages = malloc(nr_accesses * sizeof(*pages));
	size_t i;

	assert_non_null(pages);
	for (i = 0; i < nr_accesses; i++)
		pages[i] = next_page(shape, nr_pages, i, &seed);
	return pages;
}

static struct mrc_curve *new_exact_curve(const uint64_t *pages, size_t nr)
{
	struct mrc_curve *curve = NULL;
	struct mrc_lru *lru = NULL;
	size_t i;

	assert_int_equal(mrc_lru_new(&lru), 0);
	for (i = 0; i < nr; i++)
		assert_int_equal(mrc_lru_access(lru, pages[i], NULL), 0);
	assert_int_equal(mrc_lru_curve(lru, &curve), 0);
	mrc_lru_free(lru);
	return curve;
}

/* All pages sampled: the exact curve, point by point, not one bit different. */
static void test_rate_1_is_exact(void **state)
{
	uint64_t seed = test_seed();
	int shape;
	int i;

	(void)state;
	for (shape = 0; shape < NR_SHAPES; shape++) {
		uint64_t *pages = new_trace((enum shape)shape, 1500, 40000,
					    test_random(&seed));
		struct mrc_curve *exact = new_exact_curve(pages, 40000);
		struct mrc_shards *shards =
			new_shards(1, 0, test_random(&seed));

		access_all(shards, pages, 40000);
		for (i = 0; i < NR_CORRECTIONS; i++) {
			struct mrc_curve *curve = new_curve(
				shards, (enum mrc_shards_correction)i);
			double size;

			for (size = 0; size <= 20000; size++)
				assert_near(mrc_curve_at(curve, size),
					    mrc_curve_at(exact, size), 0);
			mrc_curve_free(curve);
		}
		mrc_shards_free(shards);
		mrc_curve_free(exact);
		free(pages);
	}
}

/* More than one counter of every level of the stack: 70 000 live pages. */
static void test_rate_1_is_exact_for_many_pages(void **state)
{
	uint64_t *pages = new_trace(UNIFORM, 90000, 500000, test_seed());
	struct mrc_curve *exact = new_exact_curve(pages, 500000);
	struct mrc_shards *shards = new_shards(1, 0, 1);
	struct mrc_curve *curve;
	double size;

	(void)state;
	access_all(shards, pages, 500000);
	curve = new_curve(shards, MRC_SHARDS_PLAIN);
	for (size = 0; size <= 90001; size++)
		assert_near(mrc_curve_at(curve, size),
			    mrc_curve_at(exact, size), 0);
	mrc_curve_free(curve);
	mrc_shards_free(shards);
	mrc_curve_free(exact);
	free(pages);
}

/* As long as nothing leaves and buckets hold one size, also with a fixed size. */
static void test_fixed_size_that_suffices_is_exact(void **state)
{
	uint64_t *pages = new_trace(SKEWED, 500, 20000, test_seed());
	struct mrc_curve *exact = new_exact_curve(pages, 20000);
	struct mrc_shards *shards = new_shards(1, 501, 3);
	struct mrc_curve *curve;
	double size;

	(void)state;
	access_all(shards, pages, 20000);
	assert_near(mrc_shards_rate(shards), 1, 0);
	curve = new_curve(shards, MRC_SHARDS_REGRESSION);
	for (size = 0; size <= 510; size++)
		assert_near(mrc_curve_at(curve, size),
			    mrc_curve_at(exact, size), 0);
	mrc_curve_free(curve);
	mrc_shards_free(shards);
	mrc_curve_free(exact);
	free(pages);
}

/* Asks an object of the same seed. */
static bool is_sampled(double rate, uint64_t seed, uint64_t page)
{
	struct mrc_shards *shards = new_shards(rate, 0, seed);
	bool is_in;

	assert_int_equal(mrc_shards_access(shards, page), 0);
	is_in = mrc_shards_nr_sampled(shards) == 1;
	mrc_shards_free(shards);
	return is_in;
}

/*
 * The accesses of the sampled pages alone, on a searched list: depth d is size
 * (d + 1) / R. The corrections straight from their definition, with a page's
 * number of accesses known only as far as the trace has come.
 */
static void test_fixed_rate_is_a_list_of_the_sample(void **state)
{
	const double rate = 0.3;
	uint64_t *pages = new_trace(SKEWED, 300, 5000, test_seed());
	uint64_t nr_seen[301] = { 0 };
	double hits[301] = { 0 };
	double heavy[301] = { 0 };
	uint64_t stack[301];
	struct lru_list list = { .pages = stack };
	struct mrc_shards *shards = new_shards(rate, 0, 5);
	struct mrc_curve *curves[NR_CORRECTIONS];
	double expected = 5000 * rate;
	double nr_sampled = 0;
	double sum_heavy = 0;
	double nr_misses;
	double regression = 0;
	double squares = 0;
	double cold_heavy;
	double surplus;
	double scale;
	double taken;
	size_t i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		size_t depth = 0;
		double weight;
		double nr;

		assert_int_equal(mrc_shards_access(shards, pages[i]), 0);
		if (!is_sampled(rate, 5, pages[i]))
			continue;
		nr_sampled++;
		nr = (double)++nr_seen[pages[i]];
		weight = pow(nr, 3) - pow(nr - 1, 3);
		sum_heavy += weight;
		if (lru_list_access(&list, pages[i], &depth)) {
			hits[depth]++;
			heavy[depth] += weight;
		}
	}
	assert_int_equal(mrc_shards_nr_sampled(shards), list.nr_pages);
	assert_true(fabs(nr_sampled - expected) > 20);
	for (i = 0; i < NR_CORRECTIONS; i++)
		curves[i] = new_curve(shards, (enum mrc_shards_correction)i);

	for (i = 0; i <= 300; i++)
		squares += (double)(nr_seen[i] * nr_seen[i]);
	surplus = nr_sampled - expected;
	scale = 1 - surplus * nr_sampled / (double)list.nr_pages / squares;
	assert_true(fabs(scale - 1) > 0.001 && fabs(scale - 1) < 0.1);

	/* From the end, where a ratio is at least that of any larger size. */
	nr_misses = nr_sampled;
	for (i = 0; i < list.nr_pages; i++) {
		nr_misses -= hits[i];
		sum_heavy -= heavy[i];
	}
	cold_heavy = sum_heavy;
	for (i = 0; i < list.nr_pages; i++)
		sum_heavy += heavy[i];
	taken = cold_heavy;
	for (i = list.nr_pages; i-- > 0;) {
		double size = (double)(i + 1) / mrc_shards_rate(shards);

		assert_near(mrc_curve_at(curves[MRC_SHARDS_PLAIN], size),
			    nr_misses / nr_sampled, 1e-12);
		assert_near(mrc_curve_at(curves[MRC_SHARDS_ADJ], size),
			    fmin(nr_misses / expected, 1), 1e-9);
		regression = fmax(regression,
				  (nr_misses - surplus * taken / sum_heavy) /
					  expected);
		assert_near(mrc_curve_at(curves[MRC_SHARDS_REGRESSION],
					 size * scale * (1 + 1e-12)),
			    regression, 1e-9);
		nr_misses += hits[i];
		taken += heavy[i];
	}
	for (i = 0; i < NR_CORRECTIONS; i++)
		mrc_curve_free(curves[i]);
	mrc_shards_free(shards);
	free(pages);
}

/* The smallest rate at which @page is sampled: its hash, by bisection. */
static double hash_of(uint64_t seed, uint64_t page)
{
	double low = 0;
	double high = 1;

	while (high - low > 1e-9) {
		double mid = (low + high) / 2;

		if (is_sampled(mid, seed, page))
			high = mid;
		else
			low = mid;
	}
	return high;
}

/*
 * The paper's algorithm on a searched list with the largest hash searched for:
 * each access counts 1 / R at the size (d + 1/2) / R.
 */
static void test_fixed_size_is_a_list_that_shrinks(void **state)
{
	enum {
		NR_PAGES = 200,
		MAX_PAGES = 20,
		NR = 3000
	};
	uint64_t *pages = new_trace(SKEWED, NR_PAGES - 1, NR, test_seed());
	struct mrc_shards *shards = new_shards(0.8, MAX_PAGES, 9);
	double hashes[NR_PAGES];
	uint64_t stack[NR_PAGES];
	struct lru_list list = { .pages = stack };
	double counts[20000] = { 0 };
	struct mrc_curve *curve;
	double nr_misses = 0;
	double total = 0;
	double rate = 0.8;
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i < NR_PAGES; i++)
		hashes[i] = hash_of(9, i);
	for (i = 0; i < NR; i++) {
		size_t depth = 0;
		size_t largest = 0;

		assert_int_equal(mrc_shards_access(shards, pages[i]), 0);
		if (hashes[pages[i]] >= rate)
			continue;
		total += 1 / rate;
		if (lru_list_access(&list, pages[i], &depth))
			counts[mrc_bucket_index(
				8, (uint64_t)((depth + 0.5) / rate))] +=
				1 / rate;
		if (list.nr_pages <= MAX_PAGES)
			continue;
		for (j = 1; j < list.nr_pages; j++)
			if (hashes[stack[j]] > hashes[stack[largest]])
				largest = j;
		rate = hashes[stack[largest]];
		for (list.nr_pages--; largest < list.nr_pages; largest++)
			stack[largest] = stack[largest + 1];
	}
	assert_int_equal(mrc_shards_nr_sampled(shards), MAX_PAGES);
	assert_near(mrc_shards_rate(shards), rate, 1e-8);
	assert_true(rate < 0.3);

	curve = new_curve(shards, MRC_SHARDS_PLAIN);
	nr_misses = total;
	for (i = 0; i < 2000; i++) {
		assert_near(mrc_curve_at(curve, (double)mrc_bucket_low(8, i)),
			    nr_misses / total, 1e-6);
		nr_misses -= counts[i];
	}
	mrc_curve_free(curve);
	mrc_shards_free(shards);
	free(pages);
}

/* The sample of a fixed size is that of its last rate. */
static void test_fixed_size_keeps_the_smallest_hashes(void **state)
{
	const size_t max_pages[] = { 1, 2, 100, 1023, 1025 };
	uint64_t *pages = new_trace(UNIFORM, 5000, 60000, test_seed());
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(max_pages); i++) {
		struct mrc_shards *shards = new_shards(1, max_pages[i], i);
		unsigned long before = nr_allocs();
		struct mrc_shards *other;

		access_all(shards, pages, 60000);
		assert_int_equal(nr_allocs(), before);
		assert_int_equal(mrc_shards_nr_sampled(shards), max_pages[i]);
		/* The next hash may be nearer than a double can tell. */
		other = new_shards(mrc_shards_rate(shards) * (1 - 1e-12), 0, i);
		access_all(other, pages, 60000);
		assert_int_equal(mrc_shards_nr_sampled(other), max_pages[i]);
		mrc_shards_free(other);
		mrc_shards_free(shards);
	}
	free(pages);
}

/* One by one, in blocks of any length, and at any rate: all the same. */
static void test_many_at_once_is_one_by_one(void **state)
{
	const double rates[] = { 1, 0.5, 0.06, 0.001, MRC_SHARDS_MIN_RATE };
	uint64_t seed = test_seed();
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_SIZE(rates) * NR_SHAPES; i++) {
		enum shape shape = (enum shape)(i % NR_SHAPES);
		double rate = rates[i / NR_SHAPES / 2];
		size_t max_pages = i / NR_SHAPES % 2 == 0 ? 0 : 50;
		uint64_t *pages = new_trace(shape, 4000, 20000, seed);
		struct mrc_shards *one = new_shards(rate, max_pages, seed);
		struct mrc_shards *many = new_shards(rate, max_pages, seed);
		size_t done = 0;
		size_t j;

		while (done < 20000) {
			size_t nr = test_random(&seed) %
				    (test_random(&seed) % 2 == 0 ? 200 : 5000);

			if (nr > 20000 - done)
				nr = 20000 - done;
			access_all(many, pages + done, nr);
			for (j = done; j < done + nr; j++)
				assert_int_equal(
					mrc_shards_access(one, pages[j]), 0);
			done += nr;
		}
		assert_same(one, many, NR_CORRECTIONS);
		mrc_shards_free(many);
		mrc_shards_free(one);
		free(pages);
	}
}

/*
 * 400 seeds on dense ranges, with strides and offsets: the number of sampled
 * pages is binomial. An XOR with the seed would give the same one again and
 * again, a multiplication far too even ones.
 */
static void test_sample_sizes_are_binomial(void **state)
{
	const struct {
		uint64_t first, stride;
	} ranges[] = {
		{ 0, 1 },
		{ 0, 4096 },
		{ UINT64_C(1) << 52, 3 },
		{ 0, UINT64_C(1) << 50 },
	};
	uint64_t pages[4096];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		double sum = 0;
		double squares = 0;
		uint64_t seed;
		size_t j;

		for (j = 0; j < 4096; j++)
			pages[j] = ranges[i].first + j * ranges[i].stride;
		for (seed = 0; seed < 400; seed++) {
			struct mrc_shards *shards = new_shards(0.1, 0, seed);
			double excess;

			access_all(shards, pages, 4096);
			excess = (double)mrc_shards_nr_sampled(shards) - 409.6;
			sum += excess;
			squares += excess * excess;
			mrc_shards_free(shards);
		}
		/* Variance 368.64; 5 standard errors of mean and variance. */
		assert_near(sum / 400, 0, 5 * sqrt(368.64 / 400));
		assert_near(squares / 400, 368.64,
			    5 * 368.64 * sqrt(2.0 / 400));
	}
}

static double mean_error(const struct mrc_curve *curve,
			 const struct mrc_curve *exact, double max_pages)
{
	double sum = 0;
	int i;

	for (i = 1; i <= 100; i++)
		sum += fabs(mrc_curve_at(curve, max_pages * i / 100) -
			    mrc_curve_at(exact, max_pages * i / 100));
	return sum / 100;
}

/*
 * Over 30 seeds, the regression is about as good as the better of the other two,
 * which is another one for each shape, or far better. With 500 pages the heaviest
 * of a Zipf law is usually lacking, whose depth ADJ happens to know: 0.
 */
static void test_regression_is_good_everywhere(void **state)
{
	const struct {
		enum shape shape;
		double nr_pages;
		enum mrc_shards_correction best;
		double factor;
	} cases[] = {
		{ SKEWED, 10000, MRC_SHARDS_ADJ, 1.3 },
		{ SKEWED_AND_SCAN, 100000, MRC_SHARDS_ADJ, 1.2 },
		{ LOOP, 10000, MRC_SHARDS_PLAIN, 0.4 },
		{ UNIFORM, 10000, MRC_SHARDS_PLAIN, 0.4 },
	};
	const size_t max_pages[] = { 0, 600 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		uint64_t *pages =
			new_trace(cases[i / 2].shape, 10000, 200000, i + 1);
		struct mrc_curve *exact = new_exact_curve(pages, 200000);
		double errors[NR_CORRECTIONS] = { 0 };
		uint64_t seed;
		size_t j;

		for (seed = 0; seed < 30; seed++) {
			struct mrc_shards *shards =
				new_shards(0.05, max_pages[i % 2], seed);

			access_all(shards, pages, 200000);
			for (j = 0; j < NR_CORRECTIONS; j++) {
				struct mrc_curve *curve = new_curve(
					shards, (enum mrc_shards_correction)j);

				errors[j] += mean_error(curve, exact,
							cases[i / 2].nr_pages);
				mrc_curve_free(curve);
			}
			mrc_shards_free(shards);
		}
		print_message("%d/%zu: plain %.4f adj %.4f regression %.4f\n",
			      cases[i / 2].shape, max_pages[i % 2],
			      errors[0] / 30, errors[1] / 30, errors[2] / 30);
		assert_true(errors[MRC_SHARDS_REGRESSION] <=
			    cases[i / 2].factor * errors[cases[i / 2].best]);
		mrc_curve_free(exact);
		free(pages);
	}
}

/* Wherever the stream is cut, and also in three; then both go on. */
static void test_merge_is_the_whole(void **state)
{
	const size_t cuts[] = { 0, 1, 100, 4000, 7999, 8000 };
	uint64_t seed = test_seed();
	size_t i;

	(void)state;
	for (i = 0; i < NR_SHAPES * ARRAY_SIZE(cuts) * 2; i++) {
		size_t cut = cuts[i / 2 % ARRAY_SIZE(cuts)];
		enum shape shape = (enum shape)(i / 2 / ARRAY_SIZE(cuts));
		double rate = i % 2 == 0 ? 1 : 0.2;
		uint64_t *pages =
			new_trace(shape, 1200, 10000, test_random(&seed));
		struct mrc_shards *whole = new_shards(rate, 0, 2);
		struct mrc_shards *first = new_shards(rate, 0, 2);
		struct mrc_shards *later = new_shards(rate, 0, 2);

		access_all(whole, pages, 8000);
		access_all(first, pages, cut);
		access_all(later, pages + cut, 8000 - cut);
		assert_int_equal(mrc_shards_merge(first, later), 0);
		assert_same(whole, first, 2);
		access_all(whole, pages + 8000, 2000);
		access_all(first, pages + 8000, 2000);
		assert_same(whole, first, 2);
		assert_int_equal(mrc_shards_nr_accesses(later), 8000 - cut);

		/* A merged object as the later part of another one. */
		mrc_shards_free(later);
		later = new_shards(rate, 0, 2);
		access_all(later, pages, 3000);
		assert_int_equal(mrc_shards_merge(later, first), 0);
		mrc_shards_free(whole);
		whole = new_shards(rate, 0, 2);
		access_all(whole, pages, 3000);
		access_all(whole, pages, 10000);
		assert_same(whole, later, 2);
		mrc_shards_free(later);
		mrc_shards_free(first);
		mrc_shards_free(whole);
		free(pages);
	}
}

/* The correction's weights are those of the whole, but for their depths. */
static void test_merge_keeps_the_regression(void **state)
{
	int shape;

	(void)state;
	for (shape = UNIFORM; shape <= LOOP; shape++) {
		uint64_t *pages =
			new_trace((enum shape)shape, 4000, 100000, 77);
		struct mrc_curve *exact = new_exact_curve(pages, 100000);
		double errors[2] = { 0, 0 };
		uint64_t seed;

		for (seed = 0; seed < 20; seed++) {
			struct mrc_shards *whole = new_shards(0.1, 0, seed);
			struct mrc_shards *first = new_shards(0.1, 0, seed);
			struct mrc_shards *later = new_shards(0.1, 0, seed);
			struct mrc_curve *curves[2];

			access_all(whole, pages, 100000);
			access_all(first, pages, 40000);
			access_all(later, pages + 40000, 60000);
			assert_int_equal(mrc_shards_merge(first, later), 0);
			curves[0] = new_curve(whole, MRC_SHARDS_REGRESSION);
			curves[1] = new_curve(first, MRC_SHARDS_REGRESSION);
			errors[0] += mean_error(curves[0], exact, 4000);
			errors[1] += mean_error(curves[1], exact, 4000);
			mrc_curve_free(curves[0]);
			mrc_curve_free(curves[1]);
			mrc_shards_free(later);
			mrc_shards_free(first);
			mrc_shards_free(whole);
		}
		print_message("whole %.4f merged %.4f\n", errors[0] / 20,
			      errors[1] / 20);
		assert_true(errors[1] <= 1.1 * errors[0]);
		mrc_curve_free(exact);
		free(pages);
	}
}

/*
 * The sample and rate of the whole; the curve, an estimate like its own. The
 * loop is the hard one: in its second part all is cold or nothing.
 */
static void test_fixed_size_merge(void **state)
{
	int shape;

	(void)state;
	for (shape = 0; shape < NR_SHAPES; shape++) {
		uint64_t *pages =
			new_trace((enum shape)shape, 4000, 100000, 78);
		struct mrc_curve *exact = new_exact_curve(pages, 100000);
		double errors[2] = { 0, 0 };
		uint64_t seed;

		for (seed = 0; seed < 20; seed++) {
			struct mrc_shards *whole = new_shards(1, 400, seed);
			struct mrc_shards *first = new_shards(1, 400, seed);
			struct mrc_shards *later = new_shards(1, 400, seed);
			struct mrc_curve *curves[2];

			access_all(whole, pages, 100000);
			access_all(first, pages, 40000);
			access_all(later, pages + 40000, 60000);
			assert_int_equal(mrc_shards_merge(first, later), 0);
			assert_int_equal(mrc_shards_nr_accesses(first), 100000);
			assert_int_equal(mrc_shards_nr_sampled(first),
					 mrc_shards_nr_sampled(whole));
			assert_near(mrc_shards_rate(first),
				    mrc_shards_rate(whole), 0);
			curves[0] = new_curve(whole, MRC_SHARDS_REGRESSION);
			curves[1] = new_curve(first, MRC_SHARDS_REGRESSION);
			errors[0] += mean_error(curves[0], exact, 5000);
			errors[1] += mean_error(curves[1], exact, 5000);
			mrc_curve_free(curves[0]);
			mrc_curve_free(curves[1]);

			/* Goes on with the sample of the whole. */
			access_all(whole, pages, 3000);
			access_all(first, pages, 3000);
			assert_near(mrc_shards_rate(first),
				    mrc_shards_rate(whole), 0);
			mrc_shards_free(later);
			mrc_shards_free(first);
			mrc_shards_free(whole);
		}
		print_message("%d: whole %.4f merged %.4f\n", shape,
			      errors[0] / 20, errors[1] / 20);
		assert_true(errors[1] <= 1.25 * errors[0] + 20 * 0.001);
		mrc_curve_free(exact);
		free(pages);
	}
}

static void test_merge_refuses(void **state)
{
	struct mrc_shards *shards = new_shards(0.5, 0, 1);
	struct mrc_shards *others[] = {
		new_shards(0.25, 0, 1),
		new_shards(0.5, 100, 1),
		new_shards(0.5, 0, 2),
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		assert_int_equal(mrc_shards_access(others[i], i), 0);
		assert_int_equal(mrc_shards_merge(shards, others[i]), -EINVAL);
		assert_int_equal(mrc_shards_nr_accesses(shards), 0);
		mrc_shards_free(others[i]);
	}
	mrc_shards_free(shards);
}

static void test_new_refuses(void **state)
{
	struct mrc_shards *shards = UNTOUCHED;
	const double rates[] = { 0,   -1,      1.0001, MRC_SHARDS_MIN_RATE / 2,
				 NAN, INFINITY };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rates); i++)
		assert_int_equal(mrc_shards_new(rates[i], 0, 1, &shards),
				 -EINVAL);
	assert_int_equal(mrc_shards_new(1, (size_t)MRC_SHARDS_MAX_PAGES + 1, 1,
					&shards),
			 -EINVAL);
	assert_ptr_equal(shards, UNTOUCHED);
}

static void test_curve_refuses(void **state)
{
	struct mrc_shards *shards = new_shards(MRC_SHARDS_MIN_RATE, 0, 1);
	struct mrc_curve *curve = UNTOUCHED;
	uint64_t i;

	(void)state;
	assert_int_equal(mrc_shards_curve(shards, &curve), -ENODATA);
	for (i = 0; i < 100; i++)
		assert_int_equal(mrc_shards_access(shards, i), 0);
	assert_int_equal(mrc_shards_nr_accesses(shards), 100);
	assert_int_equal(mrc_shards_curve(shards, &curve), -ENODATA);
	assert_int_equal(mrc_shards_curve_corrected(
				 shards, (enum mrc_shards_correction)3, &curve),
			 -EINVAL);
	assert_ptr_equal(curve, UNTOUCHED);
	mrc_shards_free(shards);
}

static void test_new_without_memory(void **state)
{
	const size_t max_pages[] = { 0, 100 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(max_pages); i++) {
		unsigned int nr_good;

		for (nr_good = 0;; nr_good++) {
			struct mrc_shards *shards = UNTOUCHED;
			int err;

			fail_alloc_after(nr_good);
			err = mrc_shards_new(1, max_pages[i], 1, &shards);
			fail_alloc_off();
			if (err == 0) {
				mrc_shards_free(shards);
				break;
			}
			assert_int_equal(err, -ENOMEM);
			assert_ptr_equal(shards, UNTOUCHED);
		}
		assert_true(nr_good > 5);
	}
}

/* Every allocation fails once; what was not counted is given again. */
static void test_access_without_memory(void **state)
{
	uint64_t *pages = new_trace(UNIFORM, 9000, 40000, test_seed());
	struct mrc_shards *whole = new_shards(1, 0, 1);
	struct mrc_shards *shards = new_shards(1, 0, 1);
	unsigned int nr_failures = 0;
	unsigned int nr_good = 0;
	uint64_t done = 0;

	(void)state;
	access_all(whole, pages, 40000);
	while (done < 40000) {
		int err;

		fail_alloc_after(nr_good++ % 7);
		if (nr_good % 3 == 0)
			err = mrc_shards_access(shards, pages[done]);
		else
			err = mrc_shards_access_n(shards, pages + done,
						  40000 - done);
		fail_alloc_off();
		assert_true(err == 0 || err == -ENOMEM);
		nr_failures += err < 0;
		assert_true(mrc_shards_nr_accesses(shards) >= done);
		done = mrc_shards_nr_accesses(shards);
	}
	assert_true(nr_failures > 5);
	assert_same(whole, shards, NR_CORRECTIONS);
	mrc_shards_free(shards);
	mrc_shards_free(whole);
	free(pages);
}

static void test_curve_and_merge_without_memory(void **state)
{
	uint64_t *pages = new_trace(UNIFORM, 9000, 20000, test_seed());
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		size_t max_pages = i * 300;
		struct mrc_shards *whole = new_shards(1, max_pages, 1);
		struct mrc_shards *first = new_shards(1, max_pages, 1);
		struct mrc_shards *later = new_shards(1, max_pages, 1);
		struct mrc_curve *curve = UNTOUCHED;
		unsigned int nr_good = 0;
		int err;

		access_all(whole, pages, 20000);
		access_all(first, pages, 50);
		access_all(later, pages + 50, 19950);
		fail_alloc_after(0);
		err = mrc_shards_curve(first, &curve);
		fail_alloc_off();
		assert_int_equal(err, -ENOMEM);
		assert_ptr_equal(curve, UNTOUCHED);
		do {
			assert_int_equal(mrc_shards_nr_accesses(first), 50);
			fail_alloc_after(nr_good++);
			err = mrc_shards_merge(first, later);
			fail_alloc_off();
		} while (err == -ENOMEM);
		assert_int_equal(err, 0);
		assert_true(nr_good > 2);
		assert_same(whole, first, i == 0 ? 2 : 0);
		mrc_shards_free(later);
		mrc_shards_free(first);
		mrc_shards_free(whole);
	}
	free(pages);
}

static void test_free_takes_null(void **state)
{
	(void)state;
	mrc_shards_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_1_is_exact),
		cmocka_unit_test(test_rate_1_is_exact_for_many_pages),
		cmocka_unit_test(test_fixed_size_that_suffices_is_exact),
		cmocka_unit_test(test_fixed_rate_is_a_list_of_the_sample),
		cmocka_unit_test(test_fixed_size_is_a_list_that_shrinks),
		cmocka_unit_test(test_fixed_size_keeps_the_smallest_hashes),
		cmocka_unit_test(test_many_at_once_is_one_by_one),
		cmocka_unit_test(test_sample_sizes_are_binomial),
		cmocka_unit_test(test_regression_is_good_everywhere),
		cmocka_unit_test(test_merge_is_the_whole),
		cmocka_unit_test(test_merge_keeps_the_regression),
		cmocka_unit_test(test_fixed_size_merge),
		cmocka_unit_test(test_merge_refuses),
		cmocka_unit_test(test_new_refuses),
		cmocka_unit_test(test_curve_refuses),
		cmocka_unit_test(test_new_without_memory),
		cmocka_unit_test(test_access_without_memory),
		cmocka_unit_test(test_curve_and_merge_without_memory),
		cmocka_unit_test(test_free_takes_null),
	};

	return cmocka_run_group_tests_name("shards", tests, NULL, NULL);
}

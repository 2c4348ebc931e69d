// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <mrc/footprint.h>
#include <mrc/hist.h>
#include <mrc/lru.h>

#include "footprint_windows.h"

static struct mrc_footprint *new_footprint(unsigned int b)
{
	struct mrc_footprint *footprint = NULL;

	assert_int_equal(mrc_footprint_new(b, &footprint), 0);
	assert_non_null(footprint);
	return footprint;
}

static void access_all(struct mrc_footprint *footprint, const uint64_t *pages,
		       size_t nr_pages)
{
	assert_int_equal(mrc_footprint_access_n(footprint, pages, nr_pages), 0);
}

static double footprint_at(const struct mrc_footprint *footprint, uint64_t w)
{
	double pages = NAN;

	assert_int_equal(mrc_footprint_at(footprint, w, &pages), 0);
	return pages;
}

static struct mrc_curve *new_curve(const struct mrc_footprint *footprint)
{
	struct mrc_curve *curve = NULL;

	assert_int_equal(mrc_footprint_curve(footprint, &curve), 0);
	assert_non_null(curve);
	return curve;
}

/* a b b: windows of 2 are ab and bb; by hand. */
static void test_three_accesses(void **state)
{
	const uint64_t pages[] = { 7, 9, 9 };
	struct mrc_footprint *footprint = new_footprint(7);
	struct mrc_curve *curve;

	(void)state;
	access_all(footprint, pages, 3);
	assert_int_equal(mrc_footprint_nr_accesses(footprint), 3);
	assert_int_equal(mrc_footprint_nr_pages(footprint), 2);
	assert_near(footprint_at(footprint, 0), 0, 0);
	assert_near(footprint_at(footprint, 1), 1, 0);
	assert_near(footprint_at(footprint, 2), 1.5, 0);
	assert_near(footprint_at(footprint, 3), 2, 0);
	curve = new_curve(footprint);
	assert_near(mrc_curve_at(curve, 1), 0.5, 0);
	assert_near(mrc_curve_at(curve, 1.5), 0.5, 0);
	assert_near(mrc_curve_max_pages(curve), 2, 0);
	mrc_curve_free(curve);
	mrc_footprint_free(footprint);
}

static uint64_t next_page(int shape, uint64_t nr_pages, uint64_t i,
			  uint64_t *seed)
{
	uint64_t random = test_random(seed);

	switch (shape) {
	case 0:
		return random % nr_pages;
	case 1:
		return (random >> 32) % (1 + random % nr_pages);
	case 2:
		return i % nr_pages << 40;
	case 3:
		return i / 50 * (nr_pages / 2) + i % nr_pages;
	default:
		return UINT64_MAX - i;
	}
}

/* Every window length of small traces, buckets of one length each. */
static void test_same_as_all_windows(void **state)
{
	const uint64_t nr_pages[] = { 1, 2, 3, 10, 40, 120 };
	uint64_t seed = test_seed();
	uint64_t pages[150];
	size_t i;

	(void)state;
	for (i = 0; i < 5 * ARRAY_SIZE(nr_pages); i++) {
		struct mrc_footprint *footprint = new_footprint(7);
		double windows[151];
		struct mrc_curve *curve;
		size_t w;

		for (w = 0; w < 150; w++)
			pages[w] = next_page(i % 5, nr_pages[i / 5], w, &seed);
		access_all(footprint, pages, 150);
		for (w = 0; w <= 150; w++) {
			windows[w] = footprint_windows_average(pages, 150, w);
			assert_near(footprint_at(footprint, w), windows[w],
				    1e-10);
		}
		/* Where no two windows have one footprint, the difference. */
		curve = new_curve(footprint);
		for (w = 0; w < 150; w++) {
			double ratio = windows[w + 1] - windows[w];
			size_t before;

			for (before = 0; before < w; before++)
				ratio = fmin(ratio, windows[before + 1] -
							    windows[before]);
			if (windows[w + 1] - windows[w] > 1e-6)
				assert_near(mrc_curve_at(curve, windows[w]),
					    ratio, 1e-6);
		}
		mrc_curve_free(curve);
		mrc_footprint_free(footprint);
	}
}

/* Wide buckets, a quarter of a length: exact at their edges, close between. */
static void test_wide_buckets_are_exact_at_their_edges(void **state)
{
	uint64_t seed = test_seed();
	struct mrc_footprint *exact = new_footprint(10);
	struct mrc_footprint *footprint = new_footprint(2);
	uint64_t i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		uint64_t page = next_page(1, 300, i, &seed);

		assert_int_equal(mrc_footprint_access(exact, page), 0);
		assert_int_equal(mrc_footprint_access(footprint, page), 0);
	}
	for (i = 0; i <= 2000; i++) {
		bool is_edge = mrc_bucket_index(2, i + 1) !=
			       mrc_bucket_index(2, i);

		/* Few windows are nearly as long as the trace. */
		if (is_edge || i <= 1000)
			assert_near(footprint_at(footprint, i),
				    footprint_at(exact, i),
				    is_edge ? 1e-9 : 0.01 * 300);
	}
	mrc_footprint_free(exact);
	mrc_footprint_free(footprint);
}

/* fp(w) = min(w, N) nearly everywhere, so a step at N. */
static void test_loop_steps_at_its_length(void **state)
{
	struct mrc_footprint *footprint = new_footprint(7);
	struct mrc_curve *curve;
	uint64_t i;

	(void)state;
	for (i = 0; i < 100000; i++)
		assert_int_equal(mrc_footprint_access(footprint, i % 100), 0);
	curve = new_curve(footprint);
	assert_near(footprint_at(footprint, 99), 99, 1e-9);
	assert_near(footprint_at(footprint, 100), 100, 1e-9);
	assert_near(mrc_curve_at(curve, 98.9), 1, 1e-9);
	assert_near(mrc_curve_at(curve, 100), 0, 1e-9);
	mrc_curve_free(curve);
	mrc_footprint_free(footprint);
}

/* Uniform: fp(w) = m (1 - (1 - 1/m)^w), MRC(c) = 1 - c / m. */
static void test_uniform_random(void **state)
{
	const double m = 1000;
	struct mrc_footprint *footprint = new_footprint(7);
	struct mrc_curve *curve;
	uint64_t seed = test_seed();
	uint64_t i;

	(void)state;
	for (i = 0; i < 400000; i++)
		assert_int_equal(mrc_footprint_access(
					 footprint, test_random(&seed) % 1000),
				 0);
	curve = new_curve(footprint);
	/* Standard error: 9 pages in a window, of which there are hundreds. */
	for (i = 1; i < 5000; i += 97)
		assert_near(footprint_at(footprint, i),
			    m * (1 - pow(1 - 1 / m, (double)i)), 2);
	for (i = 0; i <= 1000; i += 50)
		assert_near(mrc_curve_at(curve, (double)i), 1 - (double)i / m,
			    0.004);
	mrc_curve_free(curve);
	mrc_footprint_free(footprint);
}

/* A skewed trace, against the LRU stack. */
static void test_near_lru(void **state)
{
	struct mrc_footprint *footprint = new_footprint(7);
	struct mrc_lru *lru = NULL;
	struct mrc_curve *exact = NULL;
	struct mrc_curve *curve;
	uint64_t seed = test_seed();
	double sum = 0;
	uint64_t i;

	(void)state;
	assert_int_equal(mrc_lru_new(&lru), 0);
	for (i = 0; i < 400000; i++) {
		uint64_t page = next_page(1, 2000, i, &seed);

		assert_int_equal(mrc_footprint_access(footprint, page), 0);
		assert_int_equal(mrc_lru_access(lru, page, NULL), 0);
	}
	assert_int_equal(mrc_lru_curve(lru, &exact), 0);
	curve = new_curve(footprint);
	for (i = 20; i <= 2000; i += 20)
		sum += fabs(mrc_curve_at(curve, (double)i) -
			    mrc_curve_at(exact, (double)i));
	/* The cold share, 2000 / 400000, is the difference for large sizes. */
	assert_true(sum / 100 < 0.004);
	mrc_curve_free(curve);
	mrc_curve_free(exact);
	mrc_lru_free(lru);
	mrc_footprint_free(footprint);
}

static void assert_same(const struct mrc_footprint *a,
			const struct mrc_footprint *b)
{
	uint64_t w;

	assert_int_equal(mrc_footprint_nr_accesses(a),
			 mrc_footprint_nr_accesses(b));
	assert_int_equal(mrc_footprint_nr_pages(a), mrc_footprint_nr_pages(b));
	for (w = 0; w <= mrc_footprint_nr_accesses(a); w += 1 + w / 8)
		assert_near(footprint_at(a, w), footprint_at(b, w), 0);
}

static void test_merge_is_the_whole(void **state)
{
	const size_t cuts[] = { 0, 1, 100, 1500, 2999, 3000 };
	uint64_t seed = test_seed();
	uint64_t pages[3500];
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i < 5 * ARRAY_SIZE(cuts); i++) {
		size_t cut = cuts[i / 5];
		struct mrc_footprint *whole = new_footprint(4);
		struct mrc_footprint *first = new_footprint(4);
		struct mrc_footprint *later = new_footprint(4);

		for (j = 0; j < 3500; j++)
			pages[j] = next_page(i % 5, 400, j, &seed);
		access_all(whole, pages, 3000);
		access_all(first, pages, cut);
		access_all(later, pages + cut, 3000 - cut);
		assert_int_equal(mrc_footprint_merge(first, later), 0);
		assert_same(whole, first);
		assert_int_equal(mrc_footprint_nr_accesses(later), 3000 - cut);
		access_all(whole, pages + 3000, 500);
		access_all(first, pages + 3000, 500);
		assert_same(whole, first);
		mrc_footprint_free(later);
		mrc_footprint_free(first);
		mrc_footprint_free(whole);
	}
}

static void test_refuses(void **state)
{
	struct mrc_footprint *footprint = UNTOUCHED;
	struct mrc_footprint *other;
	struct mrc_curve *curve = UNTOUCHED;
	double pages = 4711;

	(void)state;
	assert_int_equal(mrc_footprint_new(MRC_HIST_MAX_SUB_BUCKET_BITS + 1,
					   &footprint),
			 -EINVAL);
	assert_ptr_equal(footprint, UNTOUCHED);
	footprint = new_footprint(0);
	assert_int_equal(mrc_footprint_curve(footprint, &curve), -ENODATA);
	assert_ptr_equal(curve, UNTOUCHED);
	assert_near(footprint_at(footprint, 0), 0, 0);
	assert_int_equal(mrc_footprint_at(footprint, 1, &pages), -ERANGE);
	assert_near(pages, 4711, 0);
	other = new_footprint(1);
	assert_int_equal(mrc_footprint_merge(footprint, other), -EINVAL);
	mrc_footprint_free(other);
	mrc_footprint_free(footprint);
}

/* Every allocation fails once; what was not counted is given again. */
static void test_without_memory(void **state)
{
	uint64_t seed = test_seed();
	uint64_t pages[6000];
	struct mrc_footprint *whole = new_footprint(7);
	struct mrc_footprint *footprint = UNTOUCHED;
	struct mrc_footprint *later = new_footprint(7);
	struct mrc_curve *curve = UNTOUCHED;
	unsigned int nr_failures = 0;
	unsigned int nr_good = 0;
	uint64_t done = 0;
	double at = 4711;
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < 6000; i++)
		pages[i] = test_random(&seed) % 3000;
	access_all(whole, pages, 6000);
	access_all(later, pages + 3000, 3000);

	fail_alloc_after(0);
	err = mrc_footprint_new(7, &footprint);
	fail_alloc_off();
	assert_int_equal(err, -ENOMEM);
	assert_ptr_equal(footprint, UNTOUCHED);
	footprint = new_footprint(7);
	while (done < 3000) {
		fail_alloc_after(nr_good++ % 4);
		if (nr_good % 3 == 0)
			err = mrc_footprint_access(footprint, pages[done]);
		else
			err = mrc_footprint_access_n(footprint, pages + done,
						     3000 - done);
		fail_alloc_off();
		assert_true(err == 0 || err == -ENOMEM);
		nr_failures += err < 0;
		assert_true(mrc_footprint_nr_accesses(footprint) >= done);
		done = mrc_footprint_nr_accesses(footprint);
	}
	assert_true(nr_failures > 4);

	fail_alloc_after(0);
	assert_int_equal(mrc_footprint_at(footprint, 5, &at), -ENOMEM);
	assert_int_equal(mrc_footprint_curve(footprint, &curve), -ENOMEM);
	fail_alloc_after(1);
	assert_int_equal(mrc_footprint_curve(footprint, &curve), -ENOMEM);
	fail_alloc_off();
	assert_near(at, 4711, 0);
	assert_ptr_equal(curve, UNTOUCHED);

	nr_good = 0;
	do {
		assert_int_equal(mrc_footprint_nr_accesses(footprint), 3000);
		fail_alloc_after(nr_good++);
		err = mrc_footprint_merge(footprint, later);
		fail_alloc_off();
	} while (err == -ENOMEM);
	assert_int_equal(err, 0);
	assert_true(nr_good > 2);
	assert_same(whole, footprint);
	mrc_footprint_free(later);
	mrc_footprint_free(footprint);
	mrc_footprint_free(whole);
}

static void test_free_takes_null(void **state)
{
	(void)state;
	mrc_footprint_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_accesses),
		cmocka_unit_test(test_same_as_all_windows),
		cmocka_unit_test(test_wide_buckets_are_exact_at_their_edges),
		cmocka_unit_test(test_loop_steps_at_its_length),
		cmocka_unit_test(test_uniform_random),
		cmocka_unit_test(test_near_lru),
		cmocka_unit_test(test_merge_is_the_whole),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_free_takes_null),
	};

	return cmocka_run_group_tests_name("footprint", tests, NULL, NULL);
}

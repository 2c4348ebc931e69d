// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <mrc/counter_stacks.h>
#include <mrc/lru.h>

static struct mrc_counter_stacks *new_stacks(unsigned int precision,
					     uint64_t interval, double prune,
					     uint64_t seed)
{
	struct mrc_counter_stacks *stacks = NULL;

	assert_int_equal(mrc_counter_stacks_new(precision, interval, prune,
						seed, &stacks),
			 0);
	assert_non_null(stacks);
	return stacks;
}

static struct mrc_curve *new_curve(const struct mrc_counter_stacks *stacks)
{
	struct mrc_curve *curve = NULL;

	assert_int_equal(mrc_counter_stacks_curve(stacks, &curve), 0);
	assert_non_null(curve);
	return curve;
}

static void access_all(struct mrc_counter_stacks *stacks, const uint64_t *pages,
		       size_t nr_pages)
{
	assert_int_equal(mrc_counter_stacks_access_n(stacks, pages, nr_pages),
			 0);
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

enum shape {
	UNIFORM,
	SKEWED,
	LOOP,
	SKEWED_AND_SCAN,
	NR_SHAPES
};

static uint64_t *new_trace(enum shape shape, uint64_t nr_pages,
			   size_t nr_accesses, uint64_t seed)
{
	uint64_t *pages = malloc(nr_accesses * sizeof(*pages));
	size_t i;

	assert_non_null(pages);
	for (i = 0; i < nr_accesses; i++) {
		uint64_t random = test_random(&seed);
		double unit = (double)(random >> 11) * 0x1p-53;

		if (shape == UNIFORM)
			pages[i] = random % nr_pages;
		else if (shape == SKEWED || (shape != LOOP && i % 10 < 7))
			pages[i] = (uint64_t)pow((double)nr_pages, unit);
		else if (shape == LOOP)
			pages[i] = i % nr_pages;
		else
			pages[i] = nr_pages + i % (nr_pages * 3);
	}
	return pages;
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
 * The counters are HyperLogLogs: each page twice in a row, so the cold share
 * tells the count. Bias and error of small, middle and large counts.
 */
static void test_counts_have_the_stated_error(void **state)
{
	const unsigned int precisions[] = { 6, 10, 12 };
	const uint64_t nr_pages[] = { 5, 50, 500, 3000, 6000, 12000, 50000 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(precisions) * ARRAY_SIZE(nr_pages); i++) {
		unsigned int p = precisions[i % ARRAY_SIZE(precisions)];
		uint64_t nr = nr_pages[i / ARRAY_SIZE(precisions)];
		double standard = 1.04 / sqrt(ldexp(1, (int)p));
		double squares = 0;
		double sum = 0;
		uint64_t seed;

		for (seed = 0; seed < 40; seed++) {
			struct mrc_counter_stacks *stacks =
				new_stacks(p, 2 * nr, 0.1, seed);
			struct mrc_curve *curve;
			double error;
			uint64_t j;

			for (j = 0; j < 2 * nr; j++)
				assert_int_equal(mrc_counter_stacks_access(
							 stacks, j / 2),
						 0);
			curve = new_curve(stacks);
			error = 2 * mrc_curve_at(curve, INFINITY) - 1;
			sum += error;
			squares += error * error;
			mrc_curve_free(curve);
			mrc_counter_stacks_free(stacks);
		}
		/* Four standard errors of 40 samples. */
		assert_near(sum / 40, 0, 4 * standard / sqrt(40));
		assert_true(sqrt(squares / 40) < standard * (1 + 4 / sqrt(80)));
	}
}

/* An interval of one access, registers for each page: the LRU stack itself. */
static void test_short_intervals_are_the_stack(void **state)
{
	int shape;

	(void)state;
	for (shape = 0; shape < NR_SHAPES; shape++) {
		uint64_t *pages =
			new_trace((enum shape)shape, 40, 600, test_seed());
		struct mrc_curve *exact = new_exact_curve(pages, 600);
		struct mrc_counter_stacks *stacks =
			new_stacks(12, 1, MRC_COUNTER_STACKS_MIN_PRUNE, 3);
		struct mrc_curve *curve;
		double sum = 0;
		int size;

		access_all(stacks, pages, 600);
		curve = new_curve(stacks);
		/* A size is off by a page at most. */
		for (size = 1; size <= 160; size++) {
			double at = mrc_curve_at(curve, size);

			assert_true(at <= mrc_curve_at(exact, size - 1) + 0.02);
			assert_true(at >= mrc_curve_at(exact, size + 1) - 0.02);
			sum += at - mrc_curve_at(exact, size);
		}
		assert_near(sum / 160, 0, 0.004);
		mrc_curve_free(curve);
		mrc_counter_stacks_free(stacks);
		mrc_curve_free(exact);
		free(pages);
	}
}

/*
 * Intervals of 2.5 % and of 20 % of the pages; bounds are 1.25 times the mean of
 * 5 seeds. In the loop all three errors show: that of the counters, 1.6 %, that
 * of pruning, up to 2 %, and the length of the interval.
 */
static void test_accuracy(void **state)
{
	const struct {
		enum shape shape;
		double nr_pages;
		double bounds[2];
	} cases[] = {
		{ UNIFORM, 10000, { 0.009, 0.0134 } },
		{ SKEWED, 10000, { 0.004, 0.027 } },
		{ LOOP, 10000, { 0.03, 0.069 } },
		{ SKEWED_AND_SCAN, 40000, { 0.0053, 0.0104 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		uint64_t *pages =
			new_trace(cases[i / 2].shape, 10000, 200000, 11);
		struct mrc_curve *exact = new_exact_curve(pages, 200000);
		double sum = 0;
		uint64_t seed;

		for (seed = 0; seed < 5; seed++) {
			struct mrc_counter_stacks *stacks = new_stacks(
				12, i % 2 == 0 ? 250 : 2000, 0.02, seed);
			struct mrc_curve *curve;

			access_all(stacks, pages, 200000);
			curve = new_curve(stacks);
			sum += mean_error(curve, exact, cases[i / 2].nr_pages);
			mrc_curve_free(curve);
			mrc_counter_stacks_free(stacks);
		}
		print_message("%d, d = %d: %.4f\n", cases[i / 2].shape,
			      i % 2 == 0 ? 250 : 2000, sum / 5);
		assert_true(sum / 5 < cases[i / 2].bounds[i % 2]);
		mrc_curve_free(exact);
		free(pages);
	}
}

static void assert_same(const struct mrc_counter_stacks *a,
			const struct mrc_counter_stacks *b)
{
	struct mrc_curve *curve = new_curve(a);
	struct mrc_curve *other = new_curve(b);
	size_t i;

	assert_int_equal(mrc_counter_stacks_nr_accesses(a),
			 mrc_counter_stacks_nr_accesses(b));
	assert_int_equal(mrc_counter_stacks_nr_counters(a),
			 mrc_counter_stacks_nr_counters(b));
	assert_int_equal(mrc_curve_nr_points(curve),
			 mrc_curve_nr_points(other));
	for (i = 0; i < 20000; i += 7)
		assert_near(mrc_curve_at(curve, (double)i),
			    mrc_curve_at(other, (double)i), 0);
	mrc_curve_free(other);
	mrc_curve_free(curve);
}

/* In any pieces, and with curves taken between: the same. */
static void test_pieces_and_snapshots_change_nothing(void **state)
{
	uint64_t seed = test_seed();
	uint64_t *pages = new_trace(SKEWED_AND_SCAN, 3000, 30000, seed);
	struct mrc_counter_stacks *whole = new_stacks(8, 700, 0.05, 1);
	struct mrc_counter_stacks *pieces = new_stacks(8, 700, 0.05, 1);
	size_t done = 0;

	(void)state;
	access_all(whole, pages, 30000);
	while (done < 30000) {
		size_t nr = test_random(&seed) % 3000;

		nr = nr < 30000 - done ? nr : 30000 - done;
		access_all(pieces, pages + done, nr);
		done += nr;
		if (done > 0)
			mrc_curve_free(new_curve(pieces));
	}
	assert_same(whole, pieces);
	mrc_counter_stacks_free(pieces);
	mrc_counter_stacks_free(whole);
	free(pages);
}

/* An interval that has only begun is in the curve like a whole one. */
static void test_curve_has_all_accesses(void **state)
{
	struct mrc_counter_stacks *stacks = new_stacks(12, 1000000, 0.02, 1);
	struct mrc_curve *curve;
	uint64_t i;

	(void)state;
	for (i = 0; i < 4000; i++)
		assert_int_equal(mrc_counter_stacks_access(stacks, i % 1000),
				 0);
	curve = new_curve(stacks);
	assert_near(mrc_curve_at(curve, INFINITY), 0.25, 0.25 * 4 * 0.01625);
	mrc_curve_free(curve);
	mrc_counter_stacks_free(stacks);
}

static void test_counters_and_memory_are_bounded(void **state)
{
	struct mrc_counter_stacks *stacks = new_stacks(6, 50, 0.1, 1);
	unsigned long before = 0;
	size_t most = 0;
	uint64_t i;

	(void)state;
	for (i = 0; i < 400000; i++) {
		if (i == 200000)
			before = nr_allocs();
		assert_int_equal(mrc_counter_stacks_access(stacks, i), 0);
		if (mrc_counter_stacks_nr_counters(stacks) > most)
			most = mrc_counter_stacks_nr_counters(stacks);
	}
	assert_int_equal(nr_allocs(), before);
	/* 400 000 pages; the youngest counts 50, all by estimates. */
	assert_true(most <= 2 + log(2 * 400000) / 0.1);
	assert_true(most >= log(400000.0 / 50) / 0.25);
	mrc_counter_stacks_free(stacks);
}

static void test_refuses(void **state)
{
	const struct {
		unsigned int precision;
		uint64_t interval;
		double prune;
	} cases[] = {
		{ 3, 10, 0.1 },
		{ 17, 10, 0.1 },
		{ 10, 0, 0.1 },
		{ 10, MRC_COUNTER_STACKS_MAX_INTERVAL + 1, 0.1 },
		{ 10, 10, 0 },
		{ 10, 10, 0.51 },
		{ 10, 10, NAN },
	};
	struct mrc_counter_stacks *stacks = UNTOUCHED;
	struct mrc_curve *curve = UNTOUCHED;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(mrc_counter_stacks_new(
					 cases[i].precision, cases[i].interval,
					 cases[i].prune, 1, &stacks),
				 -EINVAL);
	assert_ptr_equal(stacks, UNTOUCHED);
	stacks = new_stacks(4, 1, 0.5, 1);
	assert_int_equal(mrc_counter_stacks_curve(stacks, &curve), -ENODATA);
	assert_ptr_equal(curve, UNTOUCHED);
	mrc_counter_stacks_free(stacks);
}

/* Every allocation fails once; what was not counted is given again. */
static void test_without_memory(void **state)
{
	uint64_t *pages = new_trace(UNIFORM, 4000, 9000, test_seed());
	struct mrc_counter_stacks *whole = new_stacks(10, 20, 0.005, 1);
	struct mrc_counter_stacks *stacks = UNTOUCHED;
	struct mrc_curve *curve = UNTOUCHED;
	unsigned int nr_failures = 0;
	unsigned int nr_good;
	uint64_t done = 0;
	int err;

	(void)state;
	access_all(whole, pages, 9000);
	for (nr_good = 0; stacks == UNTOUCHED; nr_good++) {
		fail_alloc_after(nr_good);
		err = mrc_counter_stacks_new(10, 20, 0.005, 1, &stacks);
		fail_alloc_off();
		assert_int_equal(err, stacks == UNTOUCHED ? -ENOMEM : 0);
	}
	assert_int_equal(nr_good, 5);
	while (done < 9000) {
		fail_alloc_after(nr_good++ % 4);
		err = mrc_counter_stacks_access_n(stacks, pages + done,
						  9000 - done);
		fail_alloc_off();
		assert_true(err == 0 || err == -ENOMEM);
		nr_failures += err < 0;
		done = mrc_counter_stacks_nr_accesses(stacks);
	}
	assert_true(nr_failures > 5);
	assert_same(whole, stacks);
	for (nr_good = 0; nr_good < 3; nr_good++) {
		fail_alloc_after(nr_good);
		assert_int_equal(mrc_counter_stacks_curve(stacks, &curve),
				 -ENOMEM);
		fail_alloc_off();
	}
	assert_ptr_equal(curve, UNTOUCHED);
	mrc_counter_stacks_free(stacks);
	mrc_counter_stacks_free(whole);
	free(pages);
}

/* @nr_parts of @pages, merged from the left or from the right. */
static struct mrc_counter_stacks *merge_parts(const uint64_t *pages, size_t nr,
					      const size_t *ends,
					      size_t nr_parts, double prune,
					      bool from_right)
{
	struct mrc_counter_stacks *parts[4] = { NULL };
	size_t p;

	for (p = 0; p < nr_parts; p++) {
		size_t begin = p == 0 ? 0 : ends[p - 1];
		size_t end = p + 1 == nr_parts ? nr : ends[p];

		parts[p] = new_stacks(10, 100, prune, 7);
		access_all(parts[p], pages + begin, end - begin);
	}
	for (p = 1; p < nr_parts; p++) {
		size_t later = from_right ? nr_parts - p : p;
		struct mrc_counter_stacks *to =
			parts[from_right ? later - 1 : 0];

		assert_int_equal(mrc_counter_stacks_merge(to, parts[later]), 0);
		mrc_counter_stacks_free(parts[later]);
	}
	return parts[0];
}

/*
 * Merged parts are as near to the whole as pruning lets them be: counters that are
 * dropped at other times blur sizes by the share @prune.
 */
static void test_merge_is_like_the_whole(void **state)
{
	static const double prunes[] = { 0.001, 0.02 };
	const size_t nr = 20000;
	uint64_t seed = test_seed();
	int round;

	(void)state;
	for (round = 0; round < 8 * NR_SHAPES; round++) {
		double prune = prunes[round % 2];
		uint64_t *pages = new_trace((enum shape)(round % NR_SHAPES),
					    3000, nr, test_random(&seed));
		struct mrc_counter_stacks *whole =
			new_stacks(10, 100, prune, 7);
		/* In the last rounds, in the middle of an interval. */
		size_t unit = round < 6 * NR_SHAPES ? 100 : 1;
		size_t ends[2] = { test_random(&seed) % (nr / 2 / unit) *
				   unit };
		struct mrc_counter_stacks *merged;
		struct mrc_curve *curve;
		struct mrc_curve *merged_curve;
		size_t done = nr - test_random(&seed) % 300;
		double error;

		ends[1] = ends[0] + test_random(&seed) % (nr / 3 / unit) * unit;
		access_all(whole, pages, nr);
		merged = merge_parts(pages, done, ends, 2 + (round / 2) % 2,
				     prune, round % 3 == 0);
		/* It goes on. */
		access_all(merged, pages + done, nr - done);
		assert_int_equal(mrc_counter_stacks_nr_accesses(merged), nr);
		curve = new_curve(whole);
		merged_curve = new_curve(merged);
		error = mean_error(merged_curve, curve, 12000);
		if (unit == 1)
			error /= 2;
		if (error > prune / 4 + 0.0005)
			print_message("round %d: %.5f\n", round, error);
		assert_true(error <= prune / 4 + 0.0005);
		assert_true(mrc_counter_stacks_nr_counters(merged) <=
			    2 + log(12000) / prune);
		mrc_curve_free(curve);
		mrc_curve_free(merged_curve);
		mrc_counter_stacks_free(whole);
		mrc_counter_stacks_free(merged);
		free(pages);
	}
}

static void test_merge_refuses(void **state)
{
	struct mrc_counter_stacks *stacks = new_stacks(10, 20, 0.02, 1);
	struct mrc_counter_stacks *same = new_stacks(10, 20, 0.02, 1);
	struct mrc_counter_stacks *later = new_stacks(10, 20, 0.02, 1);
	struct mrc_counter_stacks *others[] = {
		new_stacks(9, 20, 0.02, 1),
		new_stacks(10, 21, 0.02, 1),
		new_stacks(10, 20, 0.03, 1),
		new_stacks(10, 20, 0.02, 2),
	};
	uint64_t *pages = new_trace(UNIFORM, 400, 1000, test_seed());
	unsigned int nr_good;
	size_t i;

	(void)state;
	access_all(stacks, pages, 510);
	access_all(same, pages, 510);
	/* Nothing is nothing. */
	assert_int_equal(mrc_counter_stacks_merge(stacks, later), 0);
	assert_same(stacks, same);
	access_all(later, pages, 490);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		access_all(others[i], pages, 10);
		assert_int_equal(mrc_counter_stacks_merge(stacks, others[i]),
				 -EINVAL);
		mrc_counter_stacks_free(others[i]);
	}
	for (nr_good = 0;; nr_good++) {
		int err;

		fail_alloc_after(nr_good);
		err = mrc_counter_stacks_merge(stacks, later);
		fail_alloc_off();
		if (err == 0)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_same(stacks, same);
	}
	assert_true(nr_good > 5);
	mrc_counter_stacks_free(stacks);
	mrc_counter_stacks_free(same);
	mrc_counter_stacks_free(later);
	free(pages);
}

static void test_free_takes_null(void **state)
{
	(void)state;
	mrc_counter_stacks_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_have_the_stated_error),
		cmocka_unit_test(test_short_intervals_are_the_stack),
		cmocka_unit_test(test_accuracy),
		cmocka_unit_test(test_pieces_and_snapshots_change_nothing),
		cmocka_unit_test(test_curve_has_all_accesses),
		cmocka_unit_test(test_counters_and_memory_are_bounded),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_merge_is_like_the_whole),
		cmocka_unit_test(test_merge_refuses),
		cmocka_unit_test(test_free_takes_null),
	};

	return cmocka_run_group_tests_name("counter_stacks", tests, NULL, NULL);
}

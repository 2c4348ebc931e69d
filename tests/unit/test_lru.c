// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/lru.h>

#include "lru_list.h"

/* Not exported: the path for CPUs without AVX2. */
#include "../../libmrc/src/lru_portable.h"

static struct mrc_lru *new_lru(void)
{
	struct mrc_lru *lru = NULL;

	assert_int_equal(mrc_lru_new(&lru), 0);
	assert_non_null(lru);
	return lru;
}

static struct mrc_curve *new_curve(const struct mrc_lru *lru)
{
	struct mrc_curve *curve = NULL;

	assert_int_equal(mrc_lru_curve(lru, &curve), 0);
	assert_non_null(curve);
	return curve;
}

/* Depths and curve worked by hand from the definition of the stack. */
static void test_stack_example(void **state)
{
	const char trace[] = "abacbbca";
	const int depths[] = { -1, -1, 1, -1, 2, 0, 1, 2 };
	struct mrc_lru *lru = new_lru();
	struct mrc_curve *curve;
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		struct mrc_lru_depth depth = { false, 99 };

		assert_int_equal(
			mrc_lru_access(lru, (uint64_t)trace[i], &depth), 0);
		assert_int_equal(depth.is_cold, depths[i] < 0);
		assert_int_equal(depth.pages, depths[i] < 0 ? 0 : depths[i]);
	}
	assert_int_equal(mrc_lru_nr_accesses(lru), 8);
	assert_int_equal(mrc_lru_nr_pages(lru), 3);

	curve = new_curve(lru);
	assert_near(mrc_curve_at(curve, 0), 1, 0);
	assert_near(mrc_curve_at(curve, 1), 7.0 / 8, 0);
	assert_near(mrc_curve_at(curve, 2), 5.0 / 8, 0);
	assert_near(mrc_curve_at(curve, 3), 3.0 / 8, 0);
	assert_near(mrc_curve_at(curve, 4), 3.0 / 8, 0);
	assert_near(mrc_curve_max_pages(curve), 3, 0);
	mrc_curve_free(curve);
	mrc_lru_free(lru);
}

/* A loop over N pages misses always below N and only when cold from N on. */
static void test_loop_steps_at_its_length(void **state)
{
	const uint64_t lengths[] = { 1, 2, 63, 64, 65, 1000, 1024, 4097 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct mrc_lru *lru = new_lru();
		struct mrc_curve *curve;
		uint64_t n = lengths[i];
		uint64_t pages = 0;
		uint64_t j;

		for (j = 0; j < 25 * n; j++)
			assert_int_equal(mrc_lru_access(lru, j % n, NULL), 0);
		curve = new_curve(lru);
		assert_near(mrc_curve_at(curve, (double)n - 1), 1, 0);
		assert_near(mrc_curve_at(curve, (double)n), 0.04, 0);
		assert_int_equal(mrc_curve_wss_pages(curve, 0.05, &pages), 0);
		assert_int_equal(pages, n);
		mrc_curve_free(curve);
		mrc_lru_free(lru);
	}
}

enum shape {
	UNIFORM,
	SKEWED,
	PHASES,
	HIGH_BITS,
	ALL_NEW,
	NR_SHAPES
};

static uint64_t next_page(enum shape shape, uint64_t nr_pages, uint64_t i,
			  uint64_t *seed)
{
	uint64_t random = test_random(seed);

	switch (shape) {
	case UNIFORM:
		return random % nr_pages;
	case SKEWED:
		return (random >> 32) % (1 + random % nr_pages);
	case PHASES:
		/* A loop that moves on, so that old pages never come back. */
		return i / 1000 * (nr_pages / 2) + i % nr_pages;
	case HIGH_BITS:
		return random % nr_pages << 52;
	default:
		return UINT64_MAX - i;
	}
}

/* Each depth, and the curve at each size, against the searched list. */
static void compare_with_list(enum shape shape, uint64_t nr_pages,
			      size_t nr_accesses, uint64_t seed)
{
	struct lru_list list = {
		.pages = calloc(nr_accesses, sizeof(*list.pages)),
	};
	uint64_t *hits = calloc(nr_accesses, sizeof(*hits));
	uint64_t nr_misses = nr_accesses;
	struct mrc_lru *lru = new_lru();
	struct mrc_curve *curve;
	size_t i;

	assert_non_null(list.pages);
	assert_non_null(hits);
	for (i = 0; i < nr_accesses; i++) {
		uint64_t page = next_page(shape, nr_pages, i, &seed);
		struct mrc_lru_depth depth = { false, 0 };
		size_t expected = 0;
		bool is_hit = lru_list_access(&list, page, &expected);

		assert_int_equal(mrc_lru_access(lru, page, &depth), 0);
		assert_int_equal(depth.is_cold, !is_hit);
		assert_int_equal(depth.pages, expected);
		if (is_hit)
			hits[expected]++;
	}
	assert_int_equal(mrc_lru_nr_pages(lru), list.nr_pages);
	assert_int_equal(mrc_lru_nr_accesses(lru), nr_accesses);

	curve = new_curve(lru);
	for (i = 0; i < nr_accesses; i++) {
		assert_near(mrc_curve_at(curve, (double)i),
			    (double)nr_misses / (double)nr_accesses, 1e-15);
		nr_misses -= hits[i];
	}
	mrc_curve_free(curve);
	mrc_lru_free(lru);
	free(hits);
	free(list.pages);
}

static void test_same_as_the_list(void **state)
{
	const uint64_t nr_pages[] = { 1, 2, 64, 100, 511, 512, 513, 1500 };
	uint64_t seed = test_seed();
	int shape;
	size_t i;

	(void)state;
	for (shape = 0; shape < NR_SHAPES; shape++)
		for (i = 0; i < ARRAY_SIZE(nr_pages); i++)
			compare_with_list((enum shape)shape, nr_pages[i], 6000,
					  test_random(&seed));
}

/* In batches of any length, on both paths, with a page often twice in one. */
static void test_batches_are_the_same(void **state)
{
	uint64_t seed = test_seed();
	uint64_t pages[6000];
	uint64_t stack[6000];
	struct mrc_lru_depth depths[6000];
	int round;

	(void)state;
	for (round = 0; round < 4 * NR_SHAPES; round++) {
		struct lru_list list = { .pages = stack };
		struct mrc_lru *lru = new_lru();
		uint64_t nr_pages =
			1 + test_random(&seed) % (round < NR_SHAPES ? 20 : 900);
		size_t done = 0;
		size_t i;

		if (round % 2 == 1)
			mrc_lru_forget_cpu(lru);
		for (i = 0; i < 6000; i++)
			pages[i] = next_page((enum shape)(round % NR_SHAPES),
					     nr_pages, i, &seed);
		while (done < 6000) {
			size_t nr = test_random(&seed) %
				    (round % 3 == 0 ? 1000 : 100);

			if (nr > 6000 - done)
				nr = 6000 - done;
			assert_int_equal(mrc_lru_access_n(lru, pages + done, nr,
							  depths + done),
					 0);
			done += nr;
			assert_int_equal(mrc_lru_nr_accesses(lru), done);
		}
		for (i = 0; i < 6000; i++) {
			size_t expected = 0;
			bool is_hit =
				lru_list_access(&list, pages[i], &expected);

			assert_int_equal(depths[i].is_cold, !is_hit);
			assert_int_equal(depths[i].pages, expected);
		}
		mrc_lru_free(lru);
	}
}

/* Access @pages, which must lie 0, 1, 2.. deep, or be new. */
static void access_in_turn(struct mrc_lru *lru, const uint64_t *pages,
			   size_t nr_pages, struct mrc_lru_depth *depths,
			   bool is_cold)
{
	size_t i;

	assert_int_equal(mrc_lru_access_n(lru, pages, nr_pages, depths), 0);
	for (i = 0; i < nr_pages; i++) {
		assert_int_equal(depths[i].is_cold, is_cold);
		assert_int_equal(depths[i].pages, is_cold ? 0 : i);
	}
}

/*
 * Many pages, so that all levels of the tree have several entries: up and down
 * again, where the page accessed k-th on the way back lies k deep.
 */
static void test_many_pages(void **state)
{
	const size_t nr_pages = 700000;
	struct mrc_lru_depth *depths = calloc(nr_pages, sizeof(*depths));
	uint64_t *down = calloc(nr_pages, sizeof(*down));
	uint64_t *up = calloc(nr_pages, sizeof(*up));
	int pass;
	size_t i;

	(void)state;
	assert_non_null(depths);
	assert_non_null(down);
	assert_non_null(up);
	for (i = 0; i < nr_pages; i++)
		up[i] = down[nr_pages - 1 - i] = i;
	for (pass = 0; pass < 2; pass++) {
		struct mrc_lru *lru = new_lru();

		if (pass == 1)
			mrc_lru_forget_cpu(lru);
		access_in_turn(lru, up, nr_pages, depths, true);
		for (i = 0; i < 4; i++)
			access_in_turn(lru, i % 2 == 0 ? down : up, nr_pages,
				       depths, false);
		mrc_lru_free(lru);
	}
	free(depths);
	free(down);
	free(up);
}

static void assert_same_curve(const struct mrc_lru *a, const struct mrc_lru *b)
{
	struct mrc_curve *curve_a = new_curve(a);
	struct mrc_curve *curve_b = new_curve(b);
	size_t i;

	assert_int_equal(mrc_lru_nr_accesses(a), mrc_lru_nr_accesses(b));
	assert_int_equal(mrc_lru_nr_pages(a), mrc_lru_nr_pages(b));
	for (i = 0; i <= mrc_lru_nr_pages(a); i++)
		assert_near(mrc_curve_at(curve_a, (double)i),
			    mrc_curve_at(curve_b, (double)i), 0);
	mrc_curve_free(curve_a);
	mrc_curve_free(curve_b);
}

static void test_merge_of_parts_is_the_whole(void **state)
{
	uint64_t seed = test_seed();
	int round;

	(void)state;
	for (round = 0; round < 60; round++) {
		enum shape shape = (enum shape)(round % NR_SHAPES);
		uint64_t nr_pages = 1 + test_random(&seed) % 500;
		uint64_t split = test_random(&seed) % 3000;
		struct mrc_lru *whole = new_lru();
		struct mrc_lru *part[2] = { new_lru(), new_lru() };
		unsigned int nr_good = 0;
		int err = -ENOMEM;
		uint64_t i;

		for (i = 0; i < 3000; i++) {
			uint64_t page = next_page(shape, nr_pages, i, &seed);

			assert_int_equal(mrc_lru_access(whole, page, NULL), 0);
			assert_int_equal(mrc_lru_access(part[i >= split], page,
							NULL),
					 0);
		}
		/* Without memory nothing happens. */
		while (err < 0) {
			assert_int_equal(mrc_lru_nr_accesses(part[0]), split);
			fail_alloc_after(nr_good++);
			err = mrc_lru_merge(part[0], part[1]);
			fail_alloc_off();
		}
		assert_same_curve(part[0], whole);
		/* The stacks are the same, too: what follows shows it. */
		for (i = 0; i < 1000; i++) {
			uint64_t page = next_page(shape, nr_pages, i, &seed);
			struct mrc_lru_depth a = { true, 1 };
			struct mrc_lru_depth b = { true, 2 };

			assert_int_equal(mrc_lru_access(part[0], page, &a), 0);
			assert_int_equal(mrc_lru_access(whole, page, &b), 0);
			assert_int_equal(a.is_cold, b.is_cold);
			assert_int_equal(a.pages, b.pages);
		}
		mrc_lru_free(whole);
		mrc_lru_free(part[0]);
		mrc_lru_free(part[1]);
	}
}

static void test_memory_does_not_grow_with_the_trace(void **state)
{
	struct mrc_lru *lru = new_lru();
	unsigned long before = 0;
	uint64_t i;

	(void)state;
	for (i = 0; i < 300000; i++) {
		if (i == 5000)
			before = nr_allocs();
		assert_int_equal(mrc_lru_access(lru, i * i % 700, NULL), 0);
	}
	assert_int_equal(nr_allocs(), before);
	mrc_lru_free(lru);
}

static void test_curve_of_nothing(void **state)
{
	struct mrc_lru *lru = new_lru();
	struct mrc_curve *curve = UNTOUCHED;

	(void)state;
	assert_int_equal(mrc_lru_curve(lru, &curve), -ENODATA);
	assert_ptr_equal(curve, UNTOUCHED);
	assert_int_equal(mrc_lru_nr_accesses(lru), 0);
	assert_int_equal(mrc_lru_nr_pages(lru), 0);
	mrc_lru_free(lru);
}

static void test_curve_of_cold_accesses_is_flat(void **state)
{
	struct mrc_lru *lru = new_lru();
	struct mrc_curve *curve;
	uint64_t i;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_int_equal(mrc_lru_access(lru, i, NULL), 0);
	curve = new_curve(lru);
	assert_int_equal(mrc_curve_nr_points(curve), 1);
	assert_near(mrc_curve_at(curve, 1e9), 1, 0);
	mrc_curve_free(curve);
	mrc_lru_free(lru);
}

static void test_new_and_curve_without_memory(void **state)
{
	struct mrc_lru *lru = UNTOUCHED;
	struct mrc_curve *curve = UNTOUCHED;
	int err;

	(void)state;
	fail_alloc_after(0);
	err = mrc_lru_new(&lru);
	fail_alloc_off();
	assert_int_equal(err, -ENOMEM);
	assert_ptr_equal(lru, UNTOUCHED);

	lru = new_lru();
	assert_int_equal(mrc_lru_access(lru, 1, NULL), 0);
	fail_alloc_after(0);
	err = mrc_lru_curve(lru, &curve);
	fail_alloc_off();
	assert_int_equal(err, -ENOMEM);
	assert_ptr_equal(curve, UNTOUCHED);
	mrc_lru_free(lru);
}

/*
 * Every allocation of an access fails once, the access is retried, and the
 * depths stay those of the list throughout.
 */
static void test_access_without_memory(void **state)
{
	uint64_t pages[3000];
	struct lru_list list = { .pages = pages };
	struct mrc_lru *lru = new_lru();
	unsigned int nr_failures = 0;
	uint64_t seed = test_seed();
	uint64_t i;

	(void)state;
	for (i = 0; i < 6000; i++) {
		uint64_t page = test_random(&seed) % (1 + i / 2);
		struct mrc_lru_depth depth = { true, 4711 };
		unsigned int nr_good = 0;
		size_t expected = 0;
		bool is_hit;

		while (true) {
			int err;

			fail_alloc_after(nr_good++);
			err = mrc_lru_access(lru, page, &depth);
			fail_alloc_off();
			if (err == 0)
				break;
			assert_int_equal(err, -ENOMEM);
			assert_true(depth.is_cold);
			assert_int_equal(depth.pages, 4711);
			assert_int_equal(mrc_lru_nr_accesses(lru), i);
			assert_int_equal(mrc_lru_nr_pages(lru), list.nr_pages);
			nr_failures++;
		}
		is_hit = lru_list_access(&list, page, &expected);
		assert_int_equal(depth.is_cold, !is_hit);
		assert_int_equal(depth.pages, expected);
	}
	/* The line, the tree, the table and the depths all grew. */
	assert_true(nr_failures > 8);
	mrc_lru_free(lru);
}

static void test_free_takes_null(void **state)
{
	(void)state;
	mrc_lru_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack_example),
		cmocka_unit_test(test_loop_steps_at_its_length),
		cmocka_unit_test(test_same_as_the_list),
		cmocka_unit_test(test_batches_are_the_same),
		cmocka_unit_test(test_many_pages),
		cmocka_unit_test(test_merge_of_parts_is_the_whole),
		cmocka_unit_test(test_memory_does_not_grow_with_the_trace),
		cmocka_unit_test(test_curve_of_nothing),
		cmocka_unit_test(test_curve_of_cold_accesses_is_flat),
		cmocka_unit_test(test_new_and_curve_without_memory),
		cmocka_unit_test(test_access_without_memory),
		cmocka_unit_test(test_free_takes_null),
	};

	return cmocka_run_group_tests_name("lru", tests, NULL, NULL);
}

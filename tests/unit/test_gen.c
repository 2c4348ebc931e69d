// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/gen.h>

#include "../../libmrc/src/portable_math.h"

#define MAX_BINS 64

/*
 * The value that a chi-square of @nr_free degrees of freedom exceeds with a
 * probability of about 1e-9 (less for a single degree): Wilson, Hilferty, PNAS
 * 17, 1931, at 6 standard deviations of the normal distribution.
 */
static double chi_square_limit(size_t nr_free)
{
	double variance = 2.0 / (9.0 * (double)nr_free);

	return (double)nr_free * pow(1 - variance + 6.0 * sqrt(variance), 3);
}

/* Counts that come from the probabilities, or the test fails. */
static void assert_distributed(const char *what, const uint64_t *counts,
			       const double *probabilities, size_t nr_bins,
			       uint64_t nr_accesses)
{
	size_t nr_used = 0;
	double sum = 0;
	double all = 0;
	size_t i;

	for (i = 0; i < nr_bins; i++) {
		double expected = probabilities[i] * (double)nr_accesses;
		double difference = (double)counts[i] - expected;

		all += probabilities[i];
		/* Too rare for the normal limit: hardly ever there at all. */
		if (expected < 20) {
			assert_true((double)counts[i] <=
				    expected + 10 * sqrt(expected) + 10);
			continue;
		}
		nr_used++;
		sum += difference * difference / expected;
	}
	assert_near(all, 1, 1e-9);
	if (nr_used > 1 && !(sum < chi_square_limit(nr_used - 1)))
		fail_msg("%s: chi-square is %g, %g at most", what, sum,
			 chi_square_limit(nr_used - 1));
}

static struct mrc_gen *new_zipf(uint64_t nr_pages, double alpha, uint64_t seed)
{
	struct mrc_gen *gen = NULL;

	assert_int_equal(mrc_gen_new_zipf(nr_pages, alpha, seed, &gen), 0);
	return gen;
}

static struct mrc_gen *new_loop(uint64_t nr_pages)
{
	struct mrc_gen *gen = NULL;

	assert_int_equal(mrc_gen_new_loop(nr_pages, &gen), 0);
	return gen;
}

static uint64_t next_page(struct mrc_gen *gen)
{
	uint64_t page = UINT64_MAX;

	mrc_gen_next(gen, 1, &page, NULL);
	return page;
}

/* For an even number of degrees the probability has a closed form. */
static void test_limit_is_what_it_says(void **state)
{
	size_t nr_free;

	(void)state;
	for (nr_free = 2; nr_free <= MAX_BINS; nr_free += 2) {
		double half = chi_square_limit(nr_free) / 2;
		double term = exp(-half);
		double sum = 0;
		size_t k;

		for (k = 0; k < nr_free / 2; k++) {
			sum += term;
			term *= half / (double)(k + 1);
		}
		assert_true(sum > 1e-11 && sum < 2e-9);
	}
}

static void test_uniform(void **state)
{
	uint64_t seed = test_seed();
	struct mrc_gen *gen = NULL;
	double probabilities[7];
	uint64_t counts[7] = { 0 };
	uint64_t pages[1000];
	size_t round;
	size_t i;

	(void)state;
	assert_int_equal(mrc_gen_new_uniform(7, seed, &gen), 0);
	for (round = 0; round < 1000; round++) {
		mrc_gen_next(gen, 1000, pages, NULL);
		for (i = 0; i < 1000; i++) {
			assert_true(pages[i] < 7);
			counts[pages[i]]++;
		}
	}
	for (i = 0; i < 7; i++)
		probabilities[i] = 1.0 / 7;
	assert_distributed("uniform", counts, probabilities, 7, 1000000);
	mrc_gen_free(gen);
}

static void test_hot(void **state)
{
	uint64_t seed = test_seed();
	struct mrc_gen *gen = NULL;
	double probabilities[10];
	uint64_t counts[10] = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(mrc_gen_new_hot(10, 2, 0.8, seed, &gen), 0);
	for (i = 0; i < 1000000; i++)
		counts[next_page(gen)]++;
	for (i = 0; i < 10; i++)
		probabilities[i] = i < 2 ? 0.8 / 2 : 0.2 / 8;
	assert_distributed("80-20", counts, probabilities, 10, 1000000);
	mrc_gen_free(gen);

	/* Nothing but hot pages, and none of them. */
	assert_int_equal(mrc_gen_new_hot(10, 3, 1, seed, &gen), 0);
	for (i = 0; i < 1000; i++)
		assert_true(next_page(gen) < 3);
	mrc_gen_free(gen);
	assert_int_equal(mrc_gen_new_hot(10, 3, 0, seed, &gen), 0);
	for (i = 0; i < 1000; i++)
		assert_true(next_page(gen) >= 3);
	mrc_gen_free(gen);
}

/* The first 8 ranks, then [2^k, 2^(k+1)) cut into four. */
static size_t bin_of(uint64_t rank)
{
	unsigned int log2 = 63 - (unsigned int)__builtin_clzll(rank);

	return rank < 8 ? rank - 1 :
			  7 + (log2 - 3) * 4 + ((rank >> (log2 - 2)) & 3);
}

static void test_zipf_is_exact(void **state)
{
	static const struct {
		uint64_t nr_pages;
		double alpha;
	} cases[] = {
		{ 1, 1 },	{ 2, 1 },	    { 10, 0 },
		{ 10, 1 },	{ 100, 0.5 },	    { 1000, 0.99 },
		{ 1000, 1e-9 }, { 1000, 1 - 1e-9 }, { 1000, 1 + 1e-9 },
		{ 5000, 0.8 },	{ 20000, 1.0 },	    { 20000, 1.2 },
		{ 20000, 2 },	{ 20000, 3.7 },	    { 100, 20 },
		{ 9, 64 },	{ 20000, 0 },
	};
	const uint64_t nr_accesses = 1000000;
	uint64_t seed = test_seed();
	size_t n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(cases); n++) {
		double probabilities[MAX_BINS] = { 0 };
		uint64_t counts[MAX_BINS] = { 0 };
		size_t nr_bins = bin_of(cases[n].nr_pages) + 1;
		struct mrc_gen *gen =
			new_zipf(cases[n].nr_pages, cases[n].alpha, seed + n);
		double sum = 0;
		char what[64];
		uint64_t k;

		assert_true(nr_bins <= MAX_BINS);
		for (k = cases[n].nr_pages; k >= 1; k--) {
			double weight = pow((double)k, -cases[n].alpha);

			sum += weight;
			probabilities[bin_of(k)] += weight;
		}
		for (k = 0; k < nr_bins; k++)
			probabilities[k] /= sum;
		for (k = 0; k < nr_accesses; k++) {
			uint64_t page = next_page(gen);

			assert_true(page < cases[n].nr_pages);
			counts[bin_of(page + 1)]++;
		}
		snprintf(what, sizeof(what), "Zipf(%.10g) of %lu pages",
			 cases[n].alpha, (unsigned long)cases[n].nr_pages);
		assert_distributed(what, counts, probabilities, nr_bins,
				   nr_accesses);
		mrc_gen_free(gen);
	}
}

/* The largest ones: neither stuck nor out of range. */
static void test_zipf_of_many_pages(void **state)
{
	uint64_t seed = test_seed();
	double alpha;

	(void)state;
	for (alpha = 0; alpha < 2; alpha += 0.25) {
		struct mrc_gen *gen =
			new_zipf(MRC_GEN_MAX_ZIPF_PAGES, alpha, seed);
		uint64_t nr_in_upper_half = 0;
		size_t i;

		for (i = 0; i < 20000; i++) {
			uint64_t page = next_page(gen);

			assert_true(page < MRC_GEN_MAX_ZIPF_PAGES);
			nr_in_upper_half += page >= MRC_GEN_MAX_ZIPF_PAGES / 2;
		}
		/* 1 - 2^(alpha - 1) below alpha = 1; 6 standard deviations. */
		if (alpha < 1)
			assert_near((double)nr_in_upper_half / 20000,
				    1 - pow(2, alpha - 1), 0.0213);
		mrc_gen_free(gen);
	}
}

static void test_loop_and_scan(void **state)
{
	struct mrc_gen *loop = new_loop(3);
	struct mrc_gen *scan = NULL;
	size_t i;

	(void)state;
	assert_int_equal(mrc_gen_new_scan(&scan), 0);
	for (i = 0; i < 20; i++) {
		assert_int_equal(next_page(loop), i % 3);
		assert_int_equal(next_page(scan), i);
	}
	mrc_gen_free(loop);
	mrc_gen_free(scan);

	loop = new_loop(1);
	assert_int_equal(next_page(loop), 0);
	assert_int_equal(next_page(loop), 0);
	mrc_gen_free(loop);
}

/* Every page once per round, in the same order each round, in no other's. */
static void test_chase_is_one_cycle(void **state)
{
	static const uint64_t sizes[] = { 1, 2, 3, 4, 5, 7, 64, 65, 1000 };
	uint64_t seed = test_seed();
	size_t n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		uint64_t first[1000];
		bool is_seen[1000] = { false };
		struct mrc_gen *gen = NULL;
		uint64_t i;

		assert_int_equal(mrc_gen_new_chase(sizes[n], seed, &gen), 0);
		for (i = 0; i < sizes[n]; i++) {
			first[i] = next_page(gen);
			assert_true(first[i] < sizes[n]);
			assert_false(is_seen[first[i]]);
			is_seen[first[i]] = true;
		}
		for (i = 0; i < 2 * sizes[n]; i++)
			assert_int_equal(next_page(gen), first[i % sizes[n]]);
		mrc_gen_free(gen);
	}
}

/*
 * Where the first page goes, over many seeds, and how far its neighbour ends
 * from it: all as likely.
 */
static void test_scatter_is_random(void **state)
{
	uint64_t seed = test_seed();
	uint64_t counts[2][16] = { { 0 } };
	double probabilities[16];
	double distances[16];
	size_t i;

	(void)state;
	for (i = 0; i < 16; i++) {
		probabilities[i] = 1.0 / 16;
		distances[i] = i == 0 ? 0 : 1.0 / 15;
	}
	for (i = 0; i < 40000; i++) {
		struct mrc_gen *gen = NULL;
		uint64_t page;
		uint64_t next;

		assert_int_equal(mrc_gen_new_scatter(new_loop(16), 16, seed + i,
						     &gen),
				 0);
		page = next_page(gen);
		next = next_page(gen);
		assert_true(page < 16 && next < 16 && next != page);
		counts[0][page]++;
		counts[1][(next - page) & 15]++;
		mrc_gen_free(gen);
	}
	assert_distributed("place", counts[0], probabilities, 16, 40000);
	/* Not a random permutation of few pages, but near enough. */
	for (i = 1; i < 16; i++)
		assert_near((double)counts[1][i] / 40000, distances[i], 0.02);
}

static void test_scatter_leaves_others_alone(void **state)
{
	struct mrc_gen *gen = NULL;
	bool is_seen[10] = { false };
	uint64_t i;

	(void)state;
	assert_int_equal(mrc_gen_new_scatter(new_loop(20), 10, 5, &gen), 0);
	for (i = 0; i < 10; i++) {
		uint64_t page = next_page(gen);

		assert_true(page < 10);
		assert_false(is_seen[page]);
		is_seen[page] = true;
	}
	for (i = 10; i < 20; i++)
		assert_int_equal(next_page(gen), i);
	mrc_gen_free(gen);
}

static int compare_pages(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Distinct over all of the range, and no dense range is left. */
static void test_scatter_over_the_whole_range(void **state)
{
	uint64_t seed = test_seed();
	struct mrc_gen *gen = NULL;
	uint64_t pages[4096];
	uint64_t counts[16] = { 0 };
	double probabilities[16];
	size_t i;

	(void)state;
	assert_int_equal(mrc_gen_new_scatter(new_loop(4096), 0, seed, &gen), 0);
	mrc_gen_next(gen, 4096, pages, NULL);
	qsort(pages, 4096, sizeof(pages[0]), compare_pages);
	for (i = 0; i < 4096; i++) {
		assert_true(i == 0 || pages[i] != pages[i - 1]);
		counts[pages[i] >> 60]++;
	}
	for (i = 0; i < 16; i++)
		probabilities[i] = 1.0 / 16;
	assert_distributed("whole range", counts, probabilities, 16, 4096);
	mrc_gen_free(gen);
}

static void test_phases_by_hand(void **state)
{
	const uint64_t sizes[] = { 2, 3, 1 };
	const uint64_t expected[] = { 0, 1, 0, 1, 0, 1, 2, 0, 1, 2, 0, 0 };
	struct mrc_gen *gen = NULL;
	size_t i;

	(void)state;
	assert_int_equal(mrc_gen_new_phases(sizes, 3, 2, false, 0, &gen), 0);
	for (i = 0; i < 36; i++)
		assert_int_equal(next_page(gen), expected[i % 12]);
	mrc_gen_free(gen);
}

static void test_phases_at_random(void **state)
{
	const uint64_t sizes[] = { 5, 50 };
	uint64_t seed = test_seed();
	struct mrc_gen *gen = NULL;
	uint64_t counts[50] = { 0 };
	double probabilities[50];
	size_t i;

	(void)state;
	assert_int_equal(mrc_gen_new_phases(sizes, 2, 1000, true, seed, &gen),
			 0);
	for (i = 0; i < 5000; i++)
		assert_true(next_page(gen) < 5);
	for (i = 0; i < 50000; i++)
		counts[next_page(gen)]++;
	for (i = 0; i < 50; i++)
		probabilities[i] = 1.0 / 50;
	assert_distributed("random pass", counts, probabilities, 50, 50000);
	for (i = 0; i < 5000; i++)
		assert_true(next_page(gen) < 5);
	mrc_gen_free(gen);
}

static void test_mix(void **state)
{
	uint64_t seed = test_seed();
	struct mrc_gen_part parts[3] = {
		{ .weight = 1, .first_page = 0 },
		{ .weight = 5, .first_page = 100 },
		{ .weight = 2, .first_page = UINT64_MAX },
	};
	const double probabilities[] = { 1.0 / 8, 5.0 / 8, 2.0 / 8 };
	uint64_t counts[3] = { 0 };
	struct mrc_gen *gen = NULL;
	size_t i;

	(void)state;
	parts[0].gen = new_loop(10);
	parts[1].gen = new_loop(3);
	parts[2].gen = new_loop(1);
	assert_int_equal(mrc_gen_new_mix(parts, 3, seed, &gen), 0);
	for (i = 0; i < 100000; i++) {
		uint64_t page = next_page(gen);

		/* Each part goes on by itself. */
		if (page < 10) {
			assert_int_equal(page, counts[0]++ % 10);
		} else if (page == UINT64_MAX) {
			counts[2]++;
		} else {
			assert_int_equal(page, 100 + counts[1]++ % 3);
		}
	}
	assert_distributed("mix", counts, probabilities, 3, 100000);
	mrc_gen_free(gen);
}

/* Two parts and the choice between them are independent at one seed. */
static void test_mix_of_one_seed_is_not_correlated(void **state)
{
	uint64_t seed = test_seed();
	struct mrc_gen_part parts[2] = {
		{ .weight = 1 },
		{ .weight = 1, .first_page = 4 },
	};
	uint64_t counts[64] = { 0 };
	double probabilities[64];
	struct mrc_gen *gen = NULL;
	uint64_t before = 0;
	size_t i;

	(void)state;
	assert_int_equal(mrc_gen_new_uniform(4, seed, &parts[0].gen), 0);
	parts[1].gen = new_zipf(4, 0, seed);
	assert_int_equal(mrc_gen_new_mix(parts, 2, seed, &gen), 0);
	for (i = 0; i < 200000; i++) {
		uint64_t page = next_page(gen);

		counts[before * 8 + page]++;
		before = page;
	}
	for (i = 0; i < 64; i++)
		probabilities[i] = 1.0 / 64;
	assert_distributed("pairs", counts, probabilities, 64, 200000);
	mrc_gen_free(gen);
}

static void test_sequence_by_hand(void **state)
{
	const uint64_t expected[] = { 0,  1,  2, 10, 11, 0,  1, 2,
				      10, 11, 0, 1,  2,	 10, 11 };
	struct mrc_gen_part parts[2] = {
		{ .nr_accesses = 3 },
		{ .nr_accesses = 2, .first_page = 10 },
	};
	struct mrc_gen *gen = NULL;
	uint64_t pages[15];

	(void)state;
	parts[0].gen = new_loop(3);
	parts[1].gen = new_loop(2);
	assert_int_equal(mrc_gen_new_sequence(parts, 2, &gen), 0);
	mrc_gen_next(gen, 15, pages, NULL);
	assert_memory_equal(pages, expected, sizeof(expected));
	mrc_gen_free(gen);

	/* A part goes on where it was. */
	parts[0].gen = new_loop(100);
	parts[1].gen = new_loop(100);
	assert_int_equal(mrc_gen_new_sequence(parts, 2, &gen), 0);
	mrc_gen_next(gen, 10, pages, NULL);
	assert_int_equal(pages[5], 3);
	assert_int_equal(pages[8], 12);
	mrc_gen_free(gen);
}

/* One of each kind, nested, with writes. */
static struct mrc_gen *new_everything(uint64_t seed)
{
	const uint64_t sizes[] = { 3, 40, 7 };
	struct mrc_gen_part turns[3] = {
		{ .nr_accesses = 11 },
		{ .nr_accesses = 301, .first_page = 7 },
		{ .nr_accesses = 77 },
	};
	struct mrc_gen_part parts[3] = {
		{ .weight = 0.5 },
		{ .weight = 0.25 },
		{ .weight = 0.25 },
	};
	struct mrc_gen *gen = NULL;

	assert_int_equal(
		mrc_gen_new_phases(sizes, 3, 2, true, seed, &parts[0].gen), 0);
	assert_int_equal(mrc_gen_new_chase(50, seed, &parts[1].gen), 0);
	assert_int_equal(mrc_gen_new_hot(50, 5, 0.9, seed, &parts[2].gen), 0);
	assert_int_equal(mrc_gen_new_mix(parts, 3, seed, &turns[0].gen), 0);
	turns[1].gen = new_zipf(1000, 1, seed);
	assert_int_equal(mrc_gen_new_scan(&turns[2].gen), 0);
	assert_int_equal(mrc_gen_new_sequence(turns, 3, &gen), 0);
	assert_int_equal(mrc_gen_new_scatter(gen, 1000, seed, &gen), 0);
	assert_int_equal(mrc_gen_set_writes(gen, 0.3, seed), 0);
	return gen;
}

static void test_calls_may_be_cut_anywhere(void **state)
{
	uint64_t seed = test_seed();
	struct mrc_gen *whole = new_everything(seed);
	struct mrc_gen *cut = new_everything(seed);
	static uint64_t pages[2][5000];
	static bool is_write[2][5000];
	size_t i = 0;

	(void)state;
	mrc_gen_next(whole, 5000, pages[0], is_write[0]);
	while (i < 5000) {
		size_t nr = test_random(&seed) % 700;

		nr = nr < 5000 - i ? nr : 5000 - i;
		mrc_gen_next(cut, nr, &pages[1][i], &is_write[1][i]);
		i += nr;
	}
	assert_memory_equal(pages[0], pages[1], sizeof(pages[0]));
	assert_memory_equal(is_write[0], is_write[1], sizeof(is_write[0]));
	mrc_gen_free(whole);
	mrc_gen_free(cut);
}

static void test_writes(void **state)
{
	const double probabilities[] = { 0.7, 0.3 };
	uint64_t seed = test_seed();
	struct mrc_gen *gen = new_everything(seed);
	struct mrc_gen *none = new_everything(seed);
	static uint64_t pages[2][100000];
	static bool is_write[2][100000];
	uint64_t counts[2] = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(mrc_gen_set_writes(none, 0, seed), 0);
	mrc_gen_next(gen, 50000, pages[0], is_write[0]);
	mrc_gen_next(gen, 50000, &pages[0][50000], &is_write[0][50000]);
	mrc_gen_next(none, 100000, pages[1], is_write[1]);
	/* The pages do not depend on it. */
	assert_memory_equal(pages[0], pages[1], sizeof(pages[0]));
	for (i = 0; i < 100000; i++) {
		counts[is_write[0][i]]++;
		assert_false(is_write[1][i]);
	}
	assert_distributed("writes", counts, probabilities, 2, 100000);
	mrc_gen_free(gen);
	mrc_gen_free(none);

	/* Unasked for, they are drawn all the same. */
	gen = new_everything(seed);
	mrc_gen_next(gen, 50000, pages[1], NULL);
	mrc_gen_next(gen, 50000, pages[1], is_write[1]);
	assert_memory_equal(is_write[1], &is_write[0][50000], 50000);
	assert_int_equal(mrc_gen_set_writes(gen, 1, seed), 0);
	mrc_gen_next(gen, 1000, pages[0], is_write[0]);
	for (i = 0; i < 1000; i++)
		assert_true(is_write[0][i]);
	mrc_gen_free(gen);
}

static void assert_begins_with(struct mrc_gen *gen, const uint64_t *pages,
			       size_t nr_pages)
{
	size_t i;

	for (i = 0; i < nr_pages; i++)
		assert_true(next_page(gen) == pages[i]);
	mrc_gen_free(gen);
}

/*
 * Computed by a program of its own in Python: whole numbers, and for Zipf
 * decimal arithmetic with 40 digits.
 */
static void test_a_seed_means_the_same_everywhere(void **state)
{
	static const uint64_t uniform[] = { 288890, 769270, 883039,
					    927904, 322179, 940880 };
	static const uint64_t zipf1[] = {
		118,	933281, 0, 6,	 27888, 47704,
		201244, 5173,	8, 3163, 5083,	14049
	};
	static const uint64_t zipf08[] = { 11271,  977582, 1,	   495,
					   262787, 328974, 574110, 120633,
					   812,	   93735,  119573, 194208 };
	static const uint64_t chase[] = {
		526, 571, 709, 664, 658, 244, 716, 821
	};
	static const uint64_t scatter[] = { UINT64_C(14468756805604056491),
					    UINT64_C(3347187506234247366),
					    UINT64_C(3718798896313979815),
					    UINT64_C(12546812903652130415) };
	struct mrc_gen *gen = NULL;

	(void)state;
	assert_int_equal(mrc_gen_new_uniform(1000003, 42, &gen), 0);
	assert_begins_with(gen, uniform, ARRAY_SIZE(uniform));
	assert_begins_with(new_zipf(1000000, 1, 42), zipf1, ARRAY_SIZE(zipf1));
	assert_begins_with(new_zipf(1000000, 0.8, 42), zipf08,
			   ARRAY_SIZE(zipf08));
	assert_int_equal(mrc_gen_new_chase(1000, 42, &gen), 0);
	assert_begins_with(gen, chase, ARRAY_SIZE(chase));
	assert_int_equal(mrc_gen_new_scatter(new_loop(9), 0, 42, &gen), 0);
	assert_begins_with(gen, scatter, ARRAY_SIZE(scatter));
}

static void test_arguments_out_of_range(void **state)
{
	const uint64_t sizes[] = { 4, UINT64_MAX / 2 };
	const uint64_t zero[] = { 4, 0 };
	struct mrc_gen_part part = { .gen = new_loop(1), .weight = 1 };
	struct mrc_gen *gen = UNTOUCHED;

	(void)state;
	assert_int_equal(mrc_gen_new_uniform(0, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_loop(0, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_chase(0, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_zipf(0, 1, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_zipf(MRC_GEN_MAX_ZIPF_PAGES + 1, 1, 1,
					  &gen),
			 -EINVAL);
	assert_int_equal(mrc_gen_new_zipf(10, -0.1, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_zipf(10, 64.1, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_zipf(10, NAN, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_hot(10, 0, 0.5, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_hot(10, 10, 0.5, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_hot(10, 5, -0.5, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_hot(10, 5, 1.5, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_hot(10, 5, NAN, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_phases(sizes, 0, 1, false, 1, &gen),
			 -EINVAL);
	assert_int_equal(mrc_gen_new_phases(sizes, 2, 0, false, 1, &gen),
			 -EINVAL);
	assert_int_equal(mrc_gen_new_phases(zero, 2, 1, false, 1, &gen),
			 -EINVAL);
	assert_int_equal(mrc_gen_new_phases(sizes, 2, 3, false, 1, &gen),
			 -EOVERFLOW);
	assert_int_equal(mrc_gen_new_phases(sizes, MRC_GEN_MAX_PARTS + 1, 1,
					    false, 1, &gen),
			 -EINVAL);
	assert_int_equal(mrc_gen_new_mix(&part, 0, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_mix(&part, MRC_GEN_MAX_PARTS + 1, 1, &gen),
			 -EINVAL);
	part.weight = 0;
	assert_int_equal(mrc_gen_new_mix(&part, 1, 1, &gen), -EINVAL);
	part.weight = NAN;
	assert_int_equal(mrc_gen_new_mix(&part, 1, 1, &gen), -EINVAL);
	part.weight = INFINITY;
	assert_int_equal(mrc_gen_new_mix(&part, 1, 1, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_sequence(&part, 1, &gen), -EINVAL);
	part.nr_accesses = 1;
	assert_int_equal(mrc_gen_new_sequence(&part, 0, &gen), -EINVAL);
	assert_int_equal(mrc_gen_new_sequence(&part, MRC_GEN_MAX_PARTS + 1,
					      &gen),
			 -EINVAL);
	assert_int_equal(mrc_gen_set_writes(part.gen, -0.1, 1), -EINVAL);
	assert_int_equal(mrc_gen_set_writes(part.gen, 1.1, 1), -EINVAL);
	assert_int_equal(mrc_gen_set_writes(part.gen, NAN, 1), -EINVAL);
	assert_ptr_equal(gen, UNTOUCHED);
	mrc_gen_free(part.gen);
	mrc_gen_free(NULL);
}

static void test_without_memory(void **state)
{
	const uint64_t sizes[] = { 4, 5 };
	struct mrc_gen_part part = { .gen = new_loop(1),
				     .weight = 1,
				     .nr_accesses = 1 };
	struct mrc_gen *gen = UNTOUCHED;
	unsigned int nr_good;
	int errs[9];
	size_t i;

	(void)state;
	fail_alloc_after(0);
	errs[0] = mrc_gen_new_uniform(1, 1, &gen);
	errs[1] = mrc_gen_new_hot(2, 1, 0.5, 1, &gen);
	errs[2] = mrc_gen_new_zipf(1, 1, 1, &gen);
	errs[3] = mrc_gen_new_loop(1, &gen);
	errs[4] = mrc_gen_new_scan(&gen);
	errs[5] = mrc_gen_new_chase(1, 1, &gen);
	errs[6] = mrc_gen_new_mix(&part, 1, 1, &gen);
	errs[7] = mrc_gen_new_sequence(&part, 1, &gen);
	errs[8] = mrc_gen_new_scatter(part.gen, 1, 1, &gen);
	fail_alloc_off();
	for (i = 0; i < 9; i++)
		assert_int_equal(errs[i], -ENOMEM);
	for (nr_good = 0; nr_good < 3; nr_good++) {
		fail_alloc_after(nr_good);
		errs[0] = mrc_gen_new_phases(sizes, 2, 1, false, 1, &gen);
		fail_alloc_off();
		assert_int_equal(errs[0], -ENOMEM);
	}
	assert_ptr_equal(gen, UNTOUCHED);
	mrc_gen_free(part.gen);
}

/* Units in the last place of a double between the two. */
static double ulps(double actual, long double expected)
{
	double ulp = nextafter(fabs((double)expected), INFINITY) -
		     fabs((double)expected);

	return (double)(fabsl((long double)actual - expected) / ulp);
}

static void test_portable_functions_are_exact_enough(void **state)
{
	uint64_t seed = test_seed();
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		double unit = (double)(test_random(&seed) >> 11) * 0x1p-53;
		double x = exp(unit * 100 - 50);
		double y = unit * 1400 - 700;
		double near0 = (unit - 0.5) * exp2(-(i % 50));

		assert_true(ulps(mrc_log(x), logl(x)) <= 8 ||
			    fabs(x - 1) < 1e-6);
		assert_true(ulps(mrc_exp(y), expl(y)) <= 8);
		if (near0 == 0)
			continue;
		assert_true(ulps(mrc_expm1_ratio(near0),
				 expm1l(near0) / near0) <= 8);
		assert_true(ulps(mrc_log1p_ratio(near0),
				 log1pl(near0) / near0) <= 8);
	}
	assert_near(mrc_log(1), 0, 0);
	assert_near(mrc_exp(0), 1, 0);
	assert_near(mrc_exp(-709), 0, 0);
	assert_near(mrc_expm1_ratio(0), 1, 0);
	assert_near(mrc_log1p_ratio(0), 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit_is_what_it_says),
		cmocka_unit_test(test_uniform),
		cmocka_unit_test(test_hot),
		cmocka_unit_test(test_zipf_is_exact),
		cmocka_unit_test(test_zipf_of_many_pages),
		cmocka_unit_test(test_loop_and_scan),
		cmocka_unit_test(test_chase_is_one_cycle),
		cmocka_unit_test(test_scatter_is_random),
		cmocka_unit_test(test_scatter_leaves_others_alone),
		cmocka_unit_test(test_scatter_over_the_whole_range),
		cmocka_unit_test(test_phases_by_hand),
		cmocka_unit_test(test_phases_at_random),
		cmocka_unit_test(test_mix),
		cmocka_unit_test(test_mix_of_one_seed_is_not_correlated),
		cmocka_unit_test(test_sequence_by_hand),
		cmocka_unit_test(test_calls_may_be_cut_anywhere),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_a_seed_means_the_same_everywhere),
		cmocka_unit_test(test_arguments_out_of_range),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_portable_functions_are_exact_enough),
	};

	return cmocka_run_group_tests_name("gen", tests, NULL, NULL);
}

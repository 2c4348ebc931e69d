// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Confidence bands hold: over 200 seeded samples of one in 256 of a trace, the
 * exact LRU curve is inside the 95 % band at 90 % of 100 sizes and more; and they
 * say something: their mean width is bounded.
 *
 * The seeds are fixed: the result is the same in every run.
 */
/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include <mrc/aet.h>
#include <mrc/lru.h>

#include "traces.h"

#define NR_ACCESSES 2000000
#define NR_SIZES 100
#define NR_SEEDS 200
#define INVERSE_RATE 256
#define LEVEL 0.95

/* The traces have a tenth of the pages, so that pages are accessed again. */
#define DIVISOR 10

struct row {
	char trace;
	enum mrc_reuse_sampling sampling;
	double min_inside;
	double max_width;
};

/*
 * A sample of 1 in 256 pages has less than one of the 256 hottest, which in a and d
 * have much of the accesses. What is not in it shows by being missing only: without
 * the lower end reaching to the plain estimate, these two are below 90 %.
 */
static const struct row rows[] = {
	{ 'a', MRC_REUSE_REFERENCES, 0.9, 0.03 },
	{ 'b', MRC_REUSE_REFERENCES, 0.9, 0.005 },
	{ 'c', MRC_REUSE_REFERENCES, 0.9, 0.04 },
	{ 'd', MRC_REUSE_REFERENCES, 0.9, 0.04 },
	{ 'a', MRC_REUSE_PAGES, 0.9, 0.25 },
	{ 'b', MRC_REUSE_PAGES, 0.9, 0.0065 },
	{ 'c', MRC_REUSE_PAGES, 0.9, 0.045 },
	{ 'd', MRC_REUSE_PAGES, 0.9, 0.18 },
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

static struct mrc_curve *exact_curve(const struct trace *trace)
{
	struct mrc_curve *curve = NULL;
	struct mrc_lru *lru = NULL;

	assert_int_equal(mrc_lru_new(&lru), 0);
	assert_int_equal(mrc_lru_access_n(lru, trace->pages, trace->nr_accesses,
					  NULL),
			 0);
	assert_int_equal(mrc_lru_curve(lru, &curve), 0);
	mrc_lru_free(lru);
	return curve;
}

struct tally {
	unsigned int nr_inside[NR_SIZES];
	double width; /* sum */
};

static void add_run(const struct trace *trace, const struct mrc_curve *exact,
		    enum mrc_reuse_sampling sampling, uint64_t seed,
		    struct tally *tally)
{
	const struct mrc_reuse_options options = {
		.sub_bucket_bits = 7,
		.sampling = sampling,
		.inverse_rate = INVERSE_RATE,
		.seed = seed,
	};
	struct mrc_reuse *reuse = NULL;
	struct mrc_curve *high = NULL;
	struct mrc_curve *low = NULL;
	int i;

	assert_int_equal(mrc_reuse_new_with(&options, &reuse), 0);
	assert_int_equal(
		mrc_reuse_access_n(reuse, trace->pages, trace->nr_accesses), 0);
	assert_int_equal(mrc_reuse_band(reuse, LEVEL, &low, &high), 0);
	for (i = 0; i < NR_SIZES; i++) {
		double size = (i + 0.5) / NR_SIZES * mrc_curve_max_pages(exact);
		double ratio = mrc_curve_at(exact, size);
		double from = mrc_curve_at(low, size);
		double to = mrc_curve_at(high, size);

		tally->nr_inside[i] += ratio >= from && ratio <= to;
		tally->width += to - from;
	}
	mrc_curve_free(low);
	mrc_curve_free(high);
	mrc_reuse_free(reuse);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct trace trace = trace_new(row->trace, NR_ACCESSES, DIVISOR);
	struct mrc_curve *exact = exact_curve(&trace);
	struct tally tally = { 0 };
	unsigned int least = NR_SEEDS;
	unsigned int sum = 0;
	uint64_t seed;
	double inside;
	double width;
	int i;

	for (seed = 1; seed <= NR_SEEDS; seed++)
		add_run(&trace, exact, row->sampling, seed, &tally);
	for (i = 0; i < NR_SIZES; i++) {
		sum += tally.nr_inside[i];
		if (tally.nr_inside[i] < least)
			least = tally.nr_inside[i];
	}
	inside = (double)sum / (NR_SEEDS * NR_SIZES);
	width = tally.width / (NR_SEEDS * NR_SIZES);
	print_message("%c, %s: inside at %.1f %% of the sizes, at the worst "
		      "one in %.1f %% of the runs, mean width %.4f\n",
		      row->trace,
		      row->sampling == MRC_REUSE_PAGES ? "pages" : "references",
		      100 * inside, 100.0 * least / NR_SEEDS, width);
	assert_true(inside >= row->min_inside);
	assert_true(width <= row->max_width);
	mrc_curve_free(exact);
	trace_free(&trace);
}

int main(void)
{
	struct CMUnitTest tests[NR_ROWS];
	size_t r;

	for (r = 0; r < NR_ROWS; r++)
		tests[r] = (struct CMUnitTest){
			.name = "band",
			.test_func = test_row,
			.initial_state = (void *)(uintptr_t)&rows[r],
		};
	return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}

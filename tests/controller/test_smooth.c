// SPDX-License-Identifier: GPL-2.0-or-later
/* Curves of windows, and idle ages, over time. */
#include "ctl_test.h"

#include <math.h>

#include <mrc/hist.h>

#include "daemon/ages.h"
#include "daemon/smooth.h"

static struct mrc_curve *must_curve(const double *sizes, const double *ratios,
				    size_t nr_points)
{
	struct mrc_curve *curve = NULL;

	assert_int_equal(mrc_curve_new(sizes, ratios, nr_points, &curve), 0);
	return curve;
}

/* A guest that goes round in @pages; its curve is off by up to @error. */
static struct window loop_window(double end_s, double pages, uint64_t accesses,
				 double error)
{
	const double sizes[] = { 0, pages - 1, pages };
	struct window window = {
		.start_ns = (uint64_t)((end_s - 5) * 1e9),
		.end_ns = (uint64_t)(end_s * 1e9),
		.accesses = accesses,
		.scale = 100,
		.distinct_pages = pages,
	};

	if (!accesses)
		return window;
	window.curve = must_curve(sizes, (double[]){ 1, 1, 0 }, 3);
	window.lower = must_curve(sizes, (double[]){ 1, 1 - error, 0 }, 3);
	window.upper = must_curve(sizes, (double[]){ 1, 1, error }, 3);
	return window;
}

static void add(struct smooth *smooth, struct window window, double half_life_s)
{
	assert_int_equal(smooth_add(smooth, &window, half_life_s), 0);
	window_done(&window);
}

static void test_one_window(void **state)
{
	struct smooth smooth = { 0 };
	uint64_t bytes = 1;

	(void)state;
	assert_int_equal(smooth_wss(&smooth, 0.05, &bytes), VM_WSS_UNKNOWN);
	assert_int_equal(bytes, 0);
	assert_near(smooth_accesses_per_s(&smooth), 0, 0);
	add(&smooth, loop_window(100, 10000, 5000, 0.1), 20);
	assert_int_equal(smooth_wss(&smooth, 0.05, &bytes), VM_WSS_KNOWN);
	assert_near((double)bytes / 4096, 10000, 160);
	assert_near(smooth_accesses_per_s(&smooth), 5000 * 100 / 5.0, 1e-6);
	assert_near(mrc_curve_at(smooth.upper, 20000), 0.1, 1e-6);
	/* Flat stretches have no points. */
	assert_true(mrc_curve_nr_points(smooth.curve) < 10);
	smooth_done(&smooth);
	assert_null(smooth.curve);
}

/* Misses per second are those of all windows, each faded by its age. */
static void test_misses_add_up(void **state)
{
	struct smooth smooth = { 0 };
	double misses;

	(void)state;
	add(&smooth, loop_window(5, 1000, 3000, 0), 5);
	add(&smooth, loop_window(10, 4000, 1000, 0), 5);
	/* Half of the first one's, as it is one half-life old. */
	misses = mrc_curve_misses_per_s(smooth.curve, 2000,
					smooth_accesses_per_s(&smooth));
	assert_near(misses, 1000 * 100 / (2.5 + 5), 1);
	misses = mrc_curve_misses_per_s(smooth.curve, 500,
					smooth_accesses_per_s(&smooth));
	assert_near(misses, (1500 + 1000) * 100 / (2.5 + 5), 1);
	/* An idle window: as many misses, over more time. */
	add(&smooth, loop_window(15, 0, 0, 0), 5);
	misses = mrc_curve_misses_per_s(smooth.curve, 500,
					smooth_accesses_per_s(&smooth));
	assert_near(misses, (750 + 500) * 100 / (1.25 + 2.5 + 5), 1);
	/* Without a half-life only the last one counts. */
	add(&smooth, loop_window(20, 300, 10, 0), 0);
	/* As exactly as the common grid is fine. */
	assert_near(mrc_curve_at(smooth.curve, 300 - 300 / 64.0), 1, 1e-9);
	assert_near(mrc_curve_at(smooth.curve, 300), 0, 1e-9);
	assert_near(smooth_accesses_per_s(&smooth), 10 * 100 / 5.0, 1e-9);
	smooth_done(&smooth);
}

/* More windows of the same pages do not make a band narrower. */
static void test_band_stays_honest(void **state)
{
	struct smooth smooth = { 0 };
	unsigned int i;
	double size;

	(void)state;
	for (i = 1; i <= 50; i++)
		add(&smooth, loop_window(5 * i, 900 + 10 * i, 1000, 0.2), 20);
	for (size = 0; size < 3000; size += 7) {
		double lower = mrc_curve_at(smooth.lower, size);
		double curve = mrc_curve_at(smooth.curve, size);
		double upper = mrc_curve_at(smooth.upper, size);

		assert_true(lower <= curve + 1e-5);
		assert_true(curve <= upper + 1e-5);
	}
	assert_near(mrc_curve_at(smooth.upper, 2000), 0.2, 1e-5);
	assert_true(mrc_curve_nr_points(smooth.curve) < 1000);
	smooth_done(&smooth);
}

static void test_above(void **state)
{
	const double sizes[] = { 0, 100 }, ratios[] = { 1, 0.5 };
	struct window window = loop_window(5, 5000, 1000, 0);
	struct smooth smooth = { 0 };
	uint64_t bytes;

	(void)state;
	mrc_curve_free(window.curve);
	window.curve = must_curve(sizes, ratios, 2);
	add(&smooth, window, 20);
	assert_int_equal(smooth_wss(&smooth, 0.05, &bytes), VM_WSS_ABOVE);
	assert_int_equal(bytes, 5000 * 4096);
	smooth_done(&smooth);
}

#define BITS 5
#define NR_BUCKETS 1024

static void update(struct ages *ages, uint64_t generation, double start_s,
		   double now_s, uint64_t accesses, uint64_t nr_open,
		   uint64_t age)
{
	uint64_t open[NR_BUCKETS] = { 0 };
	struct sample sample = {
		.generation = generation,
		.start_ns = (uint64_t)(start_s * 1e9),
		.time_ns = (uint64_t)(now_s * 1e9),
		.accesses = accesses,
		.mapped_pages = 1000,
		.idle_sub_bucket_bits = BITS,
		.nr_idle_buckets = NR_BUCKETS,
		.open = open,
	};

	open[mrc_bucket_index(BITS, age)] = nr_open;
	ages_update(ages, &sample, 10);
}

#define PAGES(ages, class) ((ages).bytes[class] / 4096 / 10)

static void test_ages(void **state)
{
	struct ages ages = { 0 };
	unsigned int i;

	(void)state;
	/* 100 accesses per second; 200 pages, idle for 500 of them. */
	update(&ages, 1, 1000, 1010, 1000, 200, 500);
	assert_int_equal(PAGES(ages, 2), 200);
	/* The others for as long as anybody has looked. */
	assert_int_equal(PAGES(ages, 3), 800);
	/* For ten minutes nothing is accessed: all of it is older. */
	for (i = 1; i <= 120; i++)
		update(&ages, 1, 1000, 1010 + 5 * i, 1000, 200, 500);
	assert_int_equal(PAGES(ages, 9), 1000);
	/* Just now. */
	update(&ages, 1, 1000, 1615, 1500, 200, 0);
	assert_int_equal(PAGES(ages, 0), 200);
	assert_int_equal(PAGES(ages, 9), 800);
	/* Another generation knows of none: they are the oldest. */
	update(&ages, 2, 1616, 1620, 400, 300, 0);
	assert_int_equal(PAGES(ages, 0), 300);
	assert_int_equal(PAGES(ages, 9), 700);
	update(&ages, 2, 1616, 2620, 800, 300, 0);
	assert_int_equal(PAGES(ages, 0), 300);
	/* 512 s and 1005 since. */
	assert_int_equal(PAGES(ages, 10), 700);
	/* Another session, with the same number. */
	update(&ages, 2, 2630, 2631, 10, 0, 0);
	assert_int_equal(PAGES(ages, 3) + PAGES(ages, 2), 300);
	assert_int_equal(PAGES(ages, 10), 700);
}

/* A week of samples: marks stay few, and old ages right. */
static void test_ages_of_long(void **state)
{
	struct ages ages = { 0 };
	uint64_t i;

	(void)state;
	for (i = 1; i <= 120000; i++)
		update(&ages, 1, 5, (double)(5 + 5 * i), 100 * i, 400,
		       i > 2000 ? 20 * 2000 : 0);
	assert_true(ages.nr_marks <= AGES_NR_MARKS);
	/* 40 000 accesses ago, which is 2000 s. */
	assert_int_equal(PAGES(ages, 10), 400);
	assert_int_equal(PAGES(ages, VIEW_NR_AGES - 1), 600);
}

static void test_ages_of_nothing(void **state)
{
	struct ages ages = { 0 };
	struct sample sample = { .mapped_pages = 7, .time_ns = 5 };
	size_t i;

	(void)state;
	/* A source that does not tell. */
	ages_update(&ages, &sample, NAN);
	for (i = 0; i < VIEW_NR_AGES; i++)
		assert_int_equal(ages.bytes[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_window),
		cmocka_unit_test(test_misses_add_up),
		cmocka_unit_test(test_band_stays_honest),
		cmocka_unit_test(test_above),
		cmocka_unit_test(test_ages),
		cmocka_unit_test(test_ages_of_long),
		cmocka_unit_test(test_ages_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

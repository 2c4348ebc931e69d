// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <errno.h>

#include "window.h"

#define BITS 2
#define NR_BUCKETS 24

/* Samples over static buckets: sample_done() must not see them. */
static struct sample make_sample(uint64_t time_s, uint64_t *buckets)
{
	return (struct sample){
		.time_ns = time_s * UINT64_C(1000000000),
		.state = KVM_AET_TRACKING,
		.inverse_rate = 1,
		.hot_pages = 64,
		.hot_used = 64,
		.salt = 1,
		.sub_bucket_bits = BITS,
		.nr_buckets = NR_BUCKETS,
		.buckets = buckets,
	};
}

/* Two passes over 4 pages: 4 cold accesses, 4 of reuse time 4. */
static void test_loop(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { [4] = 96 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(3, after);
	struct window window;

	(void)state;
	to.accesses = 100;
	to.cold_accesses = 4;
	to.traps = 90;
	to.window_pages = 4;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_KNOWN);
	assert_int_equal(window.wss_pages, 4);
	assert_int_equal(window.accesses, 100);
	assert_int_equal(window.cold_accesses, 4);
	assert_near(window_cold_share(&window), 0.04, 1e-12);
	assert_near(window_seconds(&window), 2, 1e-12);
	assert_near(window_trap_rate(&window), 45, 1e-9);
	assert_near(window.scale, 1, 0);
	assert_near(window.distinct_pages, 4, 0);
	assert_near(window_miss_ratio_at(&window, 0), 1, 0);
	assert_near(window_miss_ratio_at(&window, 3), 1, 1e-12);
	assert_near(window_miss_ratio_at(&window, 4), 0.04, 1e-12);
	assert_near(window_miss_ratio_at(&window, 1e9), 0.04, 1e-12);
	window_done(&window);
	assert_null(window.curve);
}

/* What an earlier window saw does not count again. */
static void test_difference(void **state)
{
	uint64_t before[NR_BUCKETS] = { [2] = 1000, [4] = 50 };
	uint64_t after[NR_BUCKETS] = { [2] = 1000, [4] = 150 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	from.accesses = 1060;
	from.cold_accesses = 10;
	to.accesses = 1160;
	to.cold_accesses = 10;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.accesses, 100);
	assert_int_equal(window.cold_accesses, 0);
	assert_int_equal(window.wss_pages, 4);
	window_done(&window);
}

/* Another rate: what the old generation counted is not subtracted. */
static void test_generation_begins_anew(void **state)
{
	uint64_t before[NR_BUCKETS] = { [2] = 1000 };
	uint64_t after[NR_BUCKETS] = { [4] = 96 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(5, after);
	struct window window;

	(void)state;
	from.generation = 1;
	from.inverse_rate = 128;
	from.accesses = 1010;
	from.cold_accesses = 10;
	to.generation = 2;
	to.start_ns = UINT64_C(3000000000);
	to.accesses = 100;
	to.cold_accesses = 4;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.accesses, 100);
	assert_int_equal(window.cold_accesses, 4);
	assert_int_equal(window.inverse_rate, 1);
	assert_near(window_seconds(&window), 2, 1e-12);
	assert_int_equal(window.wss_pages, 4);
	window_done(&window);
}

static void test_counted_share_before_nominal(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { [4] = 100 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	from.inverse_rate = 128;
	to.inverse_rate = 128;
	to.accesses = 100;
	to.window_pages = 4;
	to.range_pages = 1000;
	to.sampled_pages = 10;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_near(window.scale, 100, 0);
	/* From 1 at 300 to 0 at 400 pages, so 5 % at 395. */
	assert_near((double)window.wss_pages, 395.5, 0.5);
	assert_near(window.distinct_pages, 400, 0);
	window_done(&window);
	/* Not known, or not possible: the nominal one. */
	to.sampled_pages = 0;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_near(window.scale, 128, 0);
	/* Likewise between 384 and 512. */
	assert_int_equal(window.wss_pages, 506);
	window_done(&window);
	to.sampled_pages = 10;
	to.range_pages = 0;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_near(window.scale, 128, 0);
	window_done(&window);
	to.range_pages = 5;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_near(window.scale, 128, 0);
	window_done(&window);
}

static void test_no_access(void **state)
{
	uint64_t before[NR_BUCKETS] = { [3] = 7 };
	uint64_t after[NR_BUCKETS] = { [3] = 7 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	from.accesses = 7;
	to.accesses = 7;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_NO_ACCESS);
	assert_null(window.curve);
	assert_near(window_cold_share(&window), 0, 0);
	assert_near(window_miss_ratio_at(&window, 1e9), 1, 0);
	assert_true(window_extent_pages(&window) > 0);
	assert_true(window_is_starved(&window));
	window_done(&window);
}

static void test_cold_only(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { 0 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	to.accesses = 500;
	to.cold_accesses = 500;
	to.window_pages = 500;
	to.range_pages = 2000;
	to.sampled_pages = 1000;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_ABOVE);
	/* No more is claimed than was touched: 500 sampled pages, 2 each. */
	assert_int_equal(window.wss_pages, 1000);
	assert_near(window_cold_share(&window), 1, 0);
	assert_near(window_miss_ratio_at(&window, 1e9), 1, 0);
	assert_near(window_extent_pages(&window), 1000, 0);
	assert_false(window_is_starved(&window));
	window_done(&window);
}

/* 6 % cold: no memory gets below that. */
static void test_never_that_low(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { [4] = 94 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	to.accesses = 100;
	to.cold_accesses = 6;
	to.window_pages = 2;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_ABOVE);
	assert_int_equal(window.wss_pages, 4);
	window_done(&window);
	assert_int_equal(window_init(&from, &to, 0.06, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_KNOWN);
	assert_int_equal(window.wss_pages, 4);
	window_done(&window);
}

static void test_refuses_contradictions(void **state)
{
	uint64_t before[NR_BUCKETS] = { [4] = 10, [5] = 10 };
	uint64_t after[NR_BUCKETS] = { [4] = 20, [5] = 20 };
	const struct sample from = make_sample(1, before);
	struct sample good_from = from, good_to = make_sample(2, after);
	struct window window = { .accesses = 0x5a };
	struct sample bad;

	(void)state;
	good_from.accesses = 22;
	good_from.cold_accesses = 2;
	good_from.traps = 5;
	good_from.first_touches = 5;
	good_from.lost_records = 5;
	good_to.accesses = 43;
	good_to.cold_accesses = 3;
	good_to.traps = 5;
	good_to.first_touches = 5;
	good_to.lost_records = 5;
	assert_int_equal(window_init(&good_from, &good_to, 0.05, &window), 0);
	window_done(&window);
	window.accesses = 0x5a;

#define REFUSES(field, value, err)                                             \
	do {                                                                   \
		bad = good_to;                                                 \
		bad.field = (value);                                           \
		assert_int_equal(window_init(&good_from, &bad, 0.05, &window), \
				 err);                                         \
		assert_int_equal(window.accesses, 0x5a);                       \
	} while (0)
	/* Backwards. */
	REFUSES(time_ns, good_from.time_ns - 1, -EBADMSG);
	REFUSES(accesses, 21, -EBADMSG);
	REFUSES(cold_accesses, 1, -EBADMSG);
	REFUSES(traps, 4, -EBADMSG);
	REFUSES(first_touches, 4, -EBADMSG);
	REFUSES(lost_records, 4, -EBADMSG);
	REFUSES(nr_buckets, NR_BUCKETS - 1, -EBADMSG);
	/* The sum does not hold. */
	REFUSES(accesses, 44, -EBADMSG);
	REFUSES(cold_accesses, 4, -EBADMSG);
	/* Another session. */
	REFUSES(inverse_rate, 2, -EINVAL);
	REFUSES(inverse_rate, 0, -EINVAL);
	REFUSES(salt, 2, -EINVAL);
	REFUSES(sub_bucket_bits, 3, -EINVAL);
	after[4] = 9;
	after[5] = 31;
	assert_int_equal(window_init(&good_from, &good_to, 0.05, &window),
			 -EBADMSG);
	/* Reuse time 0 does not exist. */
	after[4] = 10;
	after[5] = 29;
	after[0] = 1;
	assert_int_equal(window_init(&good_from, &good_to, 0.05, &window),
			 -EBADMSG);
	after[0] = 0;
	after[5] = 30;
	assert_int_equal(window_init(&good_from, &good_to, 0.05, &window), 0);
	window_done(&window);
	assert_int_equal(window_init(&good_from, &good_to, -0.1, &window),
			 -EINVAL);
	assert_int_equal(window_init(&good_from, &good_to, 1.1, &window),
			 -EINVAL);
	/* A layout that there is not. */
	good_from.sub_bucket_bits = 40;
	good_to.sub_bucket_bits = 40;
	assert_int_equal(window_init(&good_from, &good_to, 0.05, &window),
			 -EBADMSG);
}

/* Wrapped sums must not pass for small ones. */
static void test_huge_counters(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 };
	uint64_t after[NR_BUCKETS] = { [4] = UINT64_MAX, [5] = 2 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	to.accesses = 1;
	assert_int_equal(window_init(&from, &to, 0.05, &window), -EBADMSG);
}

static void test_origin_counts_from_attach(void **state)
{
	uint64_t first[NR_BUCKETS] = { [4] = 30 },
		 after[NR_BUCKETS] = { [4] = 95 };
	struct sample read = make_sample(1, first);
	struct sample to = make_sample(2, after), from;
	struct window window;

	(void)state;
	read.accesses = 35;
	read.cold_accesses = 5;
	to.accesses = 100;
	to.cold_accesses = 5;
	from = window_origin(&read);
	assert_null(from.buckets);
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.accesses, 100);
	assert_near(window_seconds(&window), 1, 1e-12);
	window_done(&window);
}

static void test_starved(void **state)
{
	struct window window = {
		.hot_pages = 64,
		.hot_used = 64,
		.accesses = 64,
	};

	(void)state;
	assert_false(window_is_starved(&window));
	window.hot_used = 63;
	assert_true(window_is_starved(&window));
	window.hot_used = 64;
	window.accesses = 63;
	assert_true(window_is_starved(&window));
}

static void test_zero_length(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { [4] = 1 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(1, after);
	struct window window;

	(void)state;
	to.accesses = 1;
	to.traps = 1;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_near(window_trap_rate(&window), 0, 0);
	window_done(&window);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_difference),
		cmocka_unit_test(test_generation_begins_anew),
		cmocka_unit_test(test_counted_share_before_nominal),
		cmocka_unit_test(test_no_access),
		cmocka_unit_test(test_cold_only),
		cmocka_unit_test(test_never_that_low),
		cmocka_unit_test(test_refuses_contradictions),
		cmocka_unit_test(test_huge_counters),
		cmocka_unit_test(test_origin_counts_from_attach),
		cmocka_unit_test(test_starved),
		cmocka_unit_test(test_zero_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

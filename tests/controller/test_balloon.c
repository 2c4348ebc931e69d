// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include "daemon/balloon.h"

#define MIB (UINT64_C(1) << 20)
#define S UINT64_C(1000000000)
#define PERIOD_S 2
#define BOOT_S 1700000000

static void test_first_size_is_the_target(void **state)
{
	struct balloon balloon = { 0 };

	(void)state;
	balloon_sized(&balloon, 512 * MIB, S);
	assert_int_equal(balloon.actual_bytes, 512 * MIB);
	assert_int_equal(balloon.target_bytes, 512 * MIB);
}

static void test_guest_follows(void **state)
{
	struct balloon balloon = { 0 };
	uint64_t mib;

	(void)state;
	balloon_sized(&balloon, 512 * MIB, S);
	balloon_ordered(&balloon, 256 * MIB, 2 * S);
	for (mib = 500; mib >= 256; mib -= 4) {
		balloon_sized(&balloon, mib * MIB, (1000 - mib) * S);
		assert_int_equal(balloon.target_bytes, 256 * MIB);
	}
	/* It does not get there: not somebody else's doing. */
	balloon_sized(&balloon, 256 * MIB, 2000 * S);
	assert_int_equal(balloon.target_bytes, 256 * MIB);
}

static void test_moved_by_others(void **state)
{
	struct balloon balloon = { 0 };

	(void)state;
	balloon_sized(&balloon, 512 * MIB, S);
	balloon_ordered(&balloon, 256 * MIB, 2 * S);
	balloon_sized(&balloon, 256 * MIB, 10 * S);
	balloon_sized(&balloon, 300 * MIB, 20 * S);
	assert_int_equal(balloon.target_bytes, 300 * MIB);
	balloon_sized(&balloon, 400 * MIB, 30 * S);
	assert_int_equal(balloon.target_bytes, 400 * MIB);
	/* And back with us. */
	balloon_ordered(&balloon, 350 * MIB, 40 * S);
	balloon_sized(&balloon, 380 * MIB, 50 * S);
	assert_int_equal(balloon.target_bytes, 350 * MIB);
}

/* It was still shrinking when it was told to grow. */
static void test_news_of_an_older_target(void **state)
{
	struct balloon balloon = { 0 };

	(void)state;
	balloon_sized(&balloon, 512 * MIB, S);
	balloon_ordered(&balloon, 256 * MIB, 100 * S);
	balloon_sized(&balloon, 400 * MIB, 101 * S);
	balloon_ordered(&balloon, 512 * MIB, 102 * S);
	balloon_sized(&balloon, 390 * MIB, 103 * S);
	assert_int_equal(balloon.target_bytes, 512 * MIB);
	balloon_sized(&balloon, 450 * MIB, 104 * S);
	balloon_sized(&balloon, 512 * MIB, 105 * S);
	assert_int_equal(balloon.target_bytes, 512 * MIB);

	/* One that swaps for it takes its time. */
	balloon_ordered(&balloon, 256 * MIB, 200 * S);
	balloon_sized(&balloon, 500 * MIB, 204 * S);
	balloon_ordered(&balloon, 512 * MIB, 205 * S);
	balloon_sized(&balloon, 490 * MIB, 215 * S);
	assert_int_equal(balloon.target_bytes, 512 * MIB);
	/* But beyond what it was told nobody goes by himself. */
	balloon_sized(&balloon, 250 * MIB, 216 * S);
	assert_int_equal(balloon.target_bytes, 250 * MIB);

	/* Nor back, once it has turned. */
	balloon_ordered(&balloon, 512 * MIB, 300 * S);
	balloon_sized(&balloon, 400 * MIB, 305 * S);
	balloon_sized(&balloon, 390 * MIB, 310 * S);
	assert_int_equal(balloon.target_bytes, 390 * MIB);
	/* Nor for ever. */
	balloon_ordered(&balloon, 512 * MIB, 400 * S);
	balloon_sized(&balloon, 380 * MIB, 440 * S);
	assert_int_equal(balloon.target_bytes, 380 * MIB);
}

static void test_reset(void **state)
{
	struct balloon balloon = { 0 };

	(void)state;
	balloon_sized(&balloon, 512 * MIB, S);
	balloon_ordered(&balloon, 256 * MIB, 2 * S);
	balloon_sized(&balloon, 256 * MIB, 10 * S);
	balloon_reset(&balloon);
	balloon_sized(&balloon, 512 * MIB, 20 * S);
	assert_int_equal(balloon.target_bytes, 256 * MIB);
	balloon_sized(&balloon, 400 * MIB, 30 * S);
	balloon_sized(&balloon, 256 * MIB, 40 * S);
	assert_int_equal(balloon.target_bytes, 256 * MIB);
	/* From here on others count again. */
	balloon_sized(&balloon, 300 * MIB, 50 * S);
	assert_int_equal(balloon.target_bytes, 300 * MIB);
}

/* What was read before the guest let go does not end its reset. */
static void test_reset_is_told_early(void **state)
{
	struct balloon balloon = { 0 };

	(void)state;
	balloon_sized(&balloon, 512 * MIB, S);
	balloon_ordered(&balloon, 256 * MIB, 2 * S);
	balloon_sized(&balloon, 256 * MIB, 10 * S);
	balloon_reset(&balloon);
	balloon_sized(&balloon, 256 * MIB, 19 * S);
	balloon_sized(&balloon, 512 * MIB, 20 * S);
	assert_int_equal(balloon.target_bytes, 256 * MIB);
	balloon_sized(&balloon, 256 * MIB, 40 * S);
	balloon_sized(&balloon, 300 * MIB, 50 * S);
	assert_int_equal(balloon.target_bytes, 300 * MIB);
}

/* A good sample, read @seconds after boot. */
static struct balloon_sample sample_at(uint64_t seconds)
{
	struct balloon_sample sample = {
		.has_update = true,
		.update_s = BOOT_S + seconds,
		.unix_s = BOOT_S + seconds,
		.read_ns = seconds * S,
		.actual_bytes = 512 * MIB,
		.max_bytes = 512 * MIB,
		.values = { [BALLOON_TOTAL_BYTES] = 480 * MIB,
			    [BALLOON_USABLE_BYTES] = 300 * MIB,
			    [BALLOON_UNUSED_BYTES] = 200 * MIB,
			    [BALLOON_SWAP_IN_BYTES] = 0,
			    [BALLOON_SWAP_OUT_BYTES] = 0,
			    [BALLOON_MAJOR_FAULTS] = 100 },
	};

	memset(sample.has_value, true, sizeof(sample.has_value));
	return sample;
}

static void expect_problem(struct balloon_history *history,
			   const struct balloon_sample *sample,
			   const char *part)
{
	struct vm_guest_stats stats = { .total_bytes = 42 };
	const char *problem = balloon_judge(history, sample, PERIOD_S, &stats);

	assert_non_null(problem);
	assert_contains(problem, part);
	assert_int_equal(stats.total_bytes, 42);
}

static struct vm_guest_stats expect_stats(struct balloon_history *history,
					  const struct balloon_sample *sample)
{
	struct vm_guest_stats stats;
	const char *problem = balloon_judge(history, sample, PERIOD_S, &stats);

	if (problem) {
		print_error("%s\n", problem);
		fail();
	}
	return stats;
}

static void test_rates(void **state)
{
	struct balloon_history history = { 0 };
	struct balloon_sample sample = sample_at(100);
	struct vm_guest_stats stats;

	(void)state;
	expect_problem(&history, &sample, "no rates yet");
	sample = sample_at(104);
	sample.values[BALLOON_SWAP_IN_BYTES] = 8 * MIB;
	sample.values[BALLOON_SWAP_OUT_BYTES] = 4 * MIB;
	sample.values[BALLOON_MAJOR_FAULTS] = 120;
	stats = expect_stats(&history, &sample);
	assert_int_equal(stats.total_bytes, 480 * MIB);
	assert_int_equal(stats.usable_bytes, 300 * MIB);
	assert_int_equal(stats.unused_bytes, 200 * MIB);
	assert_near(stats.swap_in_bytes_per_s, 2 * MIB, 1e-6);
	assert_near(stats.swap_out_bytes_per_s, MIB, 1e-6);
	assert_near(stats.major_faults_per_s, 5, 1e-9);

	/* No update since: the same again, until it is too old. */
	sample.read_ns = 107 * S;
	stats = expect_stats(&history, &sample);
	assert_near(stats.major_faults_per_s, 5, 1e-9);
	sample.read_ns = 112 * S;
	stats = expect_stats(&history, &sample);
	sample.read_ns = 113 * S;
	expect_problem(&history, &sample, "stale");
	/* And back. */
	sample.update_s += 10;
	sample.read_ns = 114 * S;
	stats = expect_stats(&history, &sample);
	assert_near(stats.major_faults_per_s, 0, 0);
}

static void test_restarted_guest(void **state)
{
	struct balloon_history history = { 0 };
	struct balloon_sample sample = sample_at(100);
	struct vm_guest_stats stats;

	(void)state;
	expect_problem(&history, &sample, "no rates yet");
	sample = sample_at(102);
	sample.values[BALLOON_MAJOR_FAULTS] = 7;
	expect_problem(&history, &sample, "began anew");
	sample = sample_at(104);
	sample.values[BALLOON_MAJOR_FAULTS] = 9;
	stats = expect_stats(&history, &sample);
	assert_near(stats.major_faults_per_s, 1, 1e-9);
}

static void test_absent(void **state)
{
	static const char *const problems[BALLOON_NR_VALUES] = {
		[BALLOON_TOTAL_BYTES] = "does not tell its memory",
		[BALLOON_USABLE_BYTES] = "too old",
		[BALLOON_UNUSED_BYTES] = "does not tell its memory",
		[BALLOON_SWAP_IN_BYTES] = "swapping",
		[BALLOON_SWAP_OUT_BYTES] = "swapping",
		[BALLOON_MAJOR_FAULTS] = "major faults",
	};
	struct balloon_history history = { 0 };
	struct balloon_sample sample = sample_at(100);
	int i;

	(void)state;
	for (i = 0; i < BALLOON_NR_VALUES; i++) {
		sample = sample_at(100);
		sample.has_value[i] = false;
		expect_problem(&history, &sample, problems[i]);
	}
	sample = sample_at(100);
	sample.has_update = false;
	expect_problem(&history, &sample, "sends no statistics");
	sample = sample_at(100);
	sample.update_s = 0;
	expect_problem(&history, &sample, "sends no statistics");
}

static void test_contradictions(void **state)
{
	struct balloon_history history = { 0 };
	struct balloon_sample sample = sample_at(100);

	(void)state;
	sample.values[BALLOON_USABLE_BYTES] = 481 * MIB;
	expect_problem(&history, &sample, "contradict");
	sample = sample_at(100);
	sample.values[BALLOON_UNUSED_BYTES] = 481 * MIB;
	expect_problem(&history, &sample, "contradict");
	sample = sample_at(100);
	memset(sample.values, 0, sizeof(sample.values));
	expect_problem(&history, &sample, "contradict");
	sample = sample_at(100);
	sample.values[BALLOON_TOTAL_BYTES] = 513 * MIB;
	expect_problem(&history, &sample, "more memory than it can have");
}

/* A first sample whose age only the wall clock can tell. */
static void test_stale_from_the_start(void **state)
{
	struct balloon_history history = { 0 };
	struct balloon_sample sample = sample_at(100);

	(void)state;
	sample.unix_s += 9;
	expect_problem(&history, &sample, "stale");
	sample.unix_s -= 1;
	expect_problem(&history, &sample, "no rates yet");
}

/* The host's wall clock is set: what counts is that there was an update. */
static void test_clock_is_set(void **state)
{
	struct balloon_history history = { 0 };
	struct balloon_sample sample = sample_at(100);
	struct vm_guest_stats stats;

	(void)state;
	expect_problem(&history, &sample, "no rates yet");
	sample = sample_at(102);
	sample.update_s -= 3600;
	sample.values[BALLOON_MAJOR_FAULTS] = 110;
	stats = expect_stats(&history, &sample);
	assert_near(stats.major_faults_per_s, 5, 1e-9);
	sample = sample_at(104);
	sample.update_s += 3600;
	sample.values[BALLOON_MAJOR_FAULTS] = 120;
	stats = expect_stats(&history, &sample);
	assert_near(stats.major_faults_per_s, 5, 1e-9);
}

/*
 * As drivers of Windows do whose service is stopped: the same values for ever,
 * with new times. An idle guest looks like that, too, while its balloon rests.
 */
static void test_frozen(void **state)
{
	struct balloon_history history = { 0 };
	struct balloon_sample sample;
	uint64_t seconds;

	(void)state;
	sample = sample_at(100);
	expect_problem(&history, &sample, "no rates yet");
	for (seconds = 102; seconds < 140; seconds += 2) {
		sample = sample_at(seconds);
		(void)expect_stats(&history, &sample);
	}
	sample = sample_at(140);
	sample.actual_bytes = 490 * MIB;
	expect_problem(&history, &sample, "frozen");
	/* A sign of life. */
	sample = sample_at(142);
	sample.actual_bytes = 490 * MIB;
	sample.values[BALLOON_UNUSED_BYTES] -= 4096;
	(void)expect_stats(&history, &sample);
	/* The balloon moves first, the values follow with the next update. */
	sample = sample_at(144);
	sample.values[BALLOON_UNUSED_BYTES] -= 4096;
	sample.actual_bytes = 400 * MIB;
	(void)expect_stats(&history, &sample);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_size_is_the_target),
		cmocka_unit_test(test_guest_follows),
		cmocka_unit_test(test_moved_by_others),
		cmocka_unit_test(test_news_of_an_older_target),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_reset_is_told_early),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_restarted_guest),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_stale_from_the_start),
		cmocka_unit_test(test_clock_is_set),
		cmocka_unit_test(test_frozen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

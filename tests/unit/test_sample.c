// SPDX-License-Identifier: GPL-2.0-or-later
/* The module's choice of sampled pages, kvm-aet/sample.h, in user space. */
#include "mrc_test.h"

#include "sample.h"

static uint64_t sampled_unit(uint64_t group, uint32_t inverse_rate,
			     uint64_t salt)
{
	return group * inverse_rate +
	       aet_sample_offset(group, 0, inverse_rate, salt);
}

static bool is_sampled(uint64_t unit, uint32_t inverse_rate, uint64_t salt)
{
	return unit == sampled_unit(aet_sample_group(unit, inverse_rate),
				    inverse_rate, salt);
}

static void test_rate_one_samples_everything(void **state)
{
	uint64_t seed = test_seed();
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		uint64_t gfn = test_random(&seed) >> 12;

		assert_true(is_sampled(gfn, 1, test_random(&seed)));
	}
}

static void test_one_page_in_each_group(void **state)
{
	const uint32_t rates[] = { 2, 3, 16, 100, 128, 65536 };
	uint64_t seed = test_seed();
	size_t r;

	(void)state;
	for (r = 0; r < ARRAY_SIZE(rates); r++) {
		uint64_t salt = test_random(&seed);
		/* Groups near 0 and near the end of a 52-bit address space. */
		const uint64_t first[2] = { 0, (UINT64_C(1) << 40) / rates[r] -
						       8 };
		int end;

		for (end = 0; end < 2; end++) {
			uint64_t gfn = first[end] * rates[r];
			uint64_t group;

			for (group = first[end]; group < first[end] + 8;
			     group++) {
				uint64_t nr_sampled = 0;
				uint32_t i;

				for (i = 0; i < rates[r]; i++, gfn++) {
					assert_int_equal(
						aet_sample_group(gfn, rates[r]),
						group);
					if (!is_sampled(gfn, rates[r], salt))
						continue;
					nr_sampled++;
					assert_int_equal(sampled_unit(group,
								      rates[r],
								      salt),
							 gfn);
				}
				assert_int_equal(nr_sampled, 1);
			}
		}
	}
}

/* Only the two groups at its ends can make a run's share uneven. */
static void test_a_run_holds_its_share(void **state)
{
	const uint32_t rate = 128;
	uint64_t seed = test_seed();
	double worst = 0;
	int round;

	(void)state;
	for (round = 0; round < 2000; round++) {
		uint64_t salt = test_random(&seed);
		uint64_t start = test_random(&seed) % 1000000;
		uint64_t length = 1 + test_random(&seed) % 5000;
		double excess = -(double)length / rate;
		uint64_t i;

		for (i = 0; i < length; i++)
			excess += is_sampled(start + i, rate, salt);
		if (excess < 0)
			excess = -excess;
		if (excess > worst)
			worst = excess;
	}
	print_message("largest deviation: %.2f pages\n", worst);
	assert_true(worst < 2);
}

/*
 * Every place in a group is chosen equally often, over groups with one salt and
 * over salts for one group. Chi-square with 127 degrees of freedom has mean
 * 127 and deviation sqrt(2 * 127) = 16; five of those are allowed.
 */
static double chi_square(bool is_over_salts, uint64_t seed)
{
	const uint32_t rate = 128;
	const uint64_t nr_draws = 128 * 500;
	uint64_t counts[128] = { 0 };
	uint64_t salt = test_random(&seed);
	double sum = 0;
	uint64_t i;

	for (i = 0; i < nr_draws; i++) {
		uint64_t group = is_over_salts ? 12345 : i;

		if (is_over_salts)
			salt = test_random(&seed);
		counts[sampled_unit(group, rate, salt) - group * rate]++;
	}
	for (i = 0; i < rate; i++) {
		double excess = (double)counts[i] - 500;

		sum += excess * excess / 500;
	}
	return sum;
}

static void test_places_are_equally_likely(void **state)
{
	uint64_t seed = test_seed();

	(void)state;
	assert_near(chi_square(false, seed), 127, 80);
	assert_near(chi_square(true, seed), 127, 80);
}

/* A scan with a stride must not meet always or never the sampled place. */
static void test_strides_are_sampled_alike(void **state)
{
	const uint64_t strides[] = { 2, 64, 128, 512, 4096, 262144 };
	const uint64_t nr_pages = 128 * 1000;
	uint64_t seed = test_seed();
	uint64_t salt = test_random(&seed);
	size_t s;

	(void)state;
	for (s = 0; s < ARRAY_SIZE(strides); s++) {
		uint64_t nr_sampled = 0;
		uint64_t i;

		for (i = 0; i < nr_pages; i++)
			nr_sampled += is_sampled(i * strides[s], 128, salt);
		/* Binomial: mean 1000, deviation 31.5; five of those. */
		assert_in_range(nr_sampled, 842, 1158);
	}
}

static void test_salts_choose_differently(void **state)
{
	uint64_t nr_both = 0;
	uint64_t gfn;

	(void)state;
	for (gfn = 0; gfn < 128 * 12800; gfn++)
		nr_both += is_sampled(gfn, 128, 1) && is_sampled(gfn, 128, 2);
	/* Binomial: mean 12800 / 128 = 100, deviation 10; five of those. */
	assert_in_range(nr_both, 50, 150);
}

/*
 * In each pass, about one group in rotate_passes changes; in so many passes
 * every group does, once. In the long run all units of a group are sampled.
 */
static void test_rotation_changes_a_little_at_a_time(void **state)
{
	const uint32_t rate = 16, rotate_passes = 100;
	const uint64_t nr_groups = 10000;
	uint64_t seed = test_seed();
	uint64_t salt = test_random(&seed);
	uint64_t pass, group;

	(void)state;
	for (pass = 1; pass <= rotate_passes; pass++) {
		uint64_t nr_turns = 0;

		for (group = 0; group < nr_groups; group++)
			nr_turns += aet_sample_epoch(group, pass, rotate_passes,
						     salt) -
				    aet_sample_epoch(group, pass - 1,
						     rotate_passes, salt);
		/* Binomial: mean 100, deviation 10; five of those. */
		assert_in_range(nr_turns, 50, 150);
	}
	for (group = 0; group < nr_groups; group++)
		assert_int_equal(
			aet_sample_epoch(group, 7 + rotate_passes,
					 rotate_passes, salt),
			aet_sample_epoch(group, 7, rotate_passes, salt) + 1);
	for (group = 0; group < 100; group++) {
		uint32_t seen = 0;
		uint64_t epoch;

		/* Each place is missed with probability (15/16)^400. */
		for (epoch = 0; epoch < 400; epoch++)
			seen |= UINT32_C(1)
				<< aet_sample_offset(group, epoch, rate, salt);
		assert_int_equal(seen, 0xffff);
	}
	assert_int_equal(aet_sample_epoch(5, 1000000, 0, salt), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_one_samples_everything),
		cmocka_unit_test(test_one_page_in_each_group),
		cmocka_unit_test(test_a_run_holds_its_share),
		cmocka_unit_test(test_places_are_equally_likely),
		cmocka_unit_test(test_strides_are_sampled_alike),
		cmocka_unit_test(test_salts_choose_differently),
		cmocka_unit_test(test_rotation_changes_a_little_at_a_time),
	};

	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}

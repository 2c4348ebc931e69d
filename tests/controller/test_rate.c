// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control of the sampling rate against a model of what tracking costs: a
 * guest that accesses one page after another at some rate, of which one in T
 * traps, unless it is in the hot set.
 */
#include "ctl_test.h"

#include <math.h>

#include "daemon/rate.h"

#define PERIOD_S 5.0
#define HOT_PAGES 64
#define MAX_PERIODS 2000

/**
 * struct load - what a guest does
 * @nr_periods: for so long
 * @pages: that it uses
 * @accesses_per_s: changes from one page to another, per vCPU second
 * @is_random: else it goes round
 * @trap_us: what one costs
 * @fixed_ratio: overhead that does not depend on the rate
 */
struct load {
	unsigned int nr_periods;
	double pages;
	double accesses_per_s;
	bool is_random;
	double trap_us;
	double fixed_ratio;
};

/**
 * struct run - a guest under control
 * @noise: relative, of loads, evenly spread
 * @overheads: by period; 0 where tracking was paused
 */
struct run {
	struct rate_params params;
	struct rate_memory memory;
	uint32_t inverse_rate;
	bool is_paused;
	double noise;
	uint64_t random;
	bool is_disturbed;
	unsigned int nr_periods;
	unsigned int nr_changes;
	unsigned int nr_tracked;
	double sum;
	double overheads[MAX_PERIODS];
	uint32_t inverse_rates[MAX_PERIODS];
	struct rate_input input;
	struct rate_output output;
};

static struct run run_from(uint32_t inverse_rate)
{
	struct run run = {
		.params = rate_default_params,
		.inverse_rate = inverse_rate,
		.random = 88172645463325252u,
	};

	run.params.stable_periods = 0;
	return run;
}

/* Marsaglia: "Xorshift RNGs", Journal of Statistical Software 8(14), 2003. */
static double run_random(struct run *run)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return (double)(run->random >> 11) / 0x1p53;
}

static double load_traps_per_s(const struct load *load, uint32_t inverse_rate)
{
	double sampled = load->pages / inverse_rate;
	double traps = load->accesses_per_s / inverse_rate;

	if (sampled <= HOT_PAGES)
		return 0;
	return load->is_random ? traps * (1 - HOT_PAGES / sampled) : traps;
}

static double load_overhead(const struct load *load, uint32_t inverse_rate,
			    double factor)
{
	double work = factor * load_traps_per_s(load, inverse_rate) *
			      load->trap_us * 1e-6 +
		      load->fixed_ratio;

	return work / (1 + work);
}

/* One period. */
static void run_step(struct run *run, const struct load *load)
{
	double factor = 1 + run->noise * (2 * run_random(run) - 1);
	double traps = load_traps_per_s(load, run->inverse_rate) * factor;
	struct rate_input input = {
		.is_paused = run->is_paused,
		.inverse_rate = run->inverse_rate,
		.hot_pages = HOT_PAGES,
		.is_disturbed = run->is_disturbed,
		.fault_ratio = -1,
	};

	assert_true(run->nr_periods < MAX_PERIODS);
	if (!run->is_paused) {
		input.overhead_ratio =
			load_overhead(load, run->inverse_rate, factor);
		input.samples = (uint64_t)(traps * PERIOD_S *
					   (1 - input.overhead_ratio));
		input.is_starved = input.samples < HOT_PAGES;
		input.window_pages = (uint64_t)fmin(
			load->pages / run->inverse_rate, (double)input.samples);
		input.mapped_pages = 1u << 20;
		input.wss_bytes =
			input.is_starved ? 0 : (uint64_t)load->pages * 4096;
		/* Twenty references to a page before the next one. */
		input.fault_ratio = traps / (load->accesses_per_s * 20);
		run->nr_tracked++;
	}
	run->is_disturbed = false;
	run->overheads[run->nr_periods] = input.overhead_ratio;
	run->inverse_rates[run->nr_periods++] = run->inverse_rate;
	run->sum += input.overhead_ratio;
	run->input = input;
	run->output = rate_next(&run->params, &input, &run->memory);
	assert_non_null(run->output.reason);
	assert_true(run->output.inverse_rate >= run->params.min_inverse_rate);
	assert_true(run->output.inverse_rate <= run->params.max_inverse_rate);
	run->nr_changes += run->output.inverse_rate != run->inverse_rate;
	run->inverse_rate = run->output.inverse_rate;
	run->is_paused = run->output.is_paused;
}

static void run_for(struct run *run, const struct load *load,
		    unsigned int nr_periods)
{
	while (nr_periods-- > 0)
		run_step(run, load);
}

static double run_mean(const struct run *run)
{
	return run->sum / run->nr_periods;
}

/* A rate that is within the budget and sees the pages in use. */
static bool is_attainable(const struct rate_params *params,
			  const struct load *load)
{
	uint32_t seen = (uint32_t)(load->pages / (1.6 * HOT_PAGES));

	if (seen > params->max_inverse_rate)
		seen = params->max_inverse_rate;
	return seen >= params->min_inverse_rate &&
	       load_overhead(load, seen, 1) < params->budget_ratio * 0.35;
}

static void test_budget_after_two_periods(void **state)
{
	static const double pages[] = { 25600, 1 << 20, 1 << 24 };
	static const double fixed[] = { 0, 0.002 };
	unsigned int nr_attainable = 0;
	uint32_t start;
	double rate;
	size_t i, j;
	int is_random;

	(void)state;
	for (start = 1; start <= 16384; start *= 4)
		for (rate = 1e4; rate < 2e8; rate *= 10)
			for (i = 0; i < ARRAY_SIZE(pages) * 2; i++)
				for (is_random = 0; is_random < 2;
				     is_random++) {
					struct load load = {
						.pages = pages[i / 2],
						.accesses_per_s = rate,
						.is_random = is_random,
						.trap_us = 2,
						.fixed_ratio = fixed[i % 2],
					};
					struct run run = run_from(start);

					run.params.min_inverse_rate = 1;
					if (!is_attainable(&run.params, &load))
						continue;
					nr_attainable++;
					run_for(&run, &load, 400);
					/*
					 * Later only where it looks for what
					 * it can afford.
					 */
					for (j = 2; j < 4; j++)
						assert_true(run.overheads[j] <=
							    0.01);
					assert_true(run_mean(&run) <= 0.01);
				}
	assert_true(nr_attainable > 50);
}

/* Without noise or phases the rate comes to rest. */
static void test_no_limit_cycles(void **state)
{
	static const double noises[] = { 0, 0.1, 0.3 };
	unsigned int changes;
	double rate;
	uint32_t start;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(noises); i++)
		for (start = 32; start <= 16384; start *= 8)
			for (rate = 1e4; rate < 1e8; rate *= 3) {
				struct load load = {
					.pages = 1 << 20,
					.accesses_per_s = rate,
					.is_random = true,
					.trap_us = 2,
				};
				struct run run = run_from(start);

				run.noise = noises[i];
				run_for(&run, &load, 200);
				changes = run.nr_changes;
				run_for(&run, &load, 400);
				assert_true(run.nr_changes - changes <= 3);
				assert_true(run_mean(&run) <= 0.01);
			}
}

static void test_spare_budget_buys_samples(void **state)
{
	/* So light that even the highest rate allowed costs nothing. */
	static const struct load light = {
		.pages = 1 << 20,
		.accesses_per_s = 3000,
		.trap_us = 2,
	};
	static const struct load heavier = {
		.pages = 1 << 20,
		.accesses_per_s = 400000,
		.trap_us = 2,
	};
	struct run run = run_from(16384);
	double plenty;

	(void)state;
	run_for(&run, &light, 60);
	assert_int_equal(run.inverse_rate, run.params.min_inverse_rate);
	run = run_from(16384);
	run_for(&run, &heavier, 60);
	plenty = RATE_PLENTY * (double)run.params.min_samples;
	/* Enough, and not much more. */
	assert_true((double)run.input.samples >= 0.8 * plenty);
	assert_true((double)run.input.samples <= 1.2 * plenty);
	assert_true(run.inverse_rate > run.params.min_inverse_rate);
}

/* What a guest did over an hour, as recorded in classes of such programs. */
static const struct load phases[] = {
	{ .nr_periods = 40, .pages = 25600, .accesses_per_s = 2e5 },
	{ .nr_periods = 3, .pages = 1 << 20, .accesses_per_s = 5e6 },
	{ .nr_periods = 20, .pages = 1 << 18, .accesses_per_s = 1e4 },
	{ .nr_periods = 60,
	  .pages = 1 << 20,
	  .accesses_per_s = 2e6,
	  .is_random = true },
	{ .nr_periods = 1, .pages = 1 << 12, .accesses_per_s = 1e7 },
	{ .nr_periods = 30, .pages = 76800, .accesses_per_s = 1e6 },
	{ .nr_periods = 10, .pages = 204800, .accesses_per_s = 8e6 },
	{ .nr_periods = 50, .pages = 25600, .accesses_per_s = 3e4 },
};

static void test_mean_over_phases(void **state)
{
	static const double noises[] = { 0, 0.3, 0.9 };
	size_t i, j, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(noises); i++) {
		struct run run = run_from(128);

		run.noise = noises[i];
		for (k = 0; k < 4; k++)
			for (j = 0; j < ARRAY_SIZE(phases); j++) {
				struct load load = phases[j];

				load.trap_us = 2;
				run_for(&run, &load, load.nr_periods);
			}
		print_message("noise %.1f: mean overhead %.2f %% of %u periods,"
			      " %u changes of the rate\n",
			      noises[i], 100 * run_mean(&run), run.nr_periods,
			      run.nr_changes);
		assert_true(run_mean(&run) <= 0.01);
		/* And did not get there by not looking. */
		assert_true(run.nr_tracked > run.nr_periods / 2);
	}
}

/* The worst guest: always the most expensive thing at the rate in force. */
static void test_mean_under_an_adversary(void **state)
{
	struct run run = run_from(32);
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		struct load load = {
			.pages = 1 << 22,
			.accesses_per_s = run.memory.debt_ratio > 0 ? 1e4 : 2e7,
			.trap_us = 2,
		};

		run_step(&run, &load);
	}
	assert_true(run_mean(&run) <= 0.01);
}

/* The thesis: 512 and more, 25 600 pages, 50 of which are sampled. */
static void test_starvation(void **state)
{
	static const struct load large = {
		.pages = 1 << 20,
		.accesses_per_s = 2e6,
		.trap_us = 2,
	};
	static const struct load small = {
		.pages = 25600,
		.accesses_per_s = 1e5,
		.trap_us = 2,
	};
	static const enum rate_rule rules[] = { RATE_OVERHEAD,
						RATE_REFERENCES };
	static const uint32_t starts[] = { 512, 1024, 1280, 16384 };
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		for (j = 0; j < ARRAY_SIZE(starts); j++) {
			struct run run = run_from(starts[j]);
			unsigned int nr_periods = 0;

			run.params.rule = rules[i];
			/* One fault on 2560 references is few here. */
			run.params.fault_ratio = 1e-3;
			run_for(&run, &large, 1);
			run.inverse_rate = starts[j];
			run_step(&run, &small);
			assert_true(run.input.is_starved);
			while (run.input.is_starved && nr_periods < 20) {
				run_step(&run, &small);
				nr_periods++;
			}
			assert_true(nr_periods <=
				    1 + (unsigned int)log2(starts[j] / 256));
			/* And for good. */
			run_for(&run, &small, 100);
			assert_false(run.input.is_starved);
			assert_true(run.input.samples >=
				    run.params.min_samples);
		}
}

/* Fewer mapped pages than the hot set holds: at once. */
static void test_starvation_of_all_that_is_mapped(void **state)
{
	struct rate_params params = rate_default_params;
	struct rate_memory memory = { 0 };
	struct rate_input input = {
		.inverse_rate = 16384,
		.hot_pages = 64,
		.is_starved = true,
		.mapped_pages = 6,
	};
	struct rate_output output;

	(void)state;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 1024);
	/* Nowhere to go: it stays, and says so. */
	input.inverse_rate = params.min_inverse_rate;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, params.min_inverse_rate);
	assert_contains(output.reason, "idle");
	/* Nothing is known to be mapped: step by step. */
	input.inverse_rate = 16384;
	input.mapped_pages = 0;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 8192);
}

/* Where it is seen at all, it costs five times the budget. */
static void test_no_rate_is_within_the_budget(void **state)
{
	static const struct load load = {
		.pages = 25600,
		.accesses_per_s = 6e6,
		.trap_us = 2,
	};
	static const struct load dear = {
		.pages = 1 << 24,
		.accesses_per_s = 2e8,
		.trap_us = 10,
	};
	struct run run = run_from(1024);

	(void)state;
	run_for(&run, &load, 500);
	assert_true(run_mean(&run) <= 0.0101);
	assert_true(run.nr_tracked > 500 / 10);
	/* Its working set was seen again and again. */
	assert_int_equal(run.memory.anchor_wss_bytes, 25600 * 4096);
	run = run_from(128);
	run_for(&run, &dear, 1500);
	assert_true(run_mean(&run) <= 0.0101);
	assert_int_equal(run.inverse_rate, run.params.max_inverse_rate);
	assert_true(run.nr_tracked > 50);
}

static void test_unknown_overhead_changes_nothing(void **state)
{
	struct rate_params params = rate_default_params;
	struct rate_memory memory = { 0 };
	struct rate_input input = {
		.inverse_rate = 256,
		.hot_pages = 64,
		.overhead_ratio = -1,
		.fault_ratio = -1,
		.is_starved = true,
	};
	struct rate_output output = rate_next(&params, &input, &memory);

	(void)state;
	assert_int_equal(output.inverse_rate, 256);
	assert_false(output.is_paused);
	/* A reloaded configuration has other limits. */
	params.min_inverse_rate = 512;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 512);
	params.rule = RATE_FIXED;
	input.inverse_rate = 600;
	input.overhead_ratio = 0.5;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 600);
}

static void test_equation(void **state)
{
	struct rate_params params = rate_default_params;
	struct rate_memory memory = { 0 };
	struct rate_input input = {
		.inverse_rate = 128,
		.hot_pages = 64,
		.samples = 5000,
		.window_pages = 1 << 20,
		.wss_bytes = 1,
	};
	struct rate_output output;

	(void)state;
	params.rule = RATE_REFERENCES;
	params.stable_periods = 0;
	params.min_inverse_rate = 128;
	params.max_inverse_rate = 1280;
	/* 128 + 128 (ln(10) + 1) = 550.7 */
	input.fault_ratio = 1e-5;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 551);
	/* 551 + 128 (ln(2) + 1) = 767.7 */
	input.inverse_rate = 551;
	input.fault_ratio = 2e-6;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 768);
	/* Neither: it stays. */
	input.inverse_rate = 768;
	input.fault_ratio = 1e-6;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 768);
	/* Too few: by one step, but not to where it cost too much. */
	input.samples = params.min_samples - 1;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 640);
	input.inverse_rate = 640;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 640);
	/* To the thesis's limits, and no further. */
	input.fault_ratio = 1;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 1280);
	memory = (struct rate_memory){ 0 };
	input.fault_ratio = 0;
	input.inverse_rate = 200;
	output = rate_next(&params, &input, &memory);
	assert_int_equal(output.inverse_rate, 128);
	/* Without counters it is the closed loop, and says so. */
	input.fault_ratio = -1;
	input.overhead_ratio = 0.08;
	input.inverse_rate = 128;
	input.samples = 10000;
	output = rate_next(&params, &input, &memory);
	assert_true(output.inverse_rate > 1024);
	assert_contains(output.reason, "no counters");
}

/* S_r below what one rate costs and P above what the next brings. */
static void test_equation_does_not_swing(void **state)
{
	static const struct load load = {
		.pages = 1 << 20,
		.accesses_per_s = 1e5,
		.trap_us = 2,
	};
	struct run run = run_from(128);
	unsigned int changes;

	(void)state;
	run.params.rule = RATE_REFERENCES;
	/* At 400: 1.25e-4 faults per reference, 1250 samples. */
	run.params.fault_ratio = 1.25e-4;
	run_for(&run, &load, 50);
	changes = run.nr_changes;
	run_for(&run, &load, 200);
	assert_true(run.nr_changes - changes <= 2 * 200 / RATE_RETRY_PERIODS);
}

static void test_pause(void **state)
{
	static const struct load steady = {
		.pages = 1 << 18,
		.accesses_per_s = 1e6,
		.trap_us = 2,
	};
	static const struct load other = {
		.pages = 1 << 17,
		.accesses_per_s = 1e6,
		.trap_us = 2,
	};
	struct run run = run_from(128);
	unsigned int nr_tracked, i;

	(void)state;
	run.params.stable_periods = 4;
	run.params.probe_periods = 6;
	run_for(&run, &steady, 40);
	assert_true(run.output.is_stable);
	/* One period in six from now on. */
	nr_tracked = run.nr_tracked;
	run_for(&run, &steady, 60);
	assert_int_equal(run.nr_tracked - nr_tracked, 10);
	assert_true(run.output.is_stable);
	/* A change is seen by the next look, and tracking stays on. */
	for (i = 0; run.output.is_stable && i < 20; i++)
		run_step(&run, &other);
	assert_true(i <= 6 + 1);
	assert_false(run.is_paused);
	run_for(&run, &other, 3);
	assert_false(run.is_paused);
	/* Somebody says so: at once. */
	run_for(&run, &other, 40);
	while (!run.is_paused)
		run_step(&run, &other);
	run.is_disturbed = true;
	run_step(&run, &other);
	assert_false(run.is_paused);
	assert_false(run.output.is_stable);
	run_for(&run, &other, 4);
	assert_false(run.is_paused);
}

/* A slow drift is no stability, nor is a working set that is not known. */
static void test_no_pause(void **state)
{
	struct load load = {
		.pages = 1 << 18,
		.accesses_per_s = 1e6,
		.trap_us = 2,
	};
	struct run run = run_from(128);
	struct rate_memory memory = { 0 };
	struct rate_input input = {
		.inverse_rate = 128,
		.hot_pages = 64,
		.samples = 10000,
		.window_pages = 1000,
	};
	unsigned int i;

	(void)state;
	run.params.stable_periods = 5;
	for (i = 0; i < 100; i++) {
		load.pages *= 1.02;
		run_step(&run, &load);
		assert_false(run.is_paused);
	}
	run.params = rate_default_params;
	for (i = 0; i < 100; i++)
		assert_false(rate_next(&run.params, &input, &memory).is_paused);
	/* It bears a gap, as after a probe began anew, and no more. */
	input.wss_bytes = 1 << 30;
	for (i = 0; i < 12; i++)
		assert_false(rate_next(&run.params, &input, &memory).is_paused);
	input.wss_bytes = 0;
	for (i = 0; i < 2; i++)
		assert_false(rate_next(&run.params, &input, &memory).is_paused);
	input.wss_bytes = 1 << 30;
	assert_true(rate_next(&run.params, &input, &memory).is_paused);
	memory = (struct rate_memory){ 0 };
	for (i = 0; i < 60; i++) {
		input.wss_bytes = i % 6 < 3 ? 0 : 1 << 30;
		assert_false(rate_next(&run.params, &input, &memory).is_paused);
	}
}

/*
 * GemsFDTD of the thesis: 7.2 % at 1/128, and 2.3 % after 10 periods of the
 * linear form. The model's S_r is set so that its first period has the thesis's
 * distance from it; the table shows how the forms get away from there.
 */
static void test_table_of_the_thesis(void **state)
{
	static const struct load gems = {
		.pages = 1 << 20,
		.accesses_per_s = 5e6,
		.trap_us = 2,
	};
	struct run log_form = run_from(128), loop = run_from(128);
	uint32_t linear = 128;
	double linear_sum = 0;
	unsigned int i;

	(void)state;
	log_form.params.rule = RATE_REFERENCES;
	log_form.params.fault_ratio = 1e-6;
	log_form.params.min_inverse_rate = 128;
	log_form.params.max_inverse_rate = 1280;
	print_message("period     linear T, %%    log T, %%      loop T, %%\n");
	for (i = 0; i < 12; i++) {
		double cost = load_overhead(&gems, linear, 1);

		linear_sum += cost;
		run_step(&log_form, &gems);
		run_step(&loop, &gems);
		print_message("%6u %8u %6.2f %8u %6.2f %8u %6.2f\n", i + 1,
			      linear, 100 * cost, log_form.inverse_rates[i],
			      100 * log_form.overheads[i],
			      loop.inverse_rates[i], 100 * loop.overheads[i]);
		if (linear < 1280)
			linear += 128;
	}
	print_message("  mean          %6.2f          %6.2f          %6.2f\n",
		      100 * linear_sum / 12, 100 * run_mean(&log_form),
		      100 * run_mean(&loop));
	/* The linear form needs ten, the log form two. */
	assert_int_equal(linear, 1280);
	assert_true(log_form.inverse_rates[2] > 1000);
	assert_true(run_mean(&log_form) < linear_sum / 12);
	assert_true(run_mean(&loop) < run_mean(&log_form));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget_after_two_periods),
		cmocka_unit_test(test_no_limit_cycles),
		cmocka_unit_test(test_spare_budget_buys_samples),
		cmocka_unit_test(test_mean_over_phases),
		cmocka_unit_test(test_mean_under_an_adversary),
		cmocka_unit_test(test_starvation),
		cmocka_unit_test(test_starvation_of_all_that_is_mapped),
		cmocka_unit_test(test_no_rate_is_within_the_budget),
		cmocka_unit_test(test_unknown_overhead_changes_nothing),
		cmocka_unit_test(test_equation),
		cmocka_unit_test(test_equation_does_not_swing),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_no_pause),
		cmocka_unit_test(test_table_of_the_thesis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

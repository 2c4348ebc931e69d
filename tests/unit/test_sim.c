// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/lru.h>
#include <mrc/sim.h>

#include "policy_list.h"
#include "policy_queues.h"

#define MAX_TEST_SIZES 200

static struct mrc_sim *new_sim(enum mrc_sim_policy policy,
			       const uint64_t *sizes_pages, size_t nr_sizes,
			       const struct mrc_sim_options *options)
{
	struct mrc_sim *sim = NULL;

	assert_int_equal(
		mrc_sim_new(policy, sizes_pages, nr_sizes, options, &sim), 0);
	assert_non_null(sim);
	return sim;
}

/* Simulate a whole trace at sizes 1 to @nr_sizes. */
static void simulate(enum mrc_sim_policy policy,
		     const struct policy_trace *trace, size_t nr_sizes,
		     const struct mrc_sim_options *options,
		     struct mrc_sim_result *ret_results)
{
	uint64_t sizes_pages[MAX_TEST_SIZES];
	struct mrc_sim *sim;
	size_t i;

	assert_true(nr_sizes <= MAX_TEST_SIZES);
	for (i = 0; i < nr_sizes; i++)
		sizes_pages[i] = i + 1;
	sim = new_sim(policy, sizes_pages, nr_sizes, options);
	assert_int_equal(mrc_sim_access_writes_n(sim, trace->pages,
						 trace->are_writes,
						 trace->nr_pages),
			 0);
	assert_int_equal(mrc_sim_nr_accesses(sim), trace->nr_pages);
	assert_int_equal(mrc_sim_results(sim, ret_results), 0);
	mrc_sim_free(sim);
	for (i = 0; i < nr_sizes; i++) {
		assert_int_equal(ret_results[i].size_pages, i + 1);
		assert_int_equal(ret_results[i].nr_accesses, trace->nr_pages);
		assert_int_equal(ret_results[i].nr_hits +
					 ret_results[i].nr_misses,
				 trace->nr_pages);
	}
}

/* The anomaly: Belady, Nelson, Shedler, CACM 12(6), 1969. */
static void test_belady_anomaly(void **state)
{
	const uint64_t pages[] = { 1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5 };
	const struct policy_trace trace = { pages, NULL, 12 };
	struct mrc_sim_result results[4];

	(void)state;
	simulate(MRC_SIM_FIFO, &trace, 4, NULL, results);
	assert_int_equal(results[2].nr_misses, 9);
	assert_int_equal(results[3].nr_misses, 10);
	assert_int_equal(results[3].nr_cold, 5);
}

/* What each policy but the random ones is compared with. */
static const struct {
	enum mrc_sim_policy policy;
	bool is_list;
	int oracle;
} oracles[] = {
	{ MRC_SIM_OPT, true, LIST_OPT },
	{ MRC_SIM_FIFO, true, LIST_FIFO },
	{ MRC_SIM_LRU, true, LIST_LRU },
	{ MRC_SIM_LFU, true, LIST_LFU },
	{ MRC_SIM_MRU, true, LIST_MRU },
	{ MRC_SIM_CLOCK, true, LIST_CLOCK },
	{ MRC_SIM_CLOCK_CLEAN, true, LIST_CLOCK_CLEAN },
	{ MRC_SIM_ARC, false, QUEUE_ARC },
	{ MRC_SIM_2Q, false, QUEUE_2Q },
	{ MRC_SIM_S3FIFO, false, QUEUE_S3FIFO },
	{ MRC_SIM_SIEVE, false, QUEUE_SIEVE },
};

static void run_oracle(size_t i, const struct policy_trace *trace,
		       size_t size_pages, struct policy_counts *ret_counts)
{
	if (oracles[i].is_list)
		policy_list_run((enum list_policy)oracles[i].oracle, trace,
				size_pages, ret_counts);
	else
		policy_queues_run((enum queue_policy)oracles[i].oracle, trace,
				  size_pages, ret_counts);
}

enum shape {
	UNIFORM,
	SKEWED,
	LOOP,
	PHASES,
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
		return (random >> 32) % (1 + random % nr_pages) << 40;
	case LOOP:
		return random % 8 == 0 ? random >> 60 : i % nr_pages;
	default:
		return UINT64_MAX - i / 200 * (nr_pages / 2) - i % nr_pages;
	}
}

#define TRACE_LENGTH 500

static void compare_with_oracles(enum shape shape, uint64_t nr_pages,
				 unsigned int writes_in_8, uint64_t seed)
{
	struct mrc_sim_result results[MAX_TEST_SIZES];
	uint64_t pages[TRACE_LENGTH];
	uint8_t are_writes[TRACE_LENGTH];
	struct policy_trace trace = { pages, NULL, TRACE_LENGTH };
	size_t nr_sizes = nr_pages + 2;
	size_t i;
	size_t j;

	for (i = 0; i < TRACE_LENGTH; i++) {
		pages[i] = next_page(shape, nr_pages, i, &seed);
		are_writes[i] = test_random(&seed) % 8 < writes_in_8 ? 2 : 0;
	}
	if (writes_in_8 > 0)
		trace.are_writes = are_writes;
	for (i = 0; i < ARRAY_SIZE(oracles); i++) {
		simulate(oracles[i].policy, &trace, nr_sizes, NULL, results);
		for (j = 0; j < nr_sizes; j++) {
			struct policy_counts counts;

			run_oracle(i, &trace, j + 1, &counts);
			if (results[j].nr_hits == counts.nr_hits &&
			    results[j].nr_write_backs == counts.nr_write_backs)
				continue;
			fail_msg(
				"%s, shape %d, size %zu: %zu hits, %zu written",
				mrc_sim_policy_name(oracles[i].policy), shape,
				j + 1, (size_t)results[j].nr_hits,
				(size_t)results[j].nr_write_backs);
		}
	}
}

static void test_same_as_the_oracles(void **state)
{
	const uint64_t nr_pages[] = { 1, 2, 7, 20, 40 };
	uint64_t seed = test_seed();
	int shape;
	size_t i;

	(void)state;
	for (shape = 0; shape < NR_SHAPES; shape++) {
		for (i = 0; i < ARRAY_SIZE(nr_pages); i++) {
			compare_with_oracles((enum shape)shape, nr_pages[i], 0,
					     test_random(&seed));
			compare_with_oracles((enum shape)shape, nr_pages[i], 3,
					     test_random(&seed));
		}
	}
}

/* Spec 3's worked numbers: 100 ns memory, 10 ms disk. */
static void test_amat(void **state)
{
	(void)state;
	assert_near(mrc_amat_ns(0.9, 100, 1e7), 1000090, 1e-6);
	assert_near(mrc_amat_ns(0.999, 100, 1e7), 10099.9, 1e-6);
	assert_near(mrc_amat_ns(1, 100, 1e7), 100, 0);
	assert_near(mrc_amat_ns(0, 100, 1e7), 1e7, 0);
	assert_true(isnan(mrc_amat_ns(-0.1, 100, 1e7)));
	assert_true(isnan(mrc_amat_ns(1.1, 100, 1e7)));
	assert_true(isnan(mrc_amat_ns(NAN, 100, 1e7)));
	assert_true(isnan(mrc_amat_ns(0.5, -1, 1e7)));
	assert_true(isnan(mrc_amat_ns(0.5, 100, -1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_belady_anomaly),
		cmocka_unit_test(test_same_as_the_oracles),
		cmocka_unit_test(test_amat),
	};

	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two bytes choose policy and batches, the others are accesses: the upper bit is
 * a write, the rest the page. Every policy but the random ones counts what its
 * oracle does; those never beat OPT.
 */
#include <stdint.h>
#include <stdlib.h>

#include <mrc/sim.h>

#include "policy_list.h"
#include "policy_queues.h"

#define MAX_ACCESSES 160
#define NR_SIZES 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lists from 0, queues from 100; -1: none. */
static const int oracles[MRC_SIM_NR_POLICIES] = {
	[MRC_SIM_OPT] = LIST_OPT,
	[MRC_SIM_FIFO] = LIST_FIFO,
	[MRC_SIM_RANDOM] = -1,
	[MRC_SIM_LRU] = LIST_LRU,
	[MRC_SIM_LFU] = LIST_LFU,
	[MRC_SIM_MRU] = LIST_MRU,
	[MRC_SIM_CLOCK] = LIST_CLOCK,
	[MRC_SIM_CLOCK_CLEAN] = LIST_CLOCK_CLEAN,
	[MRC_SIM_CLOCK_RANDOM] = -1,
	[MRC_SIM_ARC] = 100 + QUEUE_ARC,
	[MRC_SIM_2Q] = 100 + QUEUE_2Q,
	[MRC_SIM_S3FIFO] = 100 + QUEUE_S3FIFO,
	[MRC_SIM_SIEVE] = 100 + QUEUE_SIEVE,
};

static void check(const struct mrc_sim_result *result, int oracle,
		  const struct policy_trace *trace)
{
	struct policy_counts counts;

	if (result->nr_accesses != trace->nr_pages ||
	    result->nr_hits + result->nr_misses != trace->nr_pages)
		abort();
	if (oracle < 0) {
		policy_list_run(LIST_OPT, trace, result->size_pages, &counts);
		if (result->nr_hits > counts.nr_hits ||
		    result->nr_misses < result->nr_cold)
			abort();
		return;
	}
	if (oracle < 100)
		policy_list_run((enum list_policy)oracle, trace,
				result->size_pages, &counts);
	else
		policy_queues_run((enum queue_policy)(oracle - 100), trace,
				  result->size_pages, &counts);
	if (result->nr_hits != counts.nr_hits ||
	    result->nr_write_backs != counts.nr_write_backs)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t sizes_pages[NR_SIZES] = { 1, 2,	3,  4,	5,  7,
						 9, 10, 13, 21, 30, 64 };
	struct mrc_sim_result results[NR_SIZES];
	uint64_t pages[MAX_ACCESSES];
	uint8_t are_writes[MAX_ACCESSES];
	struct policy_trace trace = { .pages = pages };
	struct mrc_sim *sim = NULL;
	size_t max_batch;
	int policy;
	size_t nr;
	size_t i;

	if (size < 2)
		return 0;
	policy = data[0] % MRC_SIM_NR_POLICIES;
	max_batch = 1 + data[1];
	for (i = 2; i < size && trace.nr_pages < MAX_ACCESSES; i++) {
		pages[trace.nr_pages] = data[i] & 0x7f;
		are_writes[trace.nr_pages++] = data[i] & 0x80;
	}
	trace.are_writes = are_writes;

	if (mrc_sim_new((enum mrc_sim_policy)policy, sizes_pages, NR_SIZES,
			NULL, &sim) < 0)
		abort();
	for (i = 0; i < trace.nr_pages; i += nr) {
		nr = trace.nr_pages - i < max_batch ? trace.nr_pages - i :
						      max_batch;
		if (mrc_sim_access_writes_n(sim, pages + i, are_writes + i,
					    nr) < 0)
			abort();
		/* A look at the results simulates what waits. */
		if (mrc_sim_results(sim, results) < 0)
			abort();
	}
	if (mrc_sim_results(sim, results) < 0)
		abort();
	for (i = 0; i < NR_SIZES; i++)
		check(&results[i], oracles[policy], &trace);
	mrc_sim_free(sim);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole curves of 100 sizes, evenly up to all pages. With 20 M references 25 s
 * are 80 M references/s per size, 66 s are 30 M, 200 s are 10 M.
 *
 * One run each: they take long, and the targets are no ratios.
 */
#include <mrc/sim.h>

#include "bench_mrc.h"

#define NR_SIZES 100

static void run_policy(enum mrc_sim_policy policy, const struct trace *trace)
{
	struct mrc_sim_result results[NR_SIZES];
	uint64_t sizes_pages[NR_SIZES];
	struct mrc_sim *sim = NULL;
	size_t i;

	for (i = 0; i < NR_SIZES; i++)
		sizes_pages[i] = trace->nr_pages * (i + 1) / NR_SIZES;
	MUST(mrc_sim_new(policy, sizes_pages, NR_SIZES, NULL, &sim) == 0);
	MUST(mrc_sim_access_n(sim, trace->pages, trace->nr_accesses) == 0);
	MUST(mrc_sim_results(sim, results) == 0);
	mrc_sim_free(sim);
}

static void run_fifo(const struct trace *trace)
{
	run_policy(MRC_SIM_FIFO, trace);
}

static void run_clock(const struct trace *trace)
{
	run_policy(MRC_SIM_CLOCK, trace);
}

static void run_random(const struct trace *trace)
{
	run_policy(MRC_SIM_RANDOM, trace);
}

static void run_lru(const struct trace *trace)
{
	run_policy(MRC_SIM_LRU, trace);
}

static void run_opt(const struct trace *trace)
{
	run_policy(MRC_SIM_OPT, trace);
}

static void run_lfu(const struct trace *trace)
{
	run_policy(MRC_SIM_LFU, trace);
}

static void run_mru(const struct trace *trace)
{
	run_policy(MRC_SIM_MRU, trace);
}

static void run_clock_random(const struct trace *trace)
{
	run_policy(MRC_SIM_CLOCK_RANDOM, trace);
}

static void run_sieve(const struct trace *trace)
{
	run_policy(MRC_SIM_SIEVE, trace);
}

static const struct row rows[] = {
	{ .name = "fifo", .run = run_fifo, .max_seconds = 25 },
	{ .name = "clock", .run = run_clock, .max_seconds = 25 },
	{ .name = "random", .run = run_random, .max_seconds = 25 },
	{ .name = "lru", .run = run_lru, .max_seconds = 66 },
	{ .name = "opt", .run = run_opt, .max_seconds = 200 },
};

/* Beside fifo, which is the first row again, for the ratio. */
static const struct row more_rows[] = {
	{ .name = "fifo", .run = run_fifo },
	{ .name = "lfu", .run = run_lfu },
	{ .name = "mru", .run = run_mru },
	{ .name = "clock-random", .run = run_clock_random },
	{ .name = "sieve", .run = run_sieve },
};

const struct group group_sim = {
	.name = "sim",
	.title = "Replacement policies at 100 sizes",
	.traces = "a",
	.max_runs = 1,
	.rows = rows,
	.nr_rows = sizeof(rows) / sizeof(rows[0]),
};

const struct group group_sim_more = {
	.name = "sim-more",
	.title = "More replacement policies at 100 sizes",
	.traces = "a",
	.max_runs = 1,
	.is_extra = true,
	.rows = more_rows,
	.nr_rows = sizeof(more_rows) / sizeof(more_rows[0]),
};

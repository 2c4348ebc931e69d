// SPDX-License-Identifier: GPL-2.0-or-later
#include <mrc/counter_stacks.h>
#include <mrc/footprint.h>
#include <mrc/shards.h>

#include "baseline.h"
#include "bench_mrc.h"

static void run_shards(const struct trace *trace, double rate, size_t max_pages)
{
	struct mrc_shards *shards = NULL;
	struct mrc_curve *curve = NULL;

	MUST(mrc_shards_new(rate, max_pages, 1, &shards) == 0);
	MUST(mrc_shards_access_n(shards, trace->pages, trace->nr_accesses) ==
	     0);
	MUST(mrc_shards_curve(shards, &curve) == 0);
	mrc_curve_free(curve);
	mrc_shards_free(shards);
}

static void run_tenth(const struct trace *trace)
{
	run_shards(trace, 0.1, 0);
}

static void run_hundredth(const struct trace *trace)
{
	run_shards(trace, 0.01, 0);
}

static void run_thousandth(const struct trace *trace)
{
	run_shards(trace, 0.001, 0);
}

static void run_fixed_size(const struct trace *trace)
{
	run_shards(trace, 1, 8192);
}

static void run_counter_stacks(const struct trace *trace)
{
	struct mrc_counter_stacks *stacks = NULL;
	struct mrc_curve *curve = NULL;

	MUST(mrc_counter_stacks_new(12, 10000, 0.02, 1, &stacks) == 0);
	MUST(mrc_counter_stacks_access_n(stacks, trace->pages,
					 trace->nr_accesses) == 0);
	MUST(mrc_counter_stacks_curve(stacks, &curve) == 0);
	mrc_curve_free(curve);
	mrc_counter_stacks_free(stacks);
}

static void run_footprint(const struct trace *trace)
{
	struct mrc_footprint *footprint = NULL;
	struct mrc_curve *curve = NULL;

	MUST(mrc_footprint_new(7, &footprint) == 0);
	MUST(mrc_footprint_access_n(footprint, trace->pages,
				    trace->nr_accesses) == 0);
	MUST(mrc_footprint_curve(footprint, &curve) == 0);
	mrc_curve_free(curve);
	mrc_footprint_free(footprint);
}

/*
 * 10 and 3.5 times libCacheSim's SHARDS, whose geometric means are 11.6 and 113
 * M references/s where those of the baseline were 19.7.
 */
static const struct row rows[] = {
	{ .name = "hash table, AET", .run = baseline_aet },
	{ .name = "mrc_shards, 0.1", .run = run_tenth, .min_ratio = 5.9 },
	{ .name = "mrc_shards, 0.01", .run = run_hundredth, .min_ratio = 20 },
	{ .name = "mrc_shards, 0.001", .run = run_thousandth },
	{
		.name = "mrc_shards, 8192 pages",
		.run = run_fixed_size,
		.max_mebibytes = 1,
	},
	{ .name = "mrc_counter_stacks", .run = run_counter_stacks },
	{ .name = "mrc_footprint", .run = run_footprint },
};

const struct group group_shards = {
	.name = "shards",
	.title = "Samples, counters and windows",
	.traces = "abcd",
	.rows = rows,
	.nr_rows = sizeof(rows) / sizeof(rows[0]),
};

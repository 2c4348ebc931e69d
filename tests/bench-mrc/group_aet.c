// SPDX-License-Identifier: GPL-2.0-or-later
#include <mrc/aet.h>

#include "baseline.h"
#include "bench_mrc.h"

static void run(const struct mrc_reuse_options *options,
		const struct trace *trace)
{
	struct mrc_reuse *reuse = NULL;
	struct mrc_curve *curve = NULL;

	MUST(mrc_reuse_new_with(options, &reuse) == 0);
	MUST(mrc_reuse_access_n(reuse, trace->pages, trace->nr_accesses) == 0);
	MUST(mrc_reuse_curve(reuse, &curve) == 0);
	mrc_curve_free(curve);
	mrc_reuse_free(reuse);
}

static void run_full(const struct trace *trace)
{
	run(&(struct mrc_reuse_options){ .sub_bucket_bits = 7 }, trace);
}

static void run_fine(const struct trace *trace)
{
	run(&(struct mrc_reuse_options){ .sub_bucket_bits = 10 }, trace);
}

static void run_windows(const struct trace *trace)
{
	run(
		&(struct mrc_reuse_options){
			.sub_bucket_bits = 7,
			.window_accesses = 1000000,
		},
		trace);
}

static void run_sample(const struct trace *trace,
		       enum mrc_reuse_sampling sampling, double inverse_rate)
{
	run(
		&(struct mrc_reuse_options){
			.sub_bucket_bits = 10,
			.sampling = sampling,
			.inverse_rate = inverse_rate,
			.seed = 1,
		},
		trace);
}

static void run_references_100(const struct trace *trace)
{
	run_sample(trace, MRC_REUSE_REFERENCES, 100);
}

static void run_references_1000(const struct trace *trace)
{
	run_sample(trace, MRC_REUSE_REFERENCES, 1000);
}

static void run_pages_100(const struct trace *trace)
{
	run_sample(trace, MRC_REUSE_PAGES, 100);
}

static void run_pages_1000(const struct trace *trace)
{
	run_sample(trace, MRC_REUSE_PAGES, 1000);
}

static const struct row rows[] = {
	{ .name = "open addressing", .run = baseline_aet },
	{
		.name = "mrc_reuse",
		.run = run_full,
		.min_ratio = 3,
		.max_bytes_per_page = 32,
	},
	{ .name = "windows of 1 M", .run = run_windows, .max_loss = 0.1 },
	{
		.name = "2^10 sub-buckets",
		.run = run_fine,
		.min_ratio = 3,
		.max_bytes_per_page = 32,
	},
	{
		.name = "references, 1 %",
		.run = run_references_100,
		.min_ratio = 6,
	},
	{ .name = "references, 0.1 %", .run = run_references_1000 },
	{ .name = "pages, 1 %", .run = run_pages_100, .min_ratio = 6 },
	{ .name = "pages, 0.1 %", .run = run_pages_1000 },
};

const struct group group_aet = {
	.name = "aet",
	.title = "AET",
	.traces = "abcd",
	.rows = rows,
	.nr_rows = sizeof(rows) / sizeof(rows[0]),
};

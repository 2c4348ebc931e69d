// SPDX-License-Identifier: GPL-2.0-or-later
#include <mrc/aet.h>

#include "baseline.h"
#include "bench_mrc.h"

static void run_full(const struct trace *trace)
{
	struct mrc_reuse *reuse = NULL;
	struct mrc_curve *curve = NULL;
	size_t i;

	MUST(mrc_reuse_new(7, &reuse) == 0);
	for (i = 0; i < trace->nr_accesses; i++)
		MUST(mrc_reuse_access(reuse, trace->pages[i]) == 0);
	MUST(mrc_aet_curve(mrc_reuse_hist(reuse), 1, &curve) == 0);
	mrc_curve_free(curve);
	mrc_reuse_free(reuse);
}

static const struct row rows[] = {
	{ .name = "open addressing", .run = baseline_aet },
	{
		.name = "mrc_reuse",
		.run = run_full,
		.min_ratio = 3,
		.max_bytes_per_page = 32,
	},
};

const struct group group_aet = {
	.name = "aet",
	.title = "AET",
	.traces = "abcd",
	.rows = rows,
	.nr_rows = sizeof(rows) / sizeof(rows[0]),
};

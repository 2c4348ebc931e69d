// SPDX-License-Identifier: GPL-2.0-or-later
#include <mrc/lru.h>

#include "baseline.h"
#include "bench_mrc.h"

static void run_lru(const struct trace *trace)
{
	struct mrc_lru *lru = NULL;
	struct mrc_curve *curve = NULL;

	MUST(mrc_lru_new(&lru) == 0);
	MUST(mrc_lru_access_n(lru, trace->pages, trace->nr_accesses, NULL) ==
	     0);
	MUST(mrc_lru_curve(lru, &curve) == 0);
	mrc_curve_free(curve);
	mrc_lru_free(lru);
}

static const struct row rows[] = {
	{ .name = "Fenwick tree", .run = baseline_fenwick },
	{ .name = "mrc_lru", .run = run_lru, .min_ratio = 5 },
};

const struct group group_lru = {
	.name = "lru",
	.title = "Exact LRU stack depths",
	.traces = "abcd",
	.rows = rows,
	.nr_rows = sizeof(rows) / sizeof(rows[0]),
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of the benchmark: groups of programs that do the same work, timed in
 * turn on the same traces. To add some: write group_NAME.c with a struct group
 * and list it in bench_mrc.c.
 */
#ifndef TESTS_BENCH_MRC_H
#define TESTS_BENCH_MRC_H

#include <stdbool.h>
#include <stddef.h>

#include "traces.h"

struct row {
	const char *name;
	/*
	 * All of it: make the object, count the trace, make the curve, free. It
	 * runs in a process of its own, and exits with 1 if something fails.
	 */
	void (*run)(const struct trace *trace);
	/* What it must reach; 0 is no target. */
	double min_ratio; /* geometric mean of the speeds, to the first row's */
	double min_mega_refs; /* M references/s, on every trace */
	double max_seconds; /* CPU time, on every trace */
	double max_bytes_per_page; /* peak memory, on every trace */
	double max_mebibytes; /* the same */
	double max_loss; /* share of the speed of the row before this one */
};

struct group {
	const char *name; /* for --group */
	const char *title;
	const char *traces; /* of "abcdef" */
	size_t max_runs; /* 0: as many as are asked for */
	bool is_extra; /* only if asked for: it takes long, and has no targets */
	const struct row *rows; /* the first one is the baseline */
	size_t nr_rows;
};

extern const struct group group_aet;
extern const struct group group_lru;
extern const struct group group_shards;
extern const struct group group_sim;
extern const struct group group_sim_more;

/* End the program if @is_true is false: a benchmark of a failure is none. */
void must(int is_true, const char *what);
#define MUST(condition) must(condition, #condition)

#endif

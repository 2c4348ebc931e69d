/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The traces that accuracy and speed are stated for. Page numbers are scattered
 * over all 64 bits: dense ones would flatter a weak hash.
 *
 *	a  Zipf(1.0) over 1 M pages
 *	b  a loop over 300 k pages
 *	c  uniform over 500 k pages
 *	d  70 % Zipf(0.8) over 200 k pages, 30 % of a sequential scan over 1 M
 *	e  Zipf(1.0) over 1 M pages, which pages are the hot ones drawn anew for
 *	   every fifth of the trace
 *	f  ten phases: a loop over 300 k pages, then uniform over 500 k others, ...
 */
#ifndef TESTS_BENCH_MRC_TRACES_H
#define TESTS_BENCH_MRC_TRACES_H

#include <stddef.h>
#include <stdint.h>

#define NR_TRACES 6

struct trace {
	char name; /* 'a'.. */
	uint64_t *pages;
	size_t nr_accesses;
	size_t nr_pages; /* distinct ones it draws from */
};

/*
 * Make trace @name with @nr_accesses. @divisor divides all numbers of pages, 1
 * for those above. To be freed with trace_free(). Exits without memory.
 */
struct trace trace_new(char name, size_t nr_accesses, size_t divisor);
void trace_free(struct trace *trace);

#endif

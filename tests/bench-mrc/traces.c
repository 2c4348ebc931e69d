// SPDX-License-Identifier: GPL-2.0-or-later
#include "traces.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* splitmix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t scatter(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t next_random(uint64_t *state)
{
	return scatter(*state += UINT64_C(0x9e3779b97f4a7c15));
}

static double next_unit(uint64_t *state)
{
	return (double)(next_random(state) >> 11) * 0x1p-53;
}

/* Below 2^32. */
static uint64_t next_below(uint64_t *state, uint64_t bound)
{
	return (next_random(state) >> 32) * bound >> 32;
}

static void *allocate(size_t nr, size_t size)
{
	void *memory = calloc(nr, size);

	if (memory == NULL) {
		fputs("traces: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

/*
 * Zipf by its cumulative distribution and a guide into it: Chen, Asau: "On
 * generating random variates from an empirical distribution", AIIE Transactions
 * 6(2), 1974.
 */
struct zipf {
	double *up_to; /* share of the ranks 0..i */
	uint32_t *guide; /* first rank that reaches j / nr */
	size_t nr;
};

static struct zipf zipf_new(double exponent, size_t nr)
{
	struct zipf zipf = {
		.up_to = allocate(nr, sizeof(*zipf.up_to)),
		.guide = allocate(nr, sizeof(*zipf.guide)),
		.nr = nr,
	};
	double sum = 0;
	size_t rank;
	size_t j = 0;

	for (rank = 0; rank < nr; rank++)
		zipf.up_to[rank] = sum += pow((double)rank + 1, -exponent);
	for (rank = 0; rank < nr; rank++) {
		zipf.up_to[rank] /= sum;
		for (; j < nr && (double)j / (double)nr <= zipf.up_to[rank];
		     j++)
			zipf.guide[j] = (uint32_t)rank;
	}
	return zipf;
}

static size_t zipf_next(const struct zipf *zipf, uint64_t *seed)
{
	double unit = next_unit(seed);
	size_t rank = zipf->guide[(size_t)(unit * (double)zipf->nr)];

	while (rank + 1 < zipf->nr && zipf->up_to[rank] < unit)
		rank++;
	return rank;
}

static void zipf_free(struct zipf *zipf)
{
	free(zipf->up_to);
	free(zipf->guide);
}

static void fill_zipf(struct trace *trace, size_t nr_parts, uint64_t seed)
{
	struct zipf zipf = zipf_new(1, trace->nr_pages);
	uint32_t *page_of = allocate(trace->nr_pages, sizeof(*page_of));
	size_t part_length = (trace->nr_accesses + nr_parts - 1) / nr_parts;
	size_t i;
	size_t j;

	for (i = 0; i < trace->nr_pages; i++)
		page_of[i] = (uint32_t)i;
	for (i = 0; i < trace->nr_accesses; i++) {
		for (j = trace->nr_pages; i % part_length == 0 && j > 1; j--) {
			size_t k = next_below(&seed, j);
			uint32_t page = page_of[j - 1];

			page_of[j - 1] = page_of[k];
			page_of[k] = page;
		}
		trace->pages[i] = page_of[zipf_next(&zipf, &seed)];
	}
	free(page_of);
	zipf_free(&zipf);
}

static void fill_mixture(struct trace *trace, size_t nr_zipf, uint64_t seed)
{
	struct zipf zipf = zipf_new(0.8, nr_zipf);
	uint64_t scanned = 0;
	size_t i;

	for (i = 0; i < trace->nr_accesses; i++)
		if (next_unit(&seed) < 0.7)
			trace->pages[i] = zipf_next(&zipf, &seed);
		else
			trace->pages[i] =
				nr_zipf +
				scanned++ % (trace->nr_pages - nr_zipf);
	zipf_free(&zipf);
}

static void fill_phases(struct trace *trace, size_t nr_loop, uint64_t seed)
{
	size_t phase_length = (trace->nr_accesses + 9) / 10;
	size_t i;

	for (i = 0; i < trace->nr_accesses; i++)
		if (i / phase_length % 2 == 0)
			trace->pages[i] = i % phase_length % nr_loop;
		else
			trace->pages[i] =
				nr_loop +
				next_below(&seed, trace->nr_pages - nr_loop);
}

struct trace trace_new(char name, size_t nr_accesses, size_t divisor)
{
	struct trace trace = {
		.name = name,
		.pages = allocate(nr_accesses, sizeof(*trace.pages)),
		.nr_accesses = nr_accesses,
	};
	uint64_t seed = (uint64_t)name;
	size_t i;

	switch (name) {
	case 'a':
	case 'e':
		trace.nr_pages = 1000000 / divisor;
		fill_zipf(&trace, name == 'a' ? 1 : 5, seed);
		break;
	case 'b':
		trace.nr_pages = 300000 / divisor;
		for (i = 0; i < nr_accesses; i++)
			trace.pages[i] = i % trace.nr_pages;
		break;
	case 'c':
		trace.nr_pages = 500000 / divisor;
		for (i = 0; i < nr_accesses; i++)
			trace.pages[i] = next_below(&seed, trace.nr_pages);
		break;
	case 'd':
		trace.nr_pages = 1200000 / divisor;
		fill_mixture(&trace, 200000 / divisor, seed);
		break;
	default:
		trace.nr_pages = 800000 / divisor;
		fill_phases(&trace, 300000 / divisor, seed);
		break;
	}
	for (i = 0; i < nr_accesses; i++)
		trace.pages[i] = scatter(trace.pages[i] + 1);
	return trace;
}

void trace_free(struct trace *trace)
{
	free(trace->pages);
	*trace = (struct trace){ 0 };
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "footprint_windows.h"

/* Pages of trace[from..to) that were not in it before. */
static size_t count_distinct(const uint64_t *trace, size_t from, size_t to)
{
	size_t nr = 0;
	size_t i;
	size_t j;

	for (i = from; i < to; i++) {
		for (j = from; j < i; j++)
			if (trace[j] == trace[i])
				break;
		nr += j == i;
	}
	return nr;
}

double footprint_windows_average(const uint64_t *trace, size_t nr_accesses,
				 size_t window)
{
	size_t sum = 0;
	size_t from;

	for (from = 0; from + window <= nr_accesses; from++)
		sum += count_distinct(trace, from, from + window);
	return (double)sum / (double)(nr_accesses - window + 1);
}

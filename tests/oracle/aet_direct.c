// SPDX-License-Identifier: GPL-2.0-or-later
#include "aet_direct.h"

size_t aet_direct_reuse_time(const uint64_t *trace, size_t i)
{
	size_t j;

	for (j = i; j > 0; j--)
		if (trace[j - 1] == trace[i])
			return i - (j - 1);
	return 0;
}

static double share_longer(const size_t *reuse_times, size_t nr_accesses,
			   size_t time)
{
	size_t nr_longer = 0;
	size_t i;

	for (i = 0; i < nr_accesses; i++)
		if (reuse_times[i] == 0 || reuse_times[i] > time)
			nr_longer++;
	return (double)nr_longer / (double)nr_accesses;
}

double aet_direct_miss_ratio(const size_t *reuse_times, size_t nr_accesses,
			     double size_pages)
{
	double share = 1;
	double sum = 0;
	size_t time;

	/* No reuse time is longer than the trace, so P is constant behind. */
	for (time = 0; time < nr_accesses; time++) {
		double next = share_longer(reuse_times, nr_accesses, time + 1);

		if (sum + share > size_pages)
			return share +
			       (next - share) * (size_pages - sum) / share;
		sum += share;
		share = next;
		if (share == 0)
			break;
	}
	return share;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* Read a curve: the miss ratio at a size and the size at a miss ratio. */
#include <inttypes.h>
#include <stdio.h>

#include <mrc/curve.h>

int main(void)
{
	const double sizes_pages[] = { 0, 1000, 5000 };
	const double miss_ratios[] = { 1, 0.25, 0.01 };
	struct mrc_curve *curve;
	uint64_t pages;

	if (mrc_curve_new(sizes_pages, miss_ratios, 3, &curve) < 0)
		return 1;
	printf("miss ratio at 500 pages: %.3f\n", mrc_curve_at(curve, 500));
	if (mrc_curve_wss_pages(curve, 0.05, &pages) == 0)
		printf("at most 5 %% misses: %" PRIu64 " pages\n", pages);
	if (mrc_curve_wss_pages(curve, 0.001, &pages) < 0)
		printf("at most 0.1 %% misses: never\n");
	mrc_curve_free(curve);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* Print the miss-ratio curve of a loop over 100 pages, computed by AET. */
#include <stdio.h>

#include <mrc/aet.h>

int main(void)
{
	struct mrc_reuse *reuse;
	struct mrc_curve *curve;
	double size_pages;
	double miss_ratio;
	int err;
	size_t i;

	err = mrc_reuse_new(7, &reuse);
	if (err < 0)
		return 1;
	for (i = 0; err == 0 && i < 10000; i++)
		err = mrc_reuse_access(reuse, i % 100);
	if (err == 0)
		err = mrc_aet_curve(mrc_reuse_hist(reuse), 1, &curve);
	mrc_reuse_free(reuse);
	if (err < 0)
		return 1;

	for (i = 0; i < mrc_curve_nr_points(curve); i++)
		if (mrc_curve_point(curve, i, &size_pages, &miss_ratio) == 0)
			printf("%g pages: %g\n", size_pages, miss_ratio);
	mrc_curve_free(curve);
	return 0;
}

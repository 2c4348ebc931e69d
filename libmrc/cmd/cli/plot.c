// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plot.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"

int plot_series_init(const struct mrc_curve *curve,
		     struct plot_series *ret_series)
{
	CLEANUP(plot_series_done)
	struct plot_series series = {
		.nr_points = mrc_curve_nr_points(curve),
		.is_flat_behind = true,
	};
	size_t i;

	series.sizes_pages = calloc(series.nr_points, sizeof(double));
	series.miss_ratios = calloc(series.nr_points, sizeof(double));
	if (!series.sizes_pages || !series.miss_ratios)
		return -ENOMEM;
	for (i = 0; i < series.nr_points; i++)
		(void)mrc_curve_point(curve, i, &series.sizes_pages[i],
				      &series.miss_ratios[i]);
	*ret_series = series;
	series = (struct plot_series){ 0 };
	return 0;
}

void plot_series_done(struct plot_series *series)
{
	free(series->sizes_pages);
	free(series->miss_ratios);
	free(series->lower_ratios);
	free(series->upper_ratios);
	*series = (struct plot_series){ 0 };
}

bool plot_series_covers(const struct plot_series *series, double size_pages)
{
	return size_pages >= series->sizes_pages[0] &&
	       (series->is_flat_behind ||
		size_pages <= series->sizes_pages[series->nr_points - 1]);
}

double plot_series_at(const struct plot_series *series, double size_pages)
{
	size_t low = 0, high = series->nr_points - 1;
	double share;

	if (size_pages <= series->sizes_pages[low])
		return series->miss_ratios[low];
	if (size_pages >= series->sizes_pages[high])
		return series->miss_ratios[high];
	/* sizes[low] < size < sizes[high] */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (series->sizes_pages[middle] <= size_pages)
			low = middle;
		else
			high = middle;
	}
	share = (size_pages - series->sizes_pages[low]) /
		(series->sizes_pages[high] - series->sizes_pages[low]);
	return series->miss_ratios[low] +
	       share * (series->miss_ratios[high] - series->miss_ratios[low]);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reuse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "aet_parts.h"
#include "band.h"
#include "curve_points.h"

/* All windows as parts, in the order in which they look back. */
struct windows {
	struct mrc_parts parts;
	double *counts; /* of all parts: events, censored, lost, events, ... */
	double *slopes; /* or NULL */
};

/* The part of window @w. Sampled references look ahead: time runs backwards. */
static size_t part_of(const struct mrc_reuse *reuse, size_t w)
{
	return reuse->options.sampling == MRC_REUSE_REFERENCES ?
		       reuse->nr_windows - 1 - w :
		       w;
}

static double *events_of(const struct windows *windows, size_t part)
{
	return windows->counts + 3 * part * windows->parts.nr_buckets;
}

static double *censored_of(const struct windows *windows, size_t part)
{
	return events_of(windows, part) + windows->parts.nr_buckets;
}

static double *lost_of(const struct windows *windows, size_t part)
{
	return censored_of(windows, part) + windows->parts.nr_buckets;
}

static void add_counts(double *to, const uint64_t *from, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		to[i] += (double)from[i];
}

static void add_cell(const struct windows *windows, size_t part,
		     const struct mrc_reuse_cell *cell)
{
	size_t nr = cell->nr_buckets;

	if (nr > windows->parts.nr_buckets)
		nr = windows->parts.nr_buckets;
	add_counts(events_of(windows, part), cell->events, nr);
	add_counts(censored_of(windows, part), cell->censored, nr);
	add_counts(lost_of(windows, part), cell->lost, nr);
	windows->parts.parts[part].nr_observed += (double)cell->nr_observed;
}

/* The window that is not over yet is what the whole has more than the rest. */
static void add_last_window(const struct mrc_reuse *reuse,
			    const struct windows *windows)
{
	size_t last = reuse->nr_windows - 1;
	double *events = events_of(windows, last);
	double *censored = censored_of(windows, last);
	size_t i;

	for (i = 0; i < windows->parts.nr_buckets; i++) {
		events[i] = (double)reuse->hist->counts[i];
		censored[i] = (double)reuse->hist->censored[i];
		if (reuse->at_window == NULL)
			continue;
		events[i] -= (double)reuse->at_window->counts[i];
		censored[i] -= (double)reuse->at_window->censored[i];
	}
	windows->parts.parts[last].nr_observed = (double)reuse->hist->total;
	if (reuse->at_window != NULL)
		windows->parts.parts[last].nr_observed -=
			(double)reuse->at_window->total;
}

/* References that still wait have not been reused up to now. */
static void add_waiting(const struct mrc_reuse *reuse,
			const struct windows *windows, size_t left_out)
{
	unsigned int b = windows->parts.sub_bucket_bits;
	unsigned int slot;
	size_t i;

	for (i = 0; i < reuse->table.nr_lines; i++) {
		const struct mrc_page_line *line = &reuse->table.lines[i];

		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++) {
			uint64_t page = line->pages[slot];
			uint64_t begin;
			size_t part;

			if (line->values[slot] == MARK_EMPTY ||
			    line->values[slot] == MARK_CLOSED)
				continue;
			begin = mrc_reuse_time_of(reuse, page,
						  line->values[slot]);
			if (mrc_reuse_group_of(reuse, page, begin) == left_out)
				continue;
			part = part_of(reuse,
				       mrc_reuse_window_at(reuse, begin));
			censored_of(windows, part)[mrc_bucket_index(
				b, reuse->nr_accesses - 1 - begin)]++;
			windows->parts.parts[part].nr_observed++;
		}
	}
}

/*
 * How the number of accesses with a longer reuse time than a bucket's grows with
 * the number of accesses, among the groups of sampled pages. -ENOMEM.
 */
static int find_slopes(const struct mrc_reuse *reuse, size_t left_out,
		       size_t nr_buckets, double **ret_slopes)
{
	double nr_observed[MRC_REUSE_NR_GROUPS] = { 0 };
	double nr_longer[MRC_REUSE_NR_GROUPS];
	double *slopes = malloc(nr_buckets * sizeof(*slopes));
	double variance = 0;
	double mean = 0;
	size_t nr = 0;
	size_t i;
	size_t w;
	size_t g;

	if (slopes == NULL)
		return -ENOMEM;
	for (g = 0; g < reuse->nr_groups; g++) {
		for (w = 0; w < reuse->nr_windows; w++)
			nr_observed[g] +=
				(double)reuse->cells[w * reuse->nr_groups + g]
					.nr_observed;
		nr_longer[g] = nr_observed[g];
		if (g != left_out) {
			mean += nr_observed[g];
			nr++;
		}
	}
	mean /= (double)nr;
	for (g = 0; g < reuse->nr_groups; g++)
		if (g != left_out)
			variance += (nr_observed[g] - mean) *
				    (nr_observed[g] - mean);
	for (i = 0; i < nr_buckets; i++) {
		double covariance = 0;

		for (g = 0; g < reuse->nr_groups; g++) {
			for (w = 0; w < reuse->nr_windows; w++) {
				const struct mrc_reuse_cell *cell =
					&reuse->cells[w * reuse->nr_groups + g];

				if (i < cell->nr_buckets)
					nr_longer[g] -= (double)cell->events[i];
			}
			if (g != left_out)
				covariance +=
					(nr_observed[g] - mean) * nr_longer[g];
		}
		slopes[i] = variance > 0 ?
				    fmin(fmax(covariance / variance, 0), 1) :
				    0;
	}
	*ret_slopes = slopes;
	return 0;
}

static void free_windows(struct windows *windows)
{
	free(windows->parts.parts);
	free(windows->counts);
	free(windows->slopes);
}

/* A part with fewer observations than this is not a window of its own. */
#define MIN_OBSERVED 100

/* Let parts with too few observations be one with a neighbour. */
static void join_small_parts(struct windows *windows)
{
	struct mrc_parts *parts = &windows->parts;
	size_t nr = 0;
	size_t p;
	size_t i;

	for (p = 1; p < parts->nr_parts; p++) {
		struct mrc_part *last = &parts->parts[nr];

		if (last->nr_observed >= MIN_OBSERVED &&
		    parts->parts[p].nr_observed >= MIN_OBSERVED) {
			parts->parts[++nr] = parts->parts[p];
			continue;
		}
		/* The arrays of a part lie behind each other. */
		for (i = 0; i < 3 * parts->nr_buckets; i++)
			((double *)last->events)[i] +=
				parts->parts[p].events[i];
		last->nr_observed += parts->parts[p].nr_observed;
		last->length += parts->parts[p].length;
	}
	parts->nr_parts = nr + 1;
}

/* All that was observed but by group @left_out. -ENOMEM. */
static int gather_windows(const struct mrc_reuse *reuse, size_t left_out,
			  struct windows *ret_windows)
{
	struct windows windows = {
		.parts = {
			.sub_bucket_bits = reuse->options.sub_bucket_bits,
			.nr_buckets = mrc_bucket_index(
				reuse->options.sub_bucket_bits,
				reuse->nr_accesses) + 1,
			.nr_parts = reuse->nr_windows,
		},
	};
	size_t w;
	size_t g;

	windows.parts.parts =
		calloc(reuse->nr_windows, sizeof(*windows.parts.parts));
	windows.counts = calloc(3 * windows.parts.nr_buckets,
				reuse->nr_windows * sizeof(double));
	if (windows.parts.parts == NULL || windows.counts == NULL) {
		free_windows(&windows);
		return -ENOMEM;
	}
	for (w = 0; w < reuse->nr_windows; w++) {
		size_t p = part_of(reuse, w);

		windows.parts.parts[p] = (struct mrc_part){
			.length = (double)reuse->window_length,
			.events = events_of(&windows, p),
			.censored = censored_of(&windows, p),
			.lost = lost_of(&windows, p),
		};
		if (w + 1 == reuse->nr_windows)
			windows.parts.parts[p].length =
				(double)(reuse->nr_accesses -
					 w * reuse->window_length);
		for (g = 0; g < reuse->nr_groups; g++)
			if (g != left_out)
				add_cell(
					&windows, p,
					&reuse->cells[w * reuse->nr_groups + g]);
	}
	if (!mrc_reuse_is_sampling(reuse))
		add_last_window(reuse, &windows);
	if (reuse->options.sampling == MRC_REUSE_REFERENCES)
		add_waiting(reuse, &windows, left_out);
	if (reuse->options.sampling == MRC_REUSE_PAGES) {
		int err = find_slopes(reuse, left_out, windows.parts.nr_buckets,
				      &windows.slopes);

		if (err < 0) {
			free_windows(&windows);
			return err;
		}
		windows.parts.slopes = windows.slopes;
		windows.parts.inverse_rate = reuse->options.inverse_rate;
		if (left_out < reuse->nr_groups)
			windows.parts.inverse_rate *=
				(double)reuse->nr_groups /
				(double)(reuse->nr_groups - 1);
	}
	join_small_parts(&windows);
	*ret_windows = windows;
	return 0;
}

/*
 * Sizes that a curve is made for: the edges of the buckets, up to the number of
 * accesses, which is more than there are pages. NULL without memory.
 */
static double *new_sizes(const struct mrc_reuse *reuse, size_t *ret_nr)
{
	unsigned int b = reuse->options.sub_bucket_bits;
	size_t nr = mrc_bucket_index(b, reuse->nr_accesses) + 1;
	double *sizes = malloc(nr * sizeof(*sizes));
	size_t i;

	for (i = 0; sizes != NULL && i < nr; i++)
		sizes[i] = (double)mrc_bucket_low(b, i);
	*ret_nr = nr;
	return sizes;
}

/* A curve from ratios that noise may have made increase. -ENOMEM. */
static int curve_of(const double *sizes, const double *ratios, size_t nr,
		    struct mrc_curve **ret_curve)
{
	struct mrc_curve *curve = mrc_curve_alloc(nr + 1);
	double last = 1;
	size_t i;

	if (curve == NULL)
		return -ENOMEM;
	/* What does not change behind a size is not worth a point. */
	while (nr > 2 && ratios[nr - 1] == ratios[nr - 2])
		nr--;
	for (i = 1; i < nr; i++) {
		last = fmin(last, fmax(ratios[i], 0));
		mrc_curve_append(curve, sizes[i], last);
	}
	*ret_curve = curve;
	return 0;
}

/* -ENODATA nothing was observed. */
static int estimate(const struct mrc_reuse *reuse, size_t left_out,
		    const double *sizes, size_t nr, double *ret_ratios)
{
	struct windows windows;
	int err;

	err = gather_windows(reuse, left_out, &windows);
	if (err < 0)
		return err;
	if (windows.parts.parts[0].nr_observed == 0)
		err = -ENODATA;
	else
		err = mrc_parts_ratios(&windows.parts, sizes, nr, ret_ratios);
	free_windows(&windows);
	return err;
}

int mrc_reuse_curve(const struct mrc_reuse *reuse, struct mrc_curve **ret_curve)
{
	double *sizes = NULL;
	double *ratios = NULL;
	size_t nr;
	int err;

	if (reuse->nr_accesses == 0)
		return -ENODATA;
	if (reuse->options.is_cold_infinite)
		return mrc_aet_curve(reuse->hist, 1, ret_curve);
	sizes = new_sizes(reuse, &nr);
	ratios = malloc(nr * sizeof(*ratios));
	if (sizes == NULL || ratios == NULL)
		err = -ENOMEM;
	else
		err = estimate(reuse, SIZE_MAX, sizes, nr, ratios);
	if (err == 0)
		err = curve_of(sizes, ratios, nr, ret_curve);
	free(sizes);
	free(ratios);
	return err;
}

/* Each observation with a weight, drawn anew. */
static void weigh(const struct windows *windows, struct mrc_random *random,
		  const struct windows *weighed)
{
	const struct mrc_parts *parts = &windows->parts;
	size_t p;
	size_t i;

	for (p = 0; p < parts->nr_parts; p++) {
		struct mrc_part *part = &weighed->parts.parts[p];

		part->nr_observed = 0;
		for (i = 0; i < 3 * parts->nr_buckets; i++) {
			double weight = mrc_band_weigh(
				random, parts->parts[p].events[i]);

			((double *)part->events)[i] = weight;
			part->nr_observed += weight;
		}
	}
}

/* Sampled references are independent of each other. -ENOMEM. */
static int add_weighed(const struct mrc_reuse *reuse, double *ratios,
		       struct mrc_band *band)
{
	/* The same observations, the same band. */
	struct mrc_random random = { .state = reuse->nr_accesses };
	struct windows windows;
	struct windows weighed = { 0 };
	int err;

	err = gather_windows(reuse, SIZE_MAX, &windows);
	if (err < 0)
		return err;
	err = gather_windows(reuse, SIZE_MAX, &weighed);
	while (err == 0 && band->nr_replicates < MRC_BAND_NR_REPLICATES) {
		weigh(&windows, &random, &weighed);
		err = mrc_parts_ratios(&weighed.parts, band->sizes,
				       band->nr_sizes, ratios);
		if (err == 0)
			mrc_band_add(band, ratios);
	}
	free_windows(&weighed);
	free_windows(&windows);
	return err;
}

/* Of sampled pages, the groups take turns at being left out. -ENOMEM. */
static int add_without_groups(const struct mrc_reuse *reuse, double *ratios,
			      struct mrc_band *band)
{
	size_t g;
	size_t i;
	int err;

	for (g = 0; g < reuse->nr_groups; g++) {
		err = estimate(reuse, g, band->sizes, band->nr_sizes, ratios);
		/* All there is was left out, and anything may be true. */
		for (i = 0; err == -ENODATA && i < band->nr_sizes; i++)
			ratios[i] = 0;
		if (err < 0 && err != -ENODATA)
			return err;
		mrc_band_add(band, ratios);
	}
	return 0;
}

/*
 * Groups differ by as many as would have the accesses, were they of equal size: a
 * group with a hot page is worth more than one, and the others less. Kish: "Survey
 * Sampling", 1965.
 */
static size_t free_groups(const struct mrc_reuse *reuse)
{
	double squares = 0;
	double sum = 0;
	size_t w;
	size_t g;

	for (g = 0; g < reuse->nr_groups; g++) {
		double nr = 0;

		for (w = 0; w < reuse->nr_windows; w++)
			nr += (double)reuse->cells[w * reuse->nr_groups + g]
				      .nr_observed;
		sum += nr;
		squares += nr * nr;
	}
	if (squares == 0)
		return 1;
	return (size_t)fmax(sum * sum / squares - 1, 1);
}

/* The number sampled differs by no more than that without a reason. */
#define MAX_DEVIATIONS 3

static double nr_observed_in(const struct mrc_reuse *reuse, size_t group)
{
	double nr = 0;
	size_t w;

	for (w = 0; w < reuse->nr_windows; w++)
		nr += (double)reuse->cells[w * reuse->nr_groups + group]
			      .nr_observed;
	return nr;
}

/* Of the number of accesses sampled, by how the groups of the sample differ. */
static double deviation_of_observed(const struct mrc_reuse *reuse)
{
	double nr = (double)reuse->nr_groups;
	double squares = 0;
	double sum = 0;
	size_t g;

	for (g = 0; g < reuse->nr_groups; g++) {
		double observed = nr_observed_in(reuse, g);

		sum += observed;
		squares += observed * observed;
	}
	return sqrt(fmax(squares - sum * sum / nr, 0) * nr / (nr - 1));
}

/*
 * Where fewer accesses were sampled than there should be, what is missing may be
 * those of pages that are accessed more than any in the sample. How many of them
 * miss no group can show: by the slopes as many as of others do, in truth fewer. If
 * none do, the misses sampled are all there are, and their share is the plain
 * estimate: the band's lower end reaches there. Not where the number sampled varies
 * among the groups by as much, as it does in a loop, by the number of pages. -ENOMEM.
 */
static int reach_down(const struct mrc_reuse *reuse, const double *sizes,
		      size_t nr, double *ratios, struct mrc_curve **low)
{
	double expected =
		(double)reuse->nr_accesses / reuse->options.inverse_rate;
	double nr_observed = (double)mrc_hist_total(reuse->hist);
	struct mrc_curve *lower = NULL;
	struct windows windows;
	size_t i;
	int err;

	if (expected - nr_observed <=
	    MAX_DEVIATIONS * deviation_of_observed(reuse))
		return 0;
	err = gather_windows(reuse, SIZE_MAX, &windows);
	if (err < 0)
		return err;
	for (i = 0; i < windows.parts.nr_buckets; i++)
		windows.slopes[i] = 0;
	err = mrc_parts_ratios(&windows.parts, sizes, nr, ratios);
	free_windows(&windows);
	for (i = 0; err == 0 && i < nr; i++)
		ratios[i] = fmin(ratios[i], mrc_curve_at(*low, sizes[i]));
	if (err == 0)
		err = curve_of(sizes, ratios, nr, &lower);
	if (err < 0)
		return err;
	mrc_curve_free(*low);
	*low = lower;
	return 0;
}

/* @curve is the estimate. -ENOMEM. */
static int band_around(const struct mrc_reuse *reuse,
		       const struct mrc_curve *curve, double level,
		       struct mrc_curve **ret_low, struct mrc_curve **ret_high)
{
	double share_unseen = 0;
	double nr_observed = INFINITY;
	struct mrc_band band = { 0 };
	struct mrc_curve *high = NULL;
	struct mrc_curve *low = NULL;
	double *ratios = NULL;
	double spread;
	double *sizes;
	size_t nr;
	int err = -ENOMEM;

	sizes = new_sizes(reuse, &nr);
	if (sizes != NULL)
		err = mrc_band_init(&band, sizes, nr);
	if (err == 0) {
		ratios = malloc(nr * sizeof(*ratios));
		err = ratios == NULL ? -ENOMEM : 0;
	}
	if (mrc_reuse_is_sampling(reuse)) {
		share_unseen = 1 - 1 / reuse->options.inverse_rate;
		nr_observed =
			(double)(mrc_hist_total(reuse->hist) + reuse->nr_open) /
			share_unseen;
	}
	spread = share_unseen;
	band.nr_free = MRC_BAND_NR_REPLICATES - 1;
	if (err == 0 && reuse->options.sampling == MRC_REUSE_REFERENCES)
		err = add_weighed(reuse, ratios, &band);
	if (err == 0 && reuse->options.sampling == MRC_REUSE_PAGES) {
		/* (G - 1) / G times the sum of squares, not 1 / (G - 1). */
		spread *= (double)(reuse->nr_groups - 1) *
			  (double)(reuse->nr_groups - 1) /
			  (double)reuse->nr_groups;
		band.nr_free = free_groups(reuse);
		err = add_without_groups(reuse, ratios, &band);
	}
	if (err == 0)
		err = mrc_band_curves(&band, curve, level, spread, nr_observed,
				      (size_t)2
					      << reuse->options.sub_bucket_bits,
				      &low, &high);
	if (err == 0 && reuse->options.sampling == MRC_REUSE_PAGES)
		err = reach_down(reuse, sizes, nr, ratios, &low);
	mrc_band_exit(&band);
	free(ratios);
	free(sizes);
	if (err < 0) {
		mrc_curve_free(low);
		mrc_curve_free(high);
		return err;
	}
	*ret_low = low;
	*ret_high = high;
	return 0;
}

int mrc_reuse_band(const struct mrc_reuse *reuse, double level,
		   struct mrc_curve **ret_low, struct mrc_curve **ret_high)
{
	struct mrc_curve *curve;
	int err;

	if (!mrc_band_is_level(level))
		return -EINVAL;
	err = mrc_reuse_curve(reuse, &curve);
	if (err < 0)
		return err;
	err = band_around(reuse, curve, level, ret_low, ret_high);
	mrc_curve_free(curve);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "window.h"

#include <errno.h>
#include <string.h>

#include <mrc/aet.h>
#include <mrc/hist.h>

#include "cleanup.h"
#include "units.h"

static void cleanup_hist(struct mrc_hist **hist)
{
	mrc_hist_free(*hist);
}

struct sample window_origin(const struct sample *first)
{
	/* Without buckets: an absent counter is 0. */
	return (struct sample){
		.generation = first->generation,
		.time_ns = first->time_ns,
		.state = first->state,
		.mmu_mode = first->mmu_mode,
		.encoding = first->encoding,
		.huge_mode = first->huge_mode,
		.inverse_rate = first->inverse_rate,
		.hot_pages = first->hot_pages,
		.salt = first->salt,
		.sub_bucket_bits = first->sub_bucket_bits,
		.tsc_khz = first->tsc_khz,
		.idle_sub_bucket_bits = first->idle_sub_bucket_bits,
	};
}

/* Clears *is_valid if the counter runs backwards. */
static uint64_t window_difference(uint64_t from, uint64_t to, bool *is_valid)
{
	if (to < from) {
		*is_valid = false;
		return 0;
	}
	return to - from;
}

/* What is new in @nr_to cumulative counters. -EBADMSG they run backwards. */
static int window_count_new(const uint64_t *from, uint32_t nr_from,
			    const uint64_t *to, uint32_t nr_to,
			    uint64_t **ret_counts)
{
	_cleanup_free_ uint64_t *counts = NULL;
	bool is_valid = nr_from <= nr_to;
	uint32_t i;

	counts = calloc((size_t)nr_to + 1, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	for (i = 0; i < nr_to; i++)
		counts[i] = window_difference(i < nr_from ? from[i] : 0, to[i],
					      &is_valid);
	if (!is_valid)
		return -EBADMSG;
	*ret_counts = TAKE_PTR(counts);
	return 0;
}

typedef int (*window_add_fn)(struct mrc_hist *hist, const uint64_t *counts,
			     size_t nr_counts);

/*
 * Adds counters of the layout of idle pages, which is the coarser one. The share
 * of each finer bucket is the same: ages of open intervals vary smoothly, and what
 * lies in the same place at both ends of a window cancels out wherever it lies.
 */
static int window_add_idle(struct mrc_hist *hist, const struct sample *layout,
			   const uint64_t *idle, uint32_t nr_idle,
			   window_add_fn add)
{
	unsigned int coarse = layout->idle_sub_bucket_bits;
	unsigned int fine = layout->sub_bucket_bits;
	size_t nr_counts = mrc_hist_nr_buckets(hist);
	_cleanup_free_ uint64_t *counts = NULL;
	size_t nr_coarse;
	uint32_t i;

	if (coarse > fine)
		return -EBADMSG;
	nr_coarse = mrc_bucket_count(coarse, MRC_HIST_VALUE_BITS);
	counts = calloc(nr_counts, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	for (i = 0; i < nr_idle; i++) {
		uint64_t low, last, nr, j;

		if (!idle[i])
			continue;
		if (i >= nr_coarse)
			return -EBADMSG;
		low = mrc_bucket_low(coarse, i);
		last = low + mrc_bucket_width(coarse, i) - 1;
		low = mrc_bucket_index(fine, low);
		nr = mrc_bucket_index(fine, last) - low + 1;
		for (j = 0; j < nr; j++)
			counts[low + j] += idle[i] / nr +
					   idle[i] % nr * (j + 1) / nr -
					   idle[i] % nr * j / nr;
	}
	return add(hist, counts, nr_counts);
}

/*
 * Intervals between two accesses of a page, and how far the window watched them:
 *
 * - from the access that begins them, where that is in the window; else from the
 *   window's start, at the age that they had then: what is open in @from;
 * - to the access that ends them, which is in the window: what is new in the
 *   buckets, however long ago they began;
 * - or to the window's end: what is open in @to. It is no difference: what was
 *   open in @from as well and has become older entered there;
 * - or to where their page left the sample: what is new in @ended.
 *
 * Read while the guest runs, the two lists of open intervals are a few accesses
 * off, and the estimate bears that.
 *
 * Not counted are first accesses of pages: they end nothing that was watched, and
 * what they begin is among what ends or is open. Where a page may have been
 * accessed before it came into the sample, nobody knows how long before.
 */
static int window_fill_watched(const struct sample *from,
			       const struct sample *to, uint64_t over_range,
			       struct mrc_hist *hist)
{
	_cleanup_free_ uint64_t *ended = NULL;
	int err;

	err = window_count_new(from->ended, from->nr_idle_buckets, to->ended,
			       to->nr_idle_buckets, &ended);
	if (err == 0)
		err = window_add_idle(hist, to, ended, to->nr_idle_buckets,
				      mrc_hist_add_censored_buckets);
	if (err == 0)
		err = window_add_idle(hist, to, to->open, to->nr_idle_buckets,
				      mrc_hist_add_censored_buckets);
	if (err == 0)
		err = window_add_idle(hist, to, from->open,
				      from->nr_idle_buckets,
				      mrc_hist_add_entered_buckets);
	return err == 0 ? mrc_hist_add_cold(hist, over_range) : err;
}

/* Adds what @window saw between the samples. */
static int window_fill_hist(const struct sample *from, const struct sample *to,
			    const struct window *window, struct mrc_hist *hist)
{
	_cleanup_free_ uint64_t *counts = NULL;
	bool is_valid = true;
	uint64_t over_range;
	int err;

	over_range =
		window_difference(from->over_range, to->over_range, &is_valid);
	err = window_count_new(from->buckets, from->nr_buckets, to->buckets,
			       to->nr_buckets, &counts);
	if (err == 0)
		err = mrc_hist_add_buckets(hist, counts, to->nr_buckets);
	if (err == 0 &&
	    (!is_valid || window->cold_accesses < over_range ||
	     window->cold_accesses - over_range < window->entry_accesses ||
	     mrc_hist_total(hist) > window->accesses ||
	     window->accesses - mrc_hist_total(hist) != window->cold_accesses))
		err = -EBADMSG;
	if (err == 0 && to->nr_idle_buckets)
		err = window_fill_watched(from, to, over_range, hist);
	else if (err == 0)
		err = mrc_hist_add_cold(hist, window->cold_accesses);
	return err == -ERANGE || err == -EOVERFLOW ? -EBADMSG : err;
}

static double window_scale(const struct sample *to)
{
	double scale;

	if (!to->range_pages || !to->sampled_pages)
		return to->inverse_rate;
	scale = (double)to->range_pages / (double)to->sampled_pages;
	/* A sample larger than its range is no measure of anything. */
	return scale >= 1 ? scale : to->inverse_rate;
}

static int window_set_curves(struct window *window, struct mrc_hist *hist)
{
	int err = 0;

	/* Without accesses, what is idle says nothing of what would be used. */
	if (!window->accesses)
		return 0;
	/* What began was read before it was there. */
	if (!mrc_hist_total(hist))
		err = mrc_hist_add_cold(hist, window->accesses);
	if (err == 0)
		err = mrc_aet_curve(hist, window->scale, &window->curve);
	if (err < 0)
		return err;
	return mrc_aet_band(hist, window->scale, WINDOW_BAND_LEVEL,
			    &window->lower, &window->upper);
}

static int window_set_wss(struct window *window)
{
	double bound;
	int err;

	if (!window->curve) {
		window->wss = WINDOW_WSS_NO_ACCESS;
		window->wss_pages = 0;
		return 0;
	}
	err = mrc_curve_wss_pages(window->curve, window->miss_ratio,
				  &window->wss_pages);
	window->wss = err == -ERANGE ? WINDOW_WSS_ABOVE : WINDOW_WSS_KNOWN;
	if (err == -ERANGE) {
		bound = mrc_curve_max_pages(window->curve);
		if (bound < window->distinct_pages)
			bound = window->distinct_pages;
		/* Such a size cannot be: it is not even counted in single pages. */
		if (!(bound < 0x1p53))
			return -EBADMSG;
		window->wss_pages = (uint64_t)bound;
	} else if (err < 0) {
		return err == -EOVERFLOW ? -EBADMSG : err;
	}
	/*
	 * The model's caches have no end, and where many intervals are open it
	 * goes beyond all that the VM has.
	 */
	if (window->range_pages && window->wss_pages > window->range_pages)
		window->wss_pages = window->range_pages;
	return 0;
}

int window_init(const struct sample *from, const struct sample *to,
		double miss_ratio, struct window *ret_window)
{
	CLEANUP(cleanup_hist) struct mrc_hist *hist = NULL;
	CLEANUP(window_done) struct window window = { 0 };
	struct sample origin;
	bool is_valid = true;
	int err;

	if (from->generation != to->generation) {
		origin = window_origin(to);
		origin.time_ns = to->start_ns;
		from = &origin;
	}
	if (!(miss_ratio >= 0 && miss_ratio <= 1) || !to->inverse_rate ||
	    from->inverse_rate != to->inverse_rate ||
	    from->sub_bucket_bits != to->sub_bucket_bits ||
	    from->idle_sub_bucket_bits != to->idle_sub_bucket_bits ||
	    from->salt != to->salt)
		return -EINVAL;
	window = (struct window){
		.start_ns = from->time_ns,
		.end_ns = to->time_ns,
		.miss_ratio = miss_ratio,
		.inverse_rate = to->inverse_rate,
		.scale = window_scale(to),
		.window_pages = to->window_pages,
		.range_pages = to->range_pages,
		.sampled_pages = to->sampled_pages,
		.mapped_pages = to->mapped_pages,
		.huge_leaves = to->huge_leaves,
		.hot_pages = to->hot_pages,
		.hot_used = to->hot_used,
		.huge_mode = to->huge_mode,
		.mmu_mode = to->mmu_mode,
		.encoding = to->encoding,
		.state = to->state,
		.tsc_khz = to->tsc_khz,
	};
	(void)window_difference(from->time_ns, to->time_ns, &is_valid);
	window.accesses =
		window_difference(from->accesses, to->accesses, &is_valid);
	window.cold_accesses = window_difference(from->cold_accesses,
						 to->cold_accesses, &is_valid);
	window.entry_accesses = window_difference(
		from->entry_accesses, to->entry_accesses, &is_valid);
	window.hook_cycles = window_difference(from->hook_cycles,
					       to->hook_cycles, &is_valid);
	window.pass_cycles = window_difference(from->pass_cycles,
					       to->pass_cycles, &is_valid);
	window.traps = window_difference(from->traps, to->traps, &is_valid);
	window.first_touches = window_difference(from->first_touches,
						 to->first_touches, &is_valid);
	window.lost_records = window_difference(from->lost_records,
						to->lost_records, &is_valid);
	if (!is_valid)
		return -EBADMSG;
	window.distinct_pages = (double)window.window_pages * window.scale;
	if (window.end_ns > window.start_ns)
		window.accesses_per_s = (double)window.accesses * window.scale /
					window_seconds(&window);
	err = mrc_hist_new(to->sub_bucket_bits, &hist);
	if (err < 0)
		return err == -EINVAL ? -EBADMSG : err;
	err = window_fill_hist(from, to, &window, hist);
	if (err < 0)
		return err;
	err = window_set_curves(&window, hist);
	if (err < 0)
		return err;
	err = window_set_wss(&window);
	if (err < 0)
		return err;
	*ret_window = window;
	window.curve = NULL;
	window.lower = NULL;
	window.upper = NULL;
	return 0;
}

void window_done(struct window *window)
{
	mrc_curve_free(window->curve);
	mrc_curve_free(window->lower);
	mrc_curve_free(window->upper);
	*window = (struct window){ 0 };
}

double window_seconds(const struct window *window)
{
	return units_seconds(window->end_ns - window->start_ns);
}

double window_cold_share(const struct window *window)
{
	if (!window->accesses)
		return 0;
	return (double)window->cold_accesses / (double)window->accesses;
}

double window_trap_rate(const struct window *window)
{
	double seconds = window_seconds(window);

	return seconds > 0 ? (double)window->traps / seconds : 0;
}

double window_miss_ratio_at(const struct window *window, double size_pages)
{
	return window->curve ? mrc_curve_at(window->curve, size_pages) : 1;
}

double window_extent_pages(const struct window *window)
{
	double extent = PAGES_PER_MIB;

	if (window->curve && mrc_curve_max_pages(window->curve) > 0)
		extent = mrc_curve_max_pages(window->curve);
	else if (window->distinct_pages > 0)
		extent = window->distinct_pages;
	/* Rounded up to a whole page, it can lie behind the last point. */
	if (window->wss == WINDOW_WSS_KNOWN &&
	    extent < (double)window->wss_pages)
		extent = (double)window->wss_pages;
	return extent;
}

bool window_is_starved(const struct window *window)
{
	/* A set that turned over less than once has shown each page once. */
	return window->hot_used < window->hot_pages ||
	       window->accesses < window->hot_pages;
}

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

/* Adds what is new in the buckets of @to. */
static int window_fill_hist(const struct sample *from, const struct sample *to,
			    uint64_t cold_accesses, struct mrc_hist *hist)
{
	_cleanup_free_ uint64_t *counts = NULL;
	bool is_valid = true;
	uint32_t i;
	int err;

	if (from->nr_buckets > to->nr_buckets)
		return -EBADMSG;
	counts = calloc((size_t)to->nr_buckets + 1, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	for (i = 0; i < to->nr_buckets; i++)
		counts[i] = window_difference(
			i < from->nr_buckets ? from->buckets[i] : 0,
			to->buckets[i], &is_valid);
	if (!is_valid)
		return -EBADMSG;
	err = mrc_hist_add_buckets(hist, counts, to->nr_buckets);
	if (err == 0)
		err = mrc_hist_add_cold(hist, cold_accesses);
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
	if (err != -ERANGE)
		return err == -EOVERFLOW ? -EBADMSG : err;
	bound = mrc_curve_max_pages(window->curve);
	if (bound < window->distinct_pages)
		bound = window->distinct_pages;
	/* Such a size cannot be: it is not even counted in single pages. */
	if (!(bound < 0x1p53))
		return -EBADMSG;
	window->wss_pages = (uint64_t)bound;
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
	};
	(void)window_difference(from->time_ns, to->time_ns, &is_valid);
	window.accesses =
		window_difference(from->accesses, to->accesses, &is_valid);
	window.cold_accesses = window_difference(from->cold_accesses,
						 to->cold_accesses, &is_valid);
	window.traps = window_difference(from->traps, to->traps, &is_valid);
	window.first_touches = window_difference(from->first_touches,
						 to->first_touches, &is_valid);
	window.lost_records = window_difference(from->lost_records,
						to->lost_records, &is_valid);
	if (!is_valid)
		return -EBADMSG;
	window.distinct_pages = (double)window.window_pages * window.scale;
	err = mrc_hist_new(to->sub_bucket_bits, &hist);
	if (err < 0)
		return err == -EINVAL ? -EBADMSG : err;
	err = window_fill_hist(from, to, window.cold_accesses, hist);
	if (err < 0)
		return err;
	if (mrc_hist_total(hist) != window.accesses)
		return -EBADMSG;
	if (window.accesses > 0) {
		err = mrc_aet_curve(hist, window.scale, &window.curve);
		if (err < 0)
			return err;
	}
	err = window_set_wss(&window);
	if (err < 0)
		return err;
	*ret_window = window;
	window.curve = NULL;
	return 0;
}

void window_done(struct window *window)
{
	mrc_curve_free(window->curve);
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
